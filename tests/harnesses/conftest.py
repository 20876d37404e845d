"""The premises of a harness in a temporary directory, and programs to be found there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from real_agents import premises_below

from runner_env.execution.levels import Wanted
from runner_env.harnesses.options import HarnessOptions, Premises


@pytest.fixture
def premises(tmp_path: Path) -> Premises:
    """Folders for copies and scratch, and evidence that is hidden."""
    return premises_below(Path(os.path.realpath(tmp_path)))


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str, str], Path]:
    """`program(name, script)`: an executable in a folder of its own; returns the folder."""

    def make(name: str, script: str = "exit 0") -> Path:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
        return folder

    return make


@pytest.fixture
def options(premises: Premises, tmp_path: Path) -> Callable[..., HarnessOptions]:
    """`options(environ, **more)`: for a user whose home is below the temporary directory, contained by nothing."""

    def make(environ: dict[str, str] | None = None, **more: object) -> HarnessOptions:
        home = tmp_path / "user"
        home.mkdir(exist_ok=True)
        given = {"HOME": str(home), "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", **(environ or {})}
        wanted = more.pop("wanted", Wanted.only("none"))
        return HarnessOptions(premises=premises, environ=given, wanted=wanted, **more)  # type: ignore[arg-type]

    return make
