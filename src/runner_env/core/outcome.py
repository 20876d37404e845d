"""What became of one command."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Ending(StrEnum):
    """How a command came to its end."""

    EXITED = "exited"
    SIGNALLED = "signalled"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    LOST = "lost"
    LIMITED = "limited"


@dataclass(frozen=True, slots=True)
class Capture:
    """One recorded output stream.

    Attributes:
        reference: file, POSIX, relative to the run directory.
        total_bytes: what the command wrote.
        omitted_bytes: how much of it was left out between the kept head and the kept tail.
        masked: how many secrets were replaced.
        sha256: of the stored file.
        error: why recording stopped early (a full disk, say), or None.
    """

    reference: str
    total_bytes: int
    omitted_bytes: int
    masked: int
    sha256: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one command, as the keeper observed it.

    Attributes:
        ending: how it ended.
        exit_code: as a shell has it: 0 to 255, 128 + n for signal n, 124 timed out, 126 refused; None if never known.
        duration_s: seconds on the monotonic clock.
        cpu_s: user and system seconds of the command and its waited-for children.
        max_rss_kib: peak resident memory of its largest process, KiB.
        reason: why it was refused, cancelled, limited, lost or not started; empty otherwise.
    """

    ending: Ending
    exit_code: int | None
    duration_s: float
    cpu_s: float = 0.0
    max_rss_kib: int = 0
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether the command ended by itself with exit code 0."""
        return self.ending is Ending.EXITED and self.exit_code == 0
