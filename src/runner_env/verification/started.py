"""When a stage began, on the clock that stamps the files it makes."""

from __future__ import annotations

import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from runner_env.errors import TargetNotFound
from runner_env.targets.inside import InsideWalk
from runner_env.verification.model import ARTIFACTS_PATH

if TYPE_CHECKING:
    from pathlib import Path

_JUMP_S = 1.0
"""By less than this clocks are set all the time."""

_POLL_S = 0.0005
_LONGEST_TICK_S = 2.5
_TICK_NS = 20_000_000
"""Coarser than this is no file system's clock but an old one's."""


@dataclass(frozen=True, slots=True)
class Started:
    """The start of a stage.

    Filesystems stamp files with a coarse clock (1 to 10 ms, on old ones 1 or 2 s), so that a file made just before the
    stage and one made just after may carry the same time. `now` therefore waits until that clock has ticked once:
    whatever existed before is then strictly older, and an equal time means that the file is fresh.

    If the clock is set back while the stage runs, its files carry earlier times. As much earlier as the clock jumped
    they may then be; what earlier runs left was moved away before.

    Attributes:
        ctime_ns: the first filesystem time that only files of the stage can have, nanoseconds since 1970.
        exact: False if the clock did not tick within 2.5 s; an equal time then counts as stale.
        ahead_s: by how much the wall clock was ahead of the monotonic clock; None if that is not asked.
    """

    ctime_ns: int
    exact: bool = True
    ahead_s: float | None = field(default=None, compare=False)

    @classmethod
    def now(cls, repo: Path) -> Self:
        """Measure it in `.aider_fsm/artifacts` of `repo`, which is made if missing; call it right before the stage.

        Raises:
            TargetError: `path_outside` and the like, if that directory is not one inside the repository.
            OSError: a probe file cannot be written there.
        """
        with InsideWalk(repo) as walk:
            enter_making(walk, ARTIFACTS_PATH)
            name = f".started-{secrets.token_hex(8)}"
            fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=walk.fd)
            try:
                os.unlink(name, dir_fd=walk.fd)
                return cls(*_next_tick(fd), ahead_s=_ahead_s())
            finally:
                os.close(fd)

    def is_fresh(self, ctime_ns: int) -> bool:
        """Whether a file whose inode last changed at `ctime_ns` was made or changed since."""
        back_s = 0.0 if self.ahead_s is None else self.ahead_s - _ahead_s()
        first_ns = self.ctime_ns - (int(back_s * 1e9) + _TICK_NS if back_s > _JUMP_S else 0)
        return ctime_ns >= first_ns if self.exact else ctime_ns > first_ns


def _ahead_s() -> float:
    return time.time() - time.monotonic()


def enter_making(walk: InsideWalk, path: str) -> None:
    """Walk into the directory `path` (plain parts only), making what is missing of it."""
    parent, _, name = path.rpartition("/")
    try:
        walk.enter(parent)
    except TargetNotFound:
        enter_making(walk, parent)
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=walk.fd)
    walk.enter(path)


def _next_tick(fd: int) -> tuple[int, bool]:
    first = os.fstat(fd).st_ctime_ns
    deadline = time.monotonic() + _LONGEST_TICK_S
    while True:
        os.utime(fd)  # as a write would, it has the filesystem stamp the file anew, but needs no room on the disk
        seen = os.fstat(fd).st_ctime_ns
        if seen > first:
            return seen, True
        if time.monotonic() > deadline:
            return seen, False
        time.sleep(_POLL_S)
