"""What the tests of the command policy share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.execution.policy import Policy, PolicyOptions, Refusal

Judge = Callable[..., Refusal | None]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """An empty repository."""
    root = tmp_path / "repo"
    root.mkdir()
    return root


@pytest.fixture
def judge(repo: Path) -> Judge:
    """Judge a command in `repo`, with the options given."""

    def check(command: str, *, cwd: Path | None = None, **options: object) -> Refusal | None:
        return Policy(PolicyOptions(**options)).check(command, cwd=cwd or repo, root=repo)  # type: ignore[arg-type]

    return check
