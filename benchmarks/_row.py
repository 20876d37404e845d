"""One line of `make bench`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A figure with its goal; `ok` says whether the goal is met."""

    name: str
    goal: str
    result: str
    ok: bool

    def __str__(self) -> str:
        return f"{self.name:<36}  goal {self.goal:<12}  result {self.result:<24}  {'OK' if self.ok else 'MISS'}"
