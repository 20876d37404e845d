"""What containment costs: `python benchmarks/sandbox.py`."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

sys.path.insert(0, str(Path(__file__).parent))

from _process import compiled
from _row import Row

from runner_env.errors import RunnerEnvError
from runner_env.execution import Box
from runner_env.execution.levels import Places, Wanted
from runner_env.execution.levels.hidden import hidden_places, secret_places
from runner_env.execution.levels.visible import visible_places

if TYPE_CHECKING:
    from collections.abc import Iterator

START_MS, GONE_MS = 100, 200
LEVELS: tuple[Literal["bwrap", "landlock", "none"], ...] = ("bwrap", "landlock", "none")
_RUNS = 15
_RUNNER = """
import os, sys
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from sandbox import Null, places
from runner_env.execution import Box, Request
from runner_env.execution.levels import Wanted
class Out:
    def write(self, data):
        os.write(1, data)
environ = {"PATH": "/usr/bin:/bin"}
with Box.open(Wanted.only(sys.argv[2]), places(Path(sys.argv[1])), environ=environ) as box:
    with box.stage("bench") as stage:
        request = Request(("/bin/sh", "-c", "setsid sleep 987 & echo up; sleep 987"), Path("/"), environ)
        stage.run(request, Out(), Null())
"""


class Null:
    """A sink that keeps nothing."""

    def write(self, data: memoryview | bytes, /) -> None:
        """Drop it."""


def rows() -> Iterator[Row]:
    """Medians at each level that this machine has: start of a box, its end after SIGKILL."""
    compiled()
    for level in LEVELS:
        with tempfile.TemporaryDirectory() as folder:
            yield from _rows_at(level, Path(folder))


def _rows_at(level: str, folder: Path) -> Iterator[Row]:
    about = places(folder)

    def opened() -> Box:
        return Box.open(Wanted.only(level), about, environ=os.environ)

    try:
        opened().close()
    except RunnerEnvError as error:
        yield Row(f"box start, sandbox {level}", f"<= {START_MS} ms", f"not here: {error.message}"[:58], None)
        return
    starts = []
    for _ in range(_RUNS):
        begun = time.perf_counter()
        box = opened()
        starts.append((time.perf_counter() - begun) * 1000)
        box.close()
    start = statistics.median(starts)
    yield Row(f"box start, sandbox {level}", f"<= {START_MS} ms", f"{start:.0f} ms, trials included", start <= START_MS)
    gone = statistics.median(_gone(level, folder) for _ in range(3))
    yield Row(
        f"runner killed, sandbox {level}", f"<= {GONE_MS} ms", f"nothing left after {gone:.0f} ms", gone <= GONE_MS
    )


def places(folder: Path) -> Places:
    """Places of a box in `folder`, with what is hidden in a run."""
    for name in ("workspace", "home", "tmp", "cache"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "canary").write_text("x", encoding="utf-8")
    hidden = hidden_places(os.environ, folder / "evidence")
    return Places(
        workspace=folder / "workspace",
        home=folder / "home",
        tmp=folder / "tmp",
        cache=folder / "cache",
        canary=folder / "canary",
        hidden=hidden,
        secrets=secret_places(os.environ),
        visible=visible_places(os.environ, hidden),
    )


def _gone(level: str, folder: Path) -> float:
    """Milliseconds from SIGKILL of a runner until none of the processes of its box is left."""
    argv = [sys.executable, "-c", _RUNNER, str(folder), level, str(Path(__file__).parent)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as runner:
        assert runner.stdout is not None
        runner.stdout.readline()
        below = _descendants(runner.pid)
        begun = time.perf_counter()
        runner.send_signal(signal.SIGKILL)
        while any(_lives(pid) for pid in below):
            time.sleep(0.001)
        return (time.perf_counter() - begun) * 1000


def _descendants(root: int) -> list[int]:
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            fresh = [int(word) for word in children.read_text().split()]
            found += fresh
            todo += fresh
    return found


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except (OSError, IndexError):
        return False


if __name__ == "__main__":
    for row in rows():
        print(row)
