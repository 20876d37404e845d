"""A double of oneharness and of an agent program: it lists what it is told to, and answers runs by a script."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runner_env.harnesses.model import HarnessSession, Opening
from runner_env.harnesses.options import HarnessOptions
from runner_env.harnesses.table import make_harness

PROGRAM = """#!{python}
import json, os, pathlib, sys, time
folder = pathlib.Path({folder!r})
arguments = sys.argv[1:]
if arguments[0] == "--version":
    print("oneharness 0.21.3")
elif arguments[0] == "list":
    print((folder / "listing.json").read_text())
elif arguments[0] == "detect":
    print(json.dumps({{"detected": [{{"version": "agent-cli 1.2.3"}}]}}))
else:
    answers = json.loads((folder / "answers.json").read_text())
    asked = len(list(folder.glob("asked-*")))
    record = {{"argv": arguments, "stdin": sys.stdin.read(), "env": dict(os.environ), "cwd": os.getcwd()}}
    (folder / f"asked-{{asked}}").write_text(json.dumps(record))
    answer = answers[min(asked, len(answers) - 1)]
    time.sleep(answer["delay"])
    sys.stderr.write(answer["stderr"])
    sys.stdout.write(answer["stdout"])
    sys.exit(answer["exit"])
"""


def result(text: str = "ok", **members: Any) -> dict[str, Any]:
    """One result of an envelope."""
    return {"status": "ok", "text": text, "session_id": "s-1", "events": [], "usage": None, **members}


def answer(
    *results: dict[str, Any],
    events: list[dict[str, Any]] | None = None,
    stdout: str | None = None,
    stderr: str = "",
    code: int = 0,
    delay: float = 0.0,
) -> dict[str, Any]:
    """One streamed run."""
    lines = [{"type": "event", "event": event} for event in events or []]
    lines.append({"type": "result", "report": {"results": list(results)}})
    printed = "".join(json.dumps(line) + "\n" for line in lines) if stdout is None else stdout
    return {"stdout": printed, "stderr": stderr, "exit": code, "delay": delay}


def failed(said: str, kind: str | None = None, **members: Any) -> dict[str, Any]:
    """A run whose harness failed."""
    return answer({"status": "nonzero", "error": said, "failure_kind": kind, **members}, code=1)


@dataclass
class Desk:
    """The double, and a harness that uses it."""

    folder: Path
    options: Callable[..., HarnessOptions]
    repository: Path

    def listing(self, **harnesses: Any) -> None:
        """What `oneharness list` says: the modes of each harness, and whether it resumes."""
        listed = [
            {
                "id": name.replace("_", "-"),
                "default_bin": {"claude_code": "claude"}.get(name, name),
                "modes": [{"mode": mode} for mode in modes],
                "supports_resume": resumes,
            }
            for name, (modes, resumes) in harnesses.items()
        ]
        (self.folder / "listing.json").write_text(json.dumps({"harnesses": listed}))

    def answers(self, *runs: dict[str, Any]) -> None:
        """What the runs print; the last repeats."""
        (self.folder / "answers.json").write_text(json.dumps(runs))

    @property
    def asked(self) -> list[dict[str, Any]]:
        """The runs so far: argv, stdin, env, cwd."""
        found = sorted(self.folder.glob("asked-*"), key=lambda path: int(path.name.partition("-")[2]))
        return [json.loads(path.read_text()) for path in found]

    def session(self, act: Callable[[HarnessSession], Awaitable[Any]], harness: str = "codex", **more: Any) -> Any:
        """What `act` returns for a session; `opening` and further members of the options may be given."""
        opening = more.pop("opening", Opening(self.repository, "test", writable=("pipeline.yml",)))

        async def run() -> Any:
            made = make_harness(self.options(name=f"oneharness:{harness}", **more))
            try:
                return await act(await made.start(opening))
            finally:
                await made.aclose()

        return asyncio.run(run())

    def turns(self, *prompts: str, timeout_s: float = 20, **more: Any) -> Any:
        """The turns of one session; the last one's error is raised."""

        async def talk(session: HarnessSession) -> Any:
            return [await session.send(prompt, timeout_s=timeout_s) for prompt in prompts]

        return self.session(talk, **more)


@pytest.fixture
def desk(tmp_path: Path, options: Callable[..., HarnessOptions], program: Callable[..., Path]) -> Desk:
    """A double that drives codex, claude-code and goose; it answers `ok`."""
    folder = tmp_path / "double"
    folder.mkdir()
    for name in ("codex", "claude", "goose", "opencode"):
        program(name)
    binary = program("oneharness") / "oneharness"
    binary.write_text(PROGRAM.format(python=sys.executable, folder=str(folder)))
    repository = tmp_path / "copies" / "one"
    repository.mkdir(parents=True)
    made = Desk(folder, options, repository)
    every = ["read-only", "default", "edit", "auto", "bypass"]
    made.listing(codex=(every, True), claude_code=(every, True), goose=(["default", "auto", "bypass"], False))
    made.answers(answer(result()))
    return made
