"""A small target, copies of it, and an agent that follows a script."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from runner_env.authoring.agent import write_contract
from runner_env.authoring.authored import Authored, Recorded
from runner_env.authoring.brief import Brief, Purpose
from runner_env.authoring.copy import AgentCopy
from runner_env.authoring.proposal import Fence, Proposal
from runner_env.testing import FakeHarness, FakeTurn
from runner_env.testing.fake_harness import Sent

PIPELINE = """\
version: 1
security:
  max_cmd_seconds: 60
evaluation:
  hint: bash .aider_fsm/stages/evaluation.sh
"""
SCRIPT = "echo '1 passed in 0.01s'\n"
CONTRACT = {"pipeline.yml": PIPELINE, ".aider_fsm/stages/evaluation.sh": SCRIPT}
SOURCES = {"src/app.py": "x = 1\n", "tests/test_app.py": "def test_x(): assert True\n", "README.md": "# demo\n"}


def write(root: Path, files: Mapping[str, str]) -> None:
    """Write files, their folders too."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def listing(root: Path) -> dict[str, str]:
    """Every file and link below a directory but those of git, with its content."""
    return {
        path.relative_to(root).as_posix(): f"-> {path.readlink()}"
        if path.is_symlink()
        else path.read_text("utf-8", "replace")
        for path in sorted(root.rglob("*"))
        if ".git" not in path.relative_to(root).parts and (path.is_symlink() or path.is_file())
    }


def git(root: Path, *arguments: str) -> str:
    """Run git there."""
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "init.defaultBranch=main")
    return subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A repository without a contract, in no git repository."""
    root = tmp_path / "demo"
    write(root, SOURCES)
    return root


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """Where copies are made."""
    return tmp_path / "copies"


@dataclass
class Desk:
    """Agents at work on one target."""

    target: Path
    copies: Path
    recorded: list[Recorded] = field(default_factory=list)
    harness: FakeHarness | None = None

    def ask(
        self,
        *turns: FakeTurn,
        script: Callable[[Sent], FakeTurn] | None = None,
        purpose: Purpose = Purpose.SCAFFOLD,
        harness: FakeHarness | None = None,
        brief: Mapping[str, Any] | None = None,
        **terms: Any,
    ) -> Authored:
        """Have an agent do these turns."""
        self.harness = harness or FakeHarness(script or turns)
        task = Brief(purpose, **(brief or {}))
        with AgentCopy.make(self.target, self.copies) as copy:
            work = write_contract(self.harness, task, copy, self.target, record=self.recorded.append, **terms)
            return asyncio.run(work)

    @property
    def prompts(self) -> list[str]:
        """What the agent was sent."""
        assert self.harness is not None
        return [sent.prompt for sent in self.harness.sent]


@pytest.fixture
def desk(target: Path, copies: Path) -> Desk:
    """A desk for `target`."""
    return Desk(target, copies)


@pytest.fixture
def after(target: Path, copies: Path) -> Iterator[Callable[..., tuple[Proposal, Path]]]:
    """`after(change, purpose)` is what a fence makes of what `change` does in a copy, and the copy afterwards."""
    made: list[AgentCopy] = []

    def collect(change: Callable[[Path], object], purpose: Purpose = Purpose.SCAFFOLD) -> tuple[Proposal, Path]:
        copy = AgentCopy.make(target, copies)
        made.append(copy)
        fence = Fence(copy, purpose)
        change(copy.root)
        return fence.collect(), copy.root

    yield collect
    for copy in made:
        copy.close()
