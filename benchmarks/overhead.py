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
from sandbox import LEVELS

import runner_env
from runner_env.errors import RunnerEnvError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_env.runs.options import SandboxLevel

GOAL_MS = 60
_RUNS = 15
_SHELL = ("/bin/sh", "-c", "true")
_MEMORY = Path("/dev/shm")
_OBSERVE = "RUNNER_ENV_OBSERVE"


def rows() -> Iterator[Row]:
    """Runs in a warm process, less as many raw commands: at each level, then at the best one in other circumstances."""
    compiled()
    held: list[SandboxLevel] = []
    for level in LEVELS:
        row = _row("", level)
        held += [level] if row.ok is not None else []
        yield row
    if _MEMORY.is_dir():
        yield _row(", in memory", held[0], where=_MEMORY)
    if shutil.which("git"):
        yield _row(", in git", held[0], git=True)
    before = os.environ.get(_OBSERVE)
    os.environ[_OBSERVE] = "off"
    yield _row(", unobserved", held[0])
    os.environ[_OBSERVE] = before or "on"


def _row(name: str, level: SandboxLevel, *, where: Path | None = None, git: bool = False) -> Row:
    name = f"{COMMANDS} commands{name}, sandbox {level}"
    with tempfile.TemporaryDirectory(dir=where) as folder:
        os.environ["RUNNER_ENV_HOME"] = f"{folder}/home"
        target = make_project(Path(folder) / "target", git=git)
        try:
            rounds = [(_raw(), _run(target, level)) for _ in range(_RUNS + 1)][1:]
        except RunnerEnvError as error:
            return Row(name, f"<= {GOAL_MS} ms", f"not here: {error.message}"[:58], None)
    raws, runs = ([pair[which] for pair in rounds] for which in (0, 1))
    raw, run = _median(raws), _median(runs)
    wall, cpu = run.wall - raw.wall, run.cpu - raw.cpu
    best = min(cost.wall for cost in runs) - min(cost.wall for cost in raws)
    result = f"{wall:.0f} ms wall (best {best:.0f}), {cpu:.0f} ms CPU, beyond {raw.wall:.0f} ms raw"
    return Row(name, f"<= {GOAL_MS} ms", result, wall <= GOAL_MS)


def _raw() -> Cost:
    cpu, wall = _cpu(), time.perf_counter()
    for _ in range(COMMANDS):
        subprocess.run(_SHELL, check=True)
    return Cost((_cpu() - cpu) * 1000, (time.perf_counter() - wall) * 1000)


def _run(target: Path, level: SandboxLevel) -> Cost:
    cpu, wall = _cpu(), time.perf_counter()
    session = runner_env.setup(target, sandbox=level)
    rollout = session.rollout("a-model")
    result = session.evaluate()
    if not (rollout.ok and result.ok):
        raise SystemExit(f"the run did not pass: {[*map(str, (*rollout.findings, *result.findings))]}")
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
