"""All structured sources, in the order in which they are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.hints.sources import (
    azure,
    cargo,
    circleci,
    conventions,
    github,
    gitlab,
    invoke,
    just,
    jvm,
    make,
    native,
    node,
    nox,
    otherci,
    php,
    pyproject,
    python,
    ruby,
    tox,
)
from runner_env.hints.sources.tree import Tree, scan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner_env.hints.model import Candidate

KINDS: tuple[Callable[[Tree], list[Candidate]], ...] = (
    github.find,
    gitlab.find,
    circleci.find,
    azure.find,
    otherci.find,
    tox.find,
    nox.find,
    invoke.find,
    pyproject.find,
    node.find,
    make.find,
    just.find,
    ruby.find,
    php.find,
    cargo.find,
    native.find,
    jvm.find,
    conventions.find,
    python.find,
)
"""Each looks at one kind of file."""


def find(root: Path) -> list[Candidate]:
    """Everything that CI files, task runners and manifests of the repository at `root` state or imply."""
    tree = scan(root)
    return [candidate for kind in KINDS for candidate in kind(tree)]


SOURCES: tuple[Callable[[Path], list[Candidate]], ...] = (find,)
"""One for all kinds, so that a repository is listed once."""
