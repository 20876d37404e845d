"""What is asked of a box, and where its output goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a command may run, and what it and all it starts may use meanwhile.

    Where memory, processes or `watch` are exceeded, all of it is killed, and the outcome is `LIMITED` with a reason
    that begins with the name of the limit.

    Attributes:
        timeout_s: seconds on the monotonic clock after which it is asked to end (SIGTERM); None: no limit.
        grace_s: seconds from then, or from a cancel, until it is killed.
        memory_bytes: that may be in memory at a time, shared pages counted once; 0: any. Looked at every 250 ms.
        processes: that may be alive at a time; 0: any. Looked at every 250 ms.
        open_files: that each process may have, by the kernel (RLIMIT_NOFILE); 0: as many as this program may.
        watch: asked twice a second and at the end which limit is exceeded; "" if none is.
    """

    timeout_s: float | None = None
    grace_s: float = 2.0
    memory_bytes: int = 0
    processes: int = 0
    open_files: int = 0
    watch: Callable[[], str] | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """Which programs a command executes, told while it runs.

    Attributes:
        sink: takes the events in the form that `runner_env.guest.events` describes; the last is `end`.
        writes_below: tell also which files below this directory may be written; None: do not.
    """

    sink: Sink
    writes_below: Path | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One command.

    Attributes:
        argv: program and arguments, executed directly; looked up in the PATH of `env`. The kernel takes at most
            128 KiB for each argument or variable, and about 2 MB for all.
        cwd: directory to start in.
        env: the whole environment, nothing is inherited; the box adds one variable of its own.
        limits: how long it may take and what it may use.
        stdin: a descriptor to read from, which stays the caller's; None: `/dev/null`.
        observation: whether and how it is observed; costs about a millisecond for each program that is executed.
    """

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(repr=False)
    limits: Limits = Limits()
    stdin: int | None = None
    observation: Observation | None = None


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
        stopped: limits that were exceeded by what commands had left running, so that it was killed.
    """

    killed: int
    kept: int
    stopped: tuple[str, ...] = ()
