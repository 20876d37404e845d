"""A repository made of the files a test names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from runner_env.core import Finding
from runner_env.errors import ContractError

Repo = Callable[[Mapping[str, str | bytes]], Path]
Refused = Callable[[Callable[[], object]], tuple[Finding, ...]]


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """Make a repository of `{path: text}` and return its root."""

    def make(files: Mapping[str, str | bytes]) -> Path:
        root = tmp_path / "repo"
        root.mkdir(exist_ok=True)
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return root

    return make


@pytest.fixture
def refused() -> Refused:
    """Run what must raise a `ContractError`, and return its findings."""

    def run(load: Callable[[], object]) -> tuple[Finding, ...]:
        with pytest.raises(ContractError) as caught:
            load()
        return caught.value.findings

    return run
