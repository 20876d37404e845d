"""A repository, a store and the artifacts that stages write."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from runner_env.contract.model import MetricsSpec
from runner_env.core import Where
from runner_env.verification import Context, Started


@dataclass(frozen=True)
class Copy:
    reference: str
    size: int
    sha256: str


@dataclass
class Bench:
    """One repository with a run directory, and shorthands for what a stage would do."""

    repo: Path
    run_dir: Path
    asked: list[tuple[str, int]] = field(default_factory=list)

    def store(self, fd: int, relative: str, limit: int) -> Copy | None:
        """The double of `RunDir.store_file`."""
        self.asked.append((relative, limit))
        size = os.fstat(fd).st_size
        if size > limit:
            return None
        data = os.pread(fd, size, 0)
        path = self.run_dir / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return Copy(relative, len(data), hashlib.sha256(data).hexdigest())

    def keep(self, relative: str, fd: int) -> str:
        """A `keep` for `set_aside`."""
        copy = self.store(fd, f"aside/{len(self.asked)}/{relative}", 1 << 40)
        assert copy is not None
        return copy.reference

    def context(self) -> Context:
        """As right before a stage."""
        return Context(self.repo, Started.now(self.repo), self.store)

    def write(self, relative: str, content: str | bytes | dict[str, object] | list[object]) -> Path:
        """What a stage writes."""
        path = self.repo / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, str | bytes) else json.dumps(content)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A repository with nothing in it, a run directory, and something outside."""
    (tmp_path / "repo" / ".aider_fsm").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.json").write_text('{"ok": true, "score": 1.0, "secret": "outside"}')
    return Bench(tmp_path / "repo", tmp_path / "run")


@pytest.fixture
def spec() -> Callable[..., MetricsSpec]:
    """What a contract promises, with the usual path."""

    def make(
        path: str | None = ".aider_fsm/metrics.json",
        required_keys: tuple[str, ...] = (),
        score_range: tuple[float, float] = (0.0, 1.0),
    ) -> MetricsSpec:
        return MetricsSpec(path, required_keys, score_range, Where("pipeline.yml", 3, 1))

    return make
