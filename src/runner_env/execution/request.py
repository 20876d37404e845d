"""What is asked of a box, and where its output goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a command may run.

    Attributes:
        timeout_s: seconds on the monotonic clock after which it is asked to end (SIGTERM); None: no limit.
        grace_s: seconds from then, or from a cancel, until it is killed.
    """

    timeout_s: float | None = None
    grace_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Request:
    """One command.

    Attributes:
        argv: program and arguments, executed directly; looked up in the PATH of `env`. The kernel takes at most
            128 KiB for each argument or variable, and about 2 MB for all.
        cwd: directory to start in.
        env: the whole environment, nothing is inherited; the box adds one variable of its own.
        limits: time limits.
        stdin: a descriptor to read from, which stays the caller's; None: `/dev/null`.
    """

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(repr=False)
    limits: Limits = Limits()
    stdin: int | None = None


class Sink(Protocol):
    """Takes one output stream.

    A box never calls its sinks concurrently, but from different threads. What is handed over is valid during the call
    only. A sink must not raise for a full disk: it remembers the error and keeps taking, or else the command blocks.
    """

    def write(self, data: memoryview | bytes, /) -> object:
        """Take the next bytes."""


@dataclass(frozen=True, slots=True)
class StageEnd:
    """What was found alive at the end of a stage.

    Attributes:
        killed: processes that were ended then.
        kept: processes that live on until the box closes.
    """

    killed: int
    kept: int
