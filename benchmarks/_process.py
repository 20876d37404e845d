"""What whole processes cost."""

from __future__ import annotations

import compileall
import os
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import runner_env

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Cost(NamedTuple):
    """Milliseconds: user and system time of a process and all that it waited for, and wall time."""

    cpu: float
    wall: float


def cost(argv: Sequence[str], environ: Mapping[str, str]) -> Cost:
    """Run a program to its end, its output thrown away.

    Raises:
        SystemExit: it did not end with 0.
    """
    devnull = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    begun = time.perf_counter()
    pid = os.posix_spawn(argv[0], list(argv), environ, file_actions=devnull)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - begun
    if status:
        raise SystemExit(f"{' '.join(argv)} ended with {os.waitstatus_to_exitcode(status)}")
    return Cost((usage.ru_utime + usage.ru_stime) * 1000, wall * 1000)


def medians(argvs: Sequence[Sequence[str]], environ: Mapping[str, str], runs: int) -> list[Cost]:
    """The median costs of programs that are run in turns, so that whatever else the machine does meets all alike."""
    for argv in argvs:
        cost(argv, environ)
    rounds = [[cost(argv, environ) for argv in argvs] for _ in range(runs)]
    return [Cost(*map(statistics.median, zip(*costs, strict=True))) for costs in zip(*rounds, strict=True)]


def compiled() -> None:
    """Have the bytecode of the package there, as an installer leaves it."""
    compileall.compile_dir(str(Path(runner_env.__file__).parent), quiet=2)


def program() -> list[str]:
    """The console script beside the interpreter, or else the module."""
    script = Path(sys.executable).with_name("runner-env")
    return [str(script)] if script.exists() else [sys.executable, "-m", "runner_env"]
