"""Edits by which an agent tries to get out of what it may write: the shared cases and ours.

Each is carried out with nothing in its way but the file system, as if the agent had a shell. What is asked of every
case: nothing of it is proposed but what the case says is harmless, every other change is refused by name, the copy is
what it was, and neither the target nor anything outside was touched.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from runner_env.authoring.brief import Purpose
from runner_env.authoring.copy import AgentCopy
from runner_env.authoring.proposal import Fence
from runner_env.errors import EvidenceError

from .conftest import CONTRACT, listing, write
from .edits import carry_out

HERE = Path(__file__).parent


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each case."""
    if "case" in metafunc.fixturenames:
        shared = HERE.parents[2] / "shared/corpora/redteam/cases.jsonl"
        lines = [*(shared.read_text("utf-8").splitlines() if shared.is_file() else []), *_ours()]
        cases = [json.loads(line) for line in lines]
        chosen = [case for case in cases if case["input_kind"] == "agent_edit"]
        metafunc.parametrize("case", chosen, ids=[case["id"] for case in chosen])


def _ours() -> list[str]:
    return (HERE / "escapes.jsonl").read_text("utf-8").splitlines()


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A directory outside of target and copy."""
    folder = tmp_path / "canary"
    folder.mkdir()
    (folder / "keep.txt").write_text("kept")
    return folder


def test_nothing_gets_out(case: Mapping[str, Any], target: Path, copies: Path, canary: Path) -> None:
    """See above."""
    purpose = Purpose(case.get("purpose", "scaffold"))
    if purpose is Purpose.REPAIR:
        write(target, CONTRACT)
    before = listing(target)
    with AgentCopy.make(target, copies) as copy:
        fence = Fence(copy, purpose)
        git = (copy.root / ".git/config").read_bytes()
        carry_out(copy.root, json.loads(case["input"]), canary)
        proposal = fence.collect()
        assert sorted(proposal.files) == case.get("kept", [])
        assert proposal.refused
        assert _without(listing(copy.root), proposal.files) == _without(before, proposal.files)
        assert (copy.root / ".git/config").read_bytes() == git
        assert not (copy.root / ".git/hooks").exists()
        again = fence.collect()
        assert (again.files, again.refused) == (proposal.files, ())
    assert listing(target) == before
    assert listing(canary) == {"keep.txt": "kept"}
    assert list(copies.iterdir()) == []


def _without(files: Mapping[str, str], proposed: Mapping[str, object]) -> dict[str, str]:
    return {path: text for path, text in files.items() if path not in proposed}


def test_our_cases_are_told_apart() -> None:
    """Each has an id of its own, and every kind of refusal has a case."""
    cases = [json.loads(line) for line in _ours()]
    assert len({case["id"] for case in cases}) == len(cases) >= 40


def test_a_link_on_the_way_leads_nowhere(target: Path, copies: Path, canary: Path) -> None:
    """A folder that became a link between looking and reading is refused, and putting back does not follow it."""
    with AgentCopy.make(target, copies) as copy:
        fence = Fence(copy, Purpose.SCAFFOLD)
        (copy.root / "src/app.py").unlink()
        (copy.root / "src").rmdir()
        (copy.root / "src").symlink_to(canary)
        (copy.root / "src/app.py").write_text("evil")
        proposal = fence.collect()
        assert [one.path for one in proposal.refused] == ["src"]
        assert (copy.root / "src/app.py").read_text() == "x = 1\n"
        assert (canary / "app.py").read_text() == "evil"  # written by whoever went through the link, not by us


@pytest.mark.parametrize("swap", ["link", "gone"])
def test_a_race_is_a_refusal(
    target: Path, copies: Path, canary: Path, monkeypatch: pytest.MonkeyPatch, swap: str
) -> None:
    """What is swapped after it was listed is read as nothing else, or not at all."""
    from runner_env.authoring import proposal as module

    with AgentCopy.make(target, copies) as copy:
        fence = Fence(copy, Purpose.SCAFFOLD)
        write(copy.root, {".aider_fsm/stages/a.sh": "true\n"})
        (canary / "a.sh").write_text("stolen\n")
        read: Callable[..., Any] = module._read_file

        def late(root: Path, path: str) -> Any:
            (root / ".aider_fsm/stages/a.sh").unlink()
            (root / ".aider_fsm/stages").rmdir()
            if swap == "link":
                (root / ".aider_fsm/stages").symlink_to(canary)
            return read(root, path)

        monkeypatch.setattr(module, "_read_file", late)
        try:
            proposal = fence.collect()
        except EvidenceError:
            return
        assert not any(file and b"stolen" in file.data for file in proposal.files.values())
        assert proposal.files == {}
    assert (canary / "a.sh").read_text() == "stolen\n"
