"""What the runner itself adds to the commands of a run: `python benchmarks/overhead.py`."""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

from _process import Cost, compiled
from _project import COMMANDS, make_project
from _row import Row

import runner_env

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GOAL_MS = 60
_RUNS = 15
_SHELL = ("/bin/sh", "-c", "true")
_MEMORY = Path("/dev/shm")


def rows() -> Iterator[Row]:
    """Runs in a warm process, less as many raw commands: in a plain directory, in memory, in a git checkout."""
    compiled()
    yield _row(f"own overhead of {COMMANDS} commands", None, git=False)
    if _MEMORY.is_dir():
        yield _row("the same without waiting for a disk", _MEMORY, git=False)
    if shutil.which("git"):
        yield _row("the same in a git checkout", None, git=True)


def _row(name: str, where: Path | None, *, git: bool) -> Row:
    with tempfile.TemporaryDirectory(dir=where) as folder:
        os.environ["RUNNER_ENV_HOME"] = f"{folder}/home"
        target = make_project(Path(folder) / "target", git=git)
        raws = _costs(lambda: subprocess.run(_SHELL, check=True), runs=5 * _RUNS)
        runs = _costs(lambda: _run(target), runs=_RUNS)
    raw, run = _median(raws), _median(runs)
    wall, cpu = run.wall - COMMANDS * raw.wall, run.cpu - COMMANDS * raw.cpu
    best = min(cost.wall for cost in runs) - COMMANDS * min(cost.wall for cost in raws)
    times = run.wall / (COMMANDS * raw.wall)
    result = f"{wall:.0f} ms wall (best {best:.0f}), {cpu:.0f} ms CPU; {times:.1f} x raw ({COMMANDS * raw.wall:.0f} ms)"
    return Row(name, f"<= {GOAL_MS} ms", result, wall <= GOAL_MS)


def _run(target: Path) -> None:
    session = runner_env.setup(target)
    rollout = session.rollout("a-model")
    result = session.evaluate()
    if not (rollout.ok and result.ok):
        raise SystemExit(f"the run did not pass: {[*map(str, (*rollout.findings, *result.findings))]}")


def _costs(work: Callable[[], object], runs: int) -> list[Cost]:
    work()
    return [_cost(work) for _ in range(runs)]


def _cost(work: Callable[[], object]) -> Cost:
    cpu, wall = _cpu(), time.perf_counter()
    work()
    return Cost((_cpu() - cpu) * 1000, (time.perf_counter() - wall) * 1000)


def _cpu() -> float:
    """Seconds of this process and of all that it waited for."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _median(costs: list[Cost]) -> Cost:
    return Cost(*map(statistics.median, zip(*costs, strict=True)))


if __name__ == "__main__":
    for row in rows():
        print(row)
