"""Boxes at every level that this machine has, with a canary outside of each."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from runner_env.core import Outcome
from runner_env.execution import Box, Limits, Request
from runner_env.execution.levels import Places, Wanted
from runner_env.execution.levels.hidden import hidden_places, secret_places
from runner_env.execution.levels.visible import visible_places

ENVIRON = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


class _Buffer(bytearray):
    def write(self, data: memoryview | bytes, /) -> None:
        self.extend(data)


@dataclass
class Cell:
    """A box and what its commands said."""

    box: Box
    places: Places

    def sh(self, text: str, *, keep: bool = False, stage: str = "test") -> tuple[Outcome, str]:
        """Run a shell command in a stage of its own: outcome and output, errors included."""
        said = _Buffer()
        with self.box.stage(stage, keep=keep) as scope:
            request = Request(("/bin/sh", "-c", text), self.places.workspace, {**ENVIRON, "PY": sys.executable})
            outcome = scope.run(replace(request, limits=Limits(timeout_s=30)), said, said)
        return outcome, said.decode(errors="replace")


OpenCell = Callable[..., Cell]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A workspace with a contract and a `.git`; everything else is hidden as in a run."""
    for name in ("workspace/.git", "workspace/.aider_fsm", "own/home", "own/tmp", "own/cache", "evidence"):
        (tmp_path / name).mkdir(parents=True)
    workspace = tmp_path / "workspace"
    (workspace / "pipeline.yml").write_text("version: 1\n")
    (workspace / ".aider_fsm/bootstrap.yml").write_text("version: 1\n")
    (tmp_path / "own/canary").write_text("not-for-stages")
    hidden = hidden_places(ENVIRON, tmp_path / "evidence")
    return Places(
        workspace=workspace,
        home=tmp_path / "own/home",
        tmp=tmp_path / "own/tmp",
        cache=tmp_path / "own/cache",
        canary=tmp_path / "own/canary",
        hidden=hidden,
        secrets=secret_places(ENVIRON),
        visible=visible_places(ENVIRON, hidden),
        fixed=(workspace / ".git", workspace / "pipeline.yml", workspace / ".aider_fsm/bootstrap.yml"),
        loose=(workspace / ".aider_fsm",),
    )


@pytest.fixture
def cell(places: Places) -> Iterator[OpenCell]:
    """Opens a box: `cell(level, network="host", **changes of its places)`; closed afterwards."""
    opened: list[Box] = []

    def open_(level: str, network: str = "host", **changes: object) -> Cell:
        about = replace(places, **changes)  # type: ignore[arg-type]
        wanted = Wanted.of((level, "none" if network == "none" else "host"))
        opened.append(Box.open(wanted, about, environ=ENVIRON))
        return Cell(opened[-1], about)

    yield open_
    for box in opened:
        box.close()
