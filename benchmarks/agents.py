"""Contracts by agents: own time, a warm server, a table of repositories: `python benchmarks/run.py --only agents`.

The real OpenCode works for a scripted model, which writes what rules would write: that shows the mechanism. With
`RUNNER_ENV_BENCH_MODEL=provider/model` the agent is your own OpenCode with that model, and the table says what it does.
Needs npm and the network, and some ten minutes; `AGENTS_SECONDS` bounds the table (default 600).
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from _row import Row
from strangers import fetched

import runner_env
from runner_env.authoring.render import render
from runner_env.authoring.rules import propose
from runner_env.core import Usage
from runner_env.errors import RunnerEnvError
from runner_env.harnesses.opencode import OpenCode
from runner_env.harnesses.options import HarnessOptions
from runner_env.reporting.records import load_record
from runner_env.testing import ChatRequest, FakeHarness, FakeTurn, Reply, ScriptedModel, Tokens, ToolCall

if TYPE_CHECKING:
    from runner_env.formats.record import RunRecord

ROOT = Path(__file__).resolve().parents[1]
OWN_S = 1.0
SDISTS = (
    "iniconfig", "pluggy", "itsdangerous", "toolz", "python-slugify", "tenacity", "markdown", "structlog", "click",
    "jinja2",
)  # fmt: skip
EXAMPLES = ("node", "service")
MODULE = "agent_of_the_bench"
REAL = "RUNNER_ENV_BENCH_MODEL"
_SCORES = """printf '{"ok": true, "score": 0.5}' > .aider_fsm/metrics.json"""
_STAGE = ".aider_fsm/stages/evaluation.sh"
_CONTRACT = f"""\
version: 1
security: {{max_cmd_seconds: 60}}
evaluation: {{run_cmds: [sh {_STAGE}], metrics_path: .aider_fsm/metrics.json, required_keys: [ok, score]}}
"""
Files = Mapping[str, str]


def rows() -> Iterator[Row]:
    """Own time, the warm server, then a row for each repository."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(os.path.realpath(folder))
        os.environ["RUNNER_ENV_HOME"] = str(place / "home")
        yield _own_time(place)
        with ExitStack() as stack:
            model = stack.enter_context(_Scripted(place))
            yield _warm(place, model)
            yield from _table(place, model)


def _own_time(place: Path) -> Row:
    """From an empty repository to a verified score, less the agent's turns and the contract's commands."""
    module = sys.modules[MODULE] = ModuleType(MODULE)
    taken = []
    for number in range(6):
        root = place / f"own-{number}"
        root.mkdir()
        (root / "model.py").write_text("print(1)\n")
        turn = FakeTurn(writes={"pipeline.yml": _CONTRACT, _STAGE: _SCORES})
        module.__dict__["make"] = lambda _, turn=turn: FakeHarness([turn])
        begun = time.perf_counter()
        with runner_env.setup(root, scaffold="agent", harness=f"{MODULE}:make") as session:
            result = session.evaluate("none")
        whole = time.perf_counter() - begun
        record = load_record(result.run_dir)
        agent = sum(turn.duration_s for one in record.authoring for turn in one.turns)
        taken.append(whole - agent - sum(stage.duration_s for stage in record.stages))
    median = statistics.median(taken[1:])  # the first loads the modules
    text = f"{median:.2f} s at sandbox {record.sandbox} (first {taken[0]:.2f})"
    return Row("scaffold to verified, own time", f"<= {OWN_S:.0f} s", text, median <= OWN_S)


class _Scripted:
    """A user whose OpenCode asks a model that writes, turn for turn, the files it is given. A context manager."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self.turns: list[Files] = []
        self._model = ScriptedModel(self._answer, api_key="test-key")
        self._stack = ExitStack()

    def __enter__(self) -> _Scripted:
        from real_agents import installed, user_environment

        self._stack.enter_context(self._model)
        if not os.environ.get(REAL):
            given = user_environment(self._place, self._model.url, installed())
            config = self._place / "user/.config/opencode/opencode.json"
            # homes and proxies stay the operator's: the targets are installed by pip
            kept = {name: value for name, value in given.items() if name not in {"HOME", "HTTPS_PROXY"}}
            os.environ.update(kept, OPENCODE_CONFIG=str(config))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _answer(self, request: ChatRequest) -> Reply:
        if request.step or not request.tools or not self.turns:
            return Reply("Done.", usage=Tokens(100, 5))
        calls = [ToolCall("write", {"filePath": path, "content": text}) for path, text in self.turns.pop(0).items()]
        return Reply(tool_calls=calls, usage=Tokens(100, 50))


def _warm(place: Path, model: _Scripted) -> Row:
    """One session in which the agent is asked three times: how often was a server started?"""
    root = place / "warm"
    root.mkdir()
    made: list[OpenCode] = []

    def make(options: HarnessOptions) -> OpenCode:
        made.append(OpenCode(options))
        return made[-1]

    sys.modules[MODULE].__dict__["make"] = make
    model.turns[:] = [{"pipeline.yml": _CONTRACT, _STAGE: "exit 1\n"}, {_STAGE: "exit 2\n"}, {_STAGE: _SCORES}]
    keywords = {"scaffold": "agent", "harness": f"{MODULE}:make", "opencode_model": os.environ.get(REAL, "")}
    with runner_env.setup(root, **keywords) as session:
        record = load_record(session.evaluate("none").run_dir)
        started = sum(one.started for one in made)
    turns = ", ".join(f"{turn.duration_s:.1f} s" for one in record.authoring for turn in one.turns)
    text = f"{started} for {len(record.authoring)} sessions, whose turns took {turns}"
    return Row("servers started in a session", "1", text, started == 1 and len(record.authoring) == 3)


def _table(place: Path, model: _Scripted) -> Iterator[Row]:
    until = time.monotonic() + float(os.environ.get("AGENTS_SECONDS", "600"))
    scored: list[bool] = []
    for name, kind in [*((name, "example") for name in EXAMPLES), *((name, "pip") for name in SDISTS)]:
        if time.monotonic() > until:
            yield Row(f"agent {name}", "a true score", "left out: no time left", None)
            continue
        target = _example(place, name) if kind == "example" else fetched(place, name, kind)
        if target is None:
            yield Row(f"agent {name}", "a true score", "left out: it cannot be fetched", None)
            continue
        text, ok = _tried(target, model, _contract(name, kind, target))
        scored.append(ok)
        yield Row(f"agent {name}", "a true score", text, ok)
        shutil.rmtree(target, ignore_errors=True)
    whose = os.environ.get(REAL) or "scripted model"
    yield Row("repositories scored with an agent", "-", f"{sum(scored)} of {len(scored)} ({whose})", None)


def _example(place: Path, name: str) -> Path:
    """An example without its contract."""
    root = place / f"example-{name}"
    shutil.copytree(ROOT / "examples" / name, root, ignore=shutil.ignore_patterns(".aider_fsm", "pipeline.yml"))
    return root


def _contract(name: str, kind: str, target: Path) -> Files:
    """What the scripted model writes: the example's own contract, or what rules propose."""
    if kind == "pip":
        recipe = propose(target)
        return render(recipe) if recipe else {}
    root = ROOT / "examples" / name
    paths = [root / "pipeline.yml", *(path for path in (root / ".aider_fsm").rglob("*") if path.is_file())]
    written = (path for path in paths if path.suffix in {".yml", ".py", ".sh"})
    return {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in written}


def _tried(target: Path, model: _Scripted, contract: Files) -> tuple[str, bool]:
    model.turns[:] = [contract]
    begun = time.monotonic()
    try:
        with runner_env.setup(target, scaffold="agent", opencode_model=os.environ.get(REAL, "")) as session:
            result = session.evaluate("none")
    except RunnerEnvError as error:
        return f"{error.code} ({time.monotonic() - begun:.0f} s)", False
    seconds = time.monotonic() - begun
    return _said(load_record(result.run_dir), result.score, seconds), result.score is not None


def _said(record: RunRecord, score: float | None, seconds: float) -> str:
    turns = [turn for one in record.authoring for turn in one.turns]
    used = Usage.total(turn.usage for turn in turns)
    agent = sum(turn.duration_s for turn in turns)
    tokens = f"{used.input_tokens} + {used.output_tokens} tokens" if used.input_tokens is not None else "tokens unknown"
    what = "no score" if score is None else f"{score:.4g}"
    attempts = f"{len(turns)} turn{'s' if len(turns) != 1 else ''}"
    return f"{what} ({attempts}, {seconds:.0f} s, {agent:.0f} s of it agent, {tokens})"
