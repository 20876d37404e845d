"""How much may be spent on one command: counted in steps, not seconds, so that the answer depends on the text alone."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_env.core import Where

MAX_TEXT = 65536
_MAX_LEVELS = 60
_MAX_TEXTS = 9
_MAX_REPEATS = 3
_MAX_WORK = 100_000
_MAX_WORK_REPEATING = 15_000


class TooComplex(Exception):
    """The text cannot be judged within the bounds: too long, nested too deeply, or too much work.

    Attributes:
        where: the script in which that came out.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.where: Where | None = None


@dataclass(slots=True)
class Bounds:
    """What one reading has spent.

    Attributes:
        work: about one for each command read.
        levels: how deeply the present statement or word is nested.
        texts: how many texts (scripts, arguments of `bash -c`) the present one is nested in.
        repeats: how many loops and function calls the present statement is inside of.
    """

    work: int = 0
    levels: int = 0
    texts: int = 0
    repeats: int = 0

    def spend(self, amount: int = 1) -> None:
        """Take note of work done."""
        self.work += amount
        if self.work > _MAX_WORK:
            raise TooComplex("it starts too many commands")

    def may_repeat(self) -> bool:
        """Whether a loop or a call is still followed round by round; a deep one is read once, with unknown values."""
        shallow = self.levels < _MAX_LEVELS // 2
        return shallow and self.repeats < _MAX_REPEATS and self.work < _MAX_WORK_REPEATING

    def enter(self) -> None:
        """Go into a statement or word that stands inside another; `leave` must follow."""
        if self.levels >= _MAX_LEVELS:
            raise TooComplex("it is nested too deeply")
        self.levels += 1

    def leave(self) -> None:
        """The end of what `enter` began."""
        self.levels -= 1

    @contextmanager
    def text(self) -> Iterator[None]:
        """One text started by another; the command line itself is the first, and eight scripts may follow."""
        if self.texts >= _MAX_TEXTS:
            raise TooComplex("scripts or quoted commands start one another more than 8 deep")
        self.texts += 1
        try:
            yield
        finally:
            self.texts -= 1

    @contextmanager
    def repeating(self) -> Iterator[None]:
        """The rounds of one loop, or one call."""
        self.repeats += 1
        try:
            yield
        finally:
            self.repeats -= 1
