"""Small repositories, and what one source or all of them find there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from runner_env.hints.model import Candidate
from runner_env.hints.sources.table import find

Repository = Callable[[Mapping[str, str]], list[Candidate]]


@pytest.fixture
def found(tmp_path: Path) -> Repository:
    """Writes files, given by path with dedented text, and returns what the structured sources find."""

    def write(files: Mapping[str, str]) -> list[Candidate]:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text).lstrip("\n"), "utf-8")
        return find(tmp_path)

    return write
