"""What a command costs beyond `subprocess.run`, and what observing it costs: `python benchmarks/commands.py`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

from _process import compiled
from _row import Row
from sandbox import LEVELS, Null, places

from runner_env.errors import RunnerEnvError
from runner_env.execution import Box, Limits, Observation, Request
from runner_env.execution.levels import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GOAL_MS = 10
GOAL_RATIO = 1.15
_ENV = {"PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"}
_SHELL = ("/bin/sh", "-c", "true")
_TESTS = """
import os, subprocess, sys, tempfile
import pytest

@pytest.mark.parametrize("n", range(300))
def test_words(n, tmp_path):
    file = tmp_path / "words"
    file.write_text(" ".join(str(i * n) for i in range(2000)))
    assert sum(map(int, file.read_text().split())) == n * 1999 * 1000

@pytest.mark.parametrize("n", range(10))
def test_program(n):
    done = subprocess.run([sys.executable, "-c", f"print({n} * 2)"], capture_output=True, text=True)
    assert int(done.stdout) == n * 2
"""
"""300 tests as most are, and 10 that start a program."""


def rows() -> Iterator[Row]:
    """At each level that this machine has: commands in a warm box, then a test suite, observed and not, in turns."""
    compiled()
    for level in LEVELS:
        with tempfile.TemporaryDirectory() as folder:
            about = places(Path(folder))
            try:
                with Box.open(Wanted.only(level), about, environ=os.environ) as box:
                    yield from _rows_in(box, about.workspace)
            except RunnerEnvError as error:
                yield Row(f"a command, sandbox {level}", f"<= {GOAL_MS} ms", f"not here: {error.message}"[:58], None)


def _rows_in(box: Box, folder: Path) -> Iterator[Row]:
    plain, untraced, traced = _in_turns(
        lambda: subprocess.run(_SHELL, check=True, cwd=folder, env=_ENV),
        lambda: _run(box, folder, _SHELL, observed=False),
        lambda: _run(box, folder, _SHELL, observed=True),
        runs=60,
    )
    for name, taken in (("unobserved", untraced), ("observed", traced)):
        more = (taken - plain) * 1000
        result = f"{more:.1f} ms more than subprocess.run ({plain * 1000:.1f} ms)"
        yield Row(f"a command, {name}, sandbox {box.level}", f"<= {GOAL_MS} ms", result, more <= GOAL_MS)
    (folder / "test_all.py").write_text(_TESTS, encoding="utf-8")
    suite = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_all.py")
    untraced, traced = _in_turns(
        lambda: _run(box, folder, suite, observed=False),
        lambda: _run(box, folder, suite, observed=True, writes=True),
        runs=7,
    )
    ratio = traced / untraced
    result = f"{(ratio - 1) * 100:+.0f} % ({untraced:.2f} s, observed with writes {traced:.2f} s)"
    yield Row(f"a test suite, observed, sandbox {box.level}", "<= 15 %", result, ratio <= GOAL_RATIO)


def _run(box: Box, folder: Path, argv: tuple[str, ...], *, observed: bool, writes: bool = False) -> None:
    observation = Observation(Null(), folder if writes else None) if observed else None
    request = Request(argv, folder, _ENV, Limits(300), observation=observation)
    with box.stage("bench") as stage:
        outcome = stage.run(request, Null(), Null())
    if not outcome.ok:
        raise SystemExit(f"{argv} ended badly: {outcome}")


def _in_turns(*works: Callable[[], object], runs: int) -> list[float]:
    """The median seconds of each, done in turns so that whatever else the machine does meets all alike."""
    taken: list[list[float]] = [[] for _ in works]
    for turn in range(runs + 1):
        for times, work in zip(taken, works, strict=True):
            begun = time.perf_counter()
            work()
            if turn:
                times.append(time.perf_counter() - begun)
    return [statistics.median(times) for times in taken]


if __name__ == "__main__":
    for row in rows():
        print(row)
