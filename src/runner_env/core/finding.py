"""One thing that was found out, with the place and the evidence."""

from __future__ import annotations

from dataclasses import dataclass

from runner_env.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a file. `line` and `column` count from 1; `file` is POSIX, relative to the repository if inside it."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to `end` (half open) of a stored file; `reference` is POSIX, relative to the run directory."""

    reference: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something found out about a contract, a stage or an artifact.

    Attributes:
        code: stable identifier, lower case with underscores.
        message: what happened, for a person.
        where: the place in a file, if there is one.
        hint: what to do about it.
        evidence: recorded bytes that show it.
        verdict: what it makes of the run by itself; `passed` marks a mere note or warning.
        stage: the stage it belongs to, as in `failed_stage`.
    """

    code: str
    message: str
    where: Where | None = None
    hint: str | None = None
    evidence: tuple[Span, ...] = ()
    verdict: Verdict = Verdict.FAILED
    stage: str | None = None

    def __str__(self) -> str:
        head = f"{self.where}: {self.message}" if self.where else self.message
        tail = f" Hint: {self.hint}" if self.hint else ""
        return f"{head} [{self.code}]{tail}"
