"""Running one stated command: its own process group, a time limit, its output in files."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TIMED_OUT = 124
TAIL_CHARS = 4000
GRACE_SECONDS = 3.0
MAX_READ_BYTES = 64 << 20


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        rc: its exit code; 124 if its time was up, 128 + n after signal n.
        seconds: how long it took.
        timed_out: whether its time was up.
        stdout: the file with its standard output.
        stderr: the file with its standard error.
    """

    rc: int
    seconds: float
    timed_out: bool
    stdout: Path
    stderr: Path

    def output(self) -> bytes:
        """Both streams, one after the other, of each the last 64 MiB."""
        return _end(self.stdout, MAX_READ_BYTES) + b"\n" + _end(self.stderr, MAX_READ_BYTES)

    def tails(self) -> tuple[str, str]:
        """The last 4000 characters of both streams."""
        return tuple(
            _end(path, 4 * TAIL_CHARS).decode("utf-8", "replace")[-TAIL_CHARS:] for path in (self.stdout, self.stderr)
        )  # type: ignore[return-value]


def run_command(command: list[str], cwd: Path, env: Mapping[str, str], timeout_s: float, into: Path) -> Ended:
    """Run a command to its end, or end it with everything it started.

    Args:
        command: program and arguments.
        cwd: where.
        env: all of its variables.
        timeout_s: seconds that it may take.
        into: a folder for `stdout.txt` and `stderr.txt`, which is made.
    """
    into.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with (into / "stdout.txt").open("wb") as out, (into / "stderr.txt").open("wb") as err:
        rc, timed_out = _wait(_start(command, cwd, env, out, err), timeout_s)
    return Ended(rc, time.monotonic() - started, timed_out, into / "stdout.txt", into / "stderr.txt")


def _start(
    command: list[str], cwd: Path, env: Mapping[str, str], out: BinaryIO, err: BinaryIO
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
    )


def _wait(process: subprocess.Popen[bytes], timeout_s: float) -> tuple[int, bool]:
    try:
        rc = process.wait(timeout_s)
        return (rc if rc >= 0 else 128 - rc), False
    except subprocess.TimeoutExpired:
        return TIMED_OUT, True
    finally:
        _end_group(process)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the command; also what it put into the background."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):
            break
        if process.poll() is None:
            try:
                process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                continue
    process.wait()


def _end(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - most))
        return file.read(most)
