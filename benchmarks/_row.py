"""One line of `make bench`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A figure with its goal; `ok` says whether it is met, None that there is none or that it was not measured."""

    name: str
    goal: str
    result: str
    ok: bool | None

    def __str__(self) -> str:
        return f"{self.name:<40}  {self.goal:<12}  {self.result:<58}  {_MARKS[self.ok]}".rstrip()


_MARKS = {True: "OK", False: "MISS", None: ""}
HEAD = f"{'figure':<40}  {'goal':<12}  result"
