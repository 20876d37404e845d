"""Places in a file, text made safe to show, and the two kinds of finding made here: a refusal and a note."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

from runner_env.core import Finding, Verdict
from runner_env.errors import ContractError

if TYPE_CHECKING:
    from runner_env.core import Where

_SHOWN = 60


def refusal(code: str, message: str, where: Where | None, hint: str | None = None) -> ContractError:
    """An error of one finding, to raise where a file cannot be read any further."""
    return ContractError([Finding(code, message, where, hint)])


def note(code: str, message: str, where: Where | None, hint: str | None = None) -> Finding:
    """A finding that makes nothing fail."""
    return Finding(code, message, where, hint, verdict=Verdict.PASSED)


def file_order(finding: Finding) -> tuple[str, int, int]:
    """Sort key: file, line, column."""
    where = finding.where
    return (where.file, where.line or 0, where.column or 0) if where else ("", 0, 0)


class Lines:
    """Finds line and column of a character in a text whose lines end in a line feed."""

    def __init__(self, text: str) -> None:
        self._length = len(text)
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def place(self, index: int) -> tuple[int, int]:
        """Line and column, both from 1, of the character at `index`; behind the end counts as the end."""
        index = min(index, self._length)
        line = bisect_right(self._starts, index)
        return line, index - self._starts[line - 1] + 1


def shown(text: str) -> str:
    """`text` for a message: quoted, at most 60 characters, no control characters."""
    text = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    quote = '"' if "'" in text and '"' not in text else "'"
    return quote + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text) + quote


def shown_end(path: str) -> str:
    """As `shown`, for a path: of a long one the end says more than the beginning."""
    return shown(path if len(path) <= _SHOWN else "…" + path[1 - _SHOWN :])
