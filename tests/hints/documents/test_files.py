"""Which documents are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from runner_env.hints.documents.files import documents

MakeRepository = Callable[[Mapping[str, str]], Path]


def test_which(repository: MakeRepository) -> None:
    """The README first, then files for whoever works on the repository, at the top, in .github and in docs."""
    names = ["README.md", "CONTRIBUTING.rst", "docs/dev/testing.md", ".github/CONTRIBUTING.md", "evaluation/README.md"]
    others = [
        "CHANGELOG.md",
        "docs/api.md",
        "docs/zh/testing.md",
        "node_modules/x/README.md",
        "vendor/README.md",
        "test.py",
    ]
    found = documents(repository(dict.fromkeys([*names, *others], "x")))
    assert found[0] == "README.md"
    assert sorted(found) == sorted(names)


def test_translations(repository: MakeRepository) -> None:
    """A translated README is read only when there is no other."""
    assert documents(repository({"README.md": "", "README.zh-CN.md": ""})) == ["README.md"]


def test_only_a_translation(repository: MakeRepository) -> None:
    """The one that there is."""
    assert documents(repository({"README.zh-CN.md": ""})) == ["README.zh-CN.md"]


def test_bound(repository: MakeRepository) -> None:
    """At most 40, however many there are."""
    assert len(documents(repository({f"docs/testing{n}.md": "" for n in range(100)}))) == 40
