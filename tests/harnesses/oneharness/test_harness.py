from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.core import FailureKind
from runner_env.errors import HarnessError
from runner_env.harnesses.model import Harness, Opening
from runner_env.harnesses.table import make_harness

from .conftest import Desk


def started(desk: Desk, harness: str) -> Harness:
    """A harness after the start of a session, closed again."""

    async def run() -> Harness:
        made = make_harness(desk.options(name=f"oneharness:{harness}"))
        try:
            await made.start(Opening(desk.repository, "t"))
            await made.start(Opening(desk.repository, "t"))
        finally:
            await made.aclose()
            await made.aclose()
        return made

    return asyncio.run(run())


def test_it_knows_versions_and_containment(desk: Desk) -> None:
    """After the first session it says which programs it drives, and how they are contained."""
    made = started(desk, "codex")
    assert made.name == "oneharness:codex"
    assert made.versions == {"oneharness": "0.21.3", "codex": "1.2.3"}
    assert made.sandbox
    assert made.sandbox.level == "none"


@pytest.mark.parametrize("gone", ["codex", "oneharness"])
def test_a_missing_program(desk: Desk, program: Callable[..., Path], gone: str) -> None:
    """It is named together with the command that installs it."""
    (program(gone) / gone).unlink()
    with pytest.raises(HarnessError, match=f"`{gone}` is not on PATH") as caught:
        started(desk, "codex")
    assert caught.value.kind is FailureKind.SPAWN
    assert "install" in (caught.value.hint or "")


def test_a_harness_that_this_oneharness_has_not(desk: Desk) -> None:
    """An older oneharness that lacks the harness is to blame, by its version."""
    desk.listing(goose=(["default"], True))
    with pytest.raises(HarnessError, match=r"oneharness 0\.21\.3 cannot drive 'codex', but goose") as caught:
        started(desk, "codex")
    assert caught.value.kind is FailureKind.SPAWN


def test_a_harness_that_nobody_knew_of(desk: Desk, program: Callable[..., Path]) -> None:
    """Whatever the installed oneharness lists can be driven; its program is looked for under the name listed."""
    desk.listing(new_one=(["default", "edit"], True))
    with pytest.raises(HarnessError, match="`new_one` is not on PATH"):
        started(desk, "new-one")
    program("new_one")
    assert started(desk, "new-one").versions["new-one"] == "1.2.3"


@pytest.mark.parametrize("listing", ["", "[]", '{"harnesses": 1}', '{"harnesses": [{"id": "codex"}]}'])
def test_a_listing_that_is_none(desk: Desk, listing: str) -> None:
    """What `oneharness list` prints is read strictly."""
    (desk.folder / "listing.json").write_text(listing)
    with pytest.raises(HarnessError, match="cannot be read") as caught:
        started(desk, "codex")
    assert caught.value.kind is FailureKind.PROTOCOL
