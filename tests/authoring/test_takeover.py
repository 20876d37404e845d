"""A proposal put into the target, all of it or nothing, and taken back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner_env.authoring import takeover
from runner_env.authoring.brief import Purpose
from runner_env.authoring.contract_files import contract_hashes
from runner_env.authoring.proposal import FileText, Proposal
from runner_env.authoring.takeover import take_over
from runner_env.errors import TargetError

from .conftest import CONTRACT, SCRIPT, listing, write


def proposal(root: Path, files: Mapping[str, str | None], *, executable: bool = False) -> Proposal:
    """What an agent would propose that began with the contract as it is in `root`."""
    made = {path: None if text is None else FileText(text.encode(), executable) for path, text in files.items()}
    return Proposal(Purpose.SCAFFOLD, made, contract_hashes(root))


def test_files_are_written_changed_and_removed(target: Path) -> None:
    """And restoring makes all of it what it was, with no folder left."""
    write(target, {".aider_fsm/old.sh": "old\n", ".aider_fsm/gone.sh": "gone\n"})
    before = listing(target)
    undo = take_over(proposal(target, {**CONTRACT, ".aider_fsm/old.sh": "new\n", ".aider_fsm/gone.sh": None}), target)
    assert listing(target) == {
        **{k: v for k, v in before.items() if "gone" not in k},
        **CONTRACT,
        ".aider_fsm/old.sh": "new\n",
    }
    assert undo.restore() == ()
    assert listing(target) == before
    assert not (target / ".aider_fsm/stages").exists()
    assert undo.restore() == ()


def test_folders_that_were_made_go_again(target: Path) -> None:
    """Also the contract's own, if there was none."""
    undo = take_over(proposal(target, CONTRACT), target)
    assert (target / ".aider_fsm/stages").is_dir()
    undo.restore()
    assert not (target / ".aider_fsm").exists()


def test_permissions_are_plain(target: Path) -> None:
    """0644, and 0755 for what may be run directly; restored as they were."""
    write(target, {".aider_fsm/run.sh": "#!/bin/sh\n"})
    (target / ".aider_fsm/run.sh").chmod(0o755)
    undo = take_over(proposal(target, {".aider_fsm/run.sh": "#!/bin/sh\ntrue\n", "pipeline.yml": "x"}), target)
    assert (target / ".aider_fsm/run.sh").stat().st_mode & 0o777 == 0o644
    undo.restore()
    assert (target / ".aider_fsm/run.sh").stat().st_mode & 0o777 == 0o755
    take_over(proposal(target, {".aider_fsm/new.sh": "#!/bin/sh\n"}, executable=True), target)
    assert (target / ".aider_fsm/new.sh").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("changed", [{"pipeline.yml": "mine\n"}, {".aider_fsm/old.sh": "mine\n"}])
def test_a_contract_that_changed_meanwhile_is_not_overwritten(target: Path, changed: dict[str, str]) -> None:
    """Whoever wrote it meant it."""
    write(target, {".aider_fsm/old.sh": "old\n"})
    made = proposal(target, {"pipeline.yml": "agent's\n"})
    write(target, changed)
    before = listing(target)
    with pytest.raises(TargetError) as caught:
        take_over(made, target)
    assert caught.value.code == "contract_changed"
    assert listing(target) == before


def test_what_somebody_changed_later_is_left(target: Path) -> None:
    """Restoring names it, and restores the rest."""
    undo = take_over(proposal(target, CONTRACT), target)
    write(target, {"pipeline.yml": "mine\n"})
    assert undo.restore() == ("pipeline.yml",)
    assert listing(target)["pipeline.yml"] == "mine\n"
    assert not (target / ".aider_fsm/stages/evaluation.sh").exists()


@pytest.mark.parametrize("link", [".aider_fsm", ".aider_fsm/stages", "pipeline.yml"])
def test_a_link_in_the_target_is_not_followed(target: Path, tmp_path: Path, link: str) -> None:
    """Nothing is written behind it; an error says so, and nothing else was written either."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "stages").mkdir()
    (target / link).parent.mkdir(exist_ok=True)
    (target / link).symlink_to(outside / "file" if link == "pipeline.yml" else outside)
    before = listing(target)
    with pytest.raises(TargetError) as caught:
        take_over(Proposal(Purpose.SCAFFOLD, {p: FileText(t.encode()) for p, t in CONTRACT.items()}, {}), target)
    assert caught.value.code == "contract_not_written"
    assert listing(target) == before
    assert listing(outside) == {}


def test_a_failure_half_way_leaves_nothing(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All or nothing, whatever the disk says."""
    write(target, {".aider_fsm/a.sh": "old\n"})
    before = listing(target)
    rename, calls = os.rename, 0

    def failing(*args: object, **keywords: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(28, "No space left on device")
        rename(*args, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(takeover.os, "rename", failing)
    with pytest.raises(TargetError):
        take_over(proposal(target, {".aider_fsm/a.sh": "new\n", ".aider_fsm/b.sh": "new\n"}), target)
    monkeypatch.undo()
    assert listing(target) == before
    assert not [path for path in (target / ".aider_fsm").iterdir() if path.name.startswith(".unfinished")]


FILES = st.dictionaries(
    st.sampled_from(["pipeline.yml", *(f".aider_fsm/{name}" for name in ("a", "b/c", "b/d", "e/f/g"))]),
    st.none() | st.text(max_size=20),
    max_size=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=FILES, change=FILES)
def test_restoring_undoes_any_change(
    tmp_path_factory: pytest.TempPathFactory, before: dict[str, str | None], change: dict[str, str | None]
) -> None:
    """Whatever there was and whatever is proposed."""
    root = tmp_path_factory.mktemp("target")
    write(root, {path: text for path, text in before.items() if text is not None})
    held = listing(root)
    undo = take_over(proposal(root, change), root)
    wanted = {**held, **change}
    assert listing(root).keys() == {path for path, text in wanted.items() if text is not None}
    undo.restore()
    assert listing(root) == held


def test_evaluation_of_the_taken_over_contract(target: Path) -> None:
    """The bytes are those of the proposal, to the letter."""
    take_over(proposal(target, {".aider_fsm/stages/evaluation.sh": "\ufeff" + SCRIPT + "é\r\n"}), target)
    assert (target / ".aider_fsm/stages/evaluation.sh").read_bytes() == ("\ufeff" + SCRIPT + "é\r\n").encode()
