"""Small repositories in a temporary directory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

MakeRepository = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def repository(tmp_path: Path) -> MakeRepository:
    """Write a repository: `repository({"README.md": "…"})` gives its root, a folder named `tool`."""

    def make(files: Mapping[str, str]) -> Path:
        root = tmp_path / "tool"
        root.mkdir(exist_ok=True)
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return root

    return make
