"""Opening the directory of a lost run again."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner_env.errors import EvidenceError, RunError
from runner_env.evidence import RunDir
from runner_env.formats import journal
from runner_env.text.masking import Masker


@pytest.fixture
def lost(tmp_path: Path) -> Path:
    """A run's directory that nobody holds."""
    with RunDir.create(tmp_path / "runs", "r") as run_dir:
        run_dir.journal.append("one")
        run_dir.store_bytes("kept", b"first")
        return run_dir.path


def test_the_journal_goes_on_after_its_last_whole_line(lost: Path) -> None:
    """A torn line, whose effect never happened, is cut off, and the chain holds."""
    with (lost / "journal.jsonl").open("ab") as file:
        file.write(b'{"at":"20')
    with RunDir.reopen(lost, 2) as run_dir:
        assert run_dir.journal.append("two") == 2
    report = journal.verify(lost / "journal.jsonl")
    assert (report.ok, report.torn, report.entries) == (True, False, 2)


def test_each_attempt_has_its_own_place(lost: Path, no_secrets: Masker) -> None:
    """The same name may come again, nothing is overwritten, and references say where it is."""
    with RunDir.reopen(lost, 2) as run_dir:
        assert run_dir.store_bytes("kept", b"second").reference == "attempt_02/kept"
        capture = run_dir.capture("a/out", masker=no_secrets)
        capture.write(b"x")
        assert capture.close().reference == capture.reference == "attempt_02/a/out"
        assert capture.path == lost / "attempt_02/a/out"
        assert run_dir.store_record(b"{}").reference == "record.json"
    assert ((lost / "kept").read_bytes(), (lost / "attempt_02/kept").read_bytes()) == (b"first", b"second")


def test_a_run_that_goes_on_is_refused(lost: Path) -> None:
    """There is one writer."""
    with RunDir.reopen(lost, 2):
        assert RunDir.is_live(lost)
        with pytest.raises(RunError, match="still going on"):
            RunDir.reopen(lost, 3)
    RunDir.reopen(lost, 3).close()


def test_a_changed_journal_is_refused(lost: Path) -> None:
    """Nothing is added to a history that is not as it was written, and the lock is let go."""
    path = lost / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b"one", b"two"))
    with pytest.raises(EvidenceError) as error:
        RunDir.reopen(lost, 2)
    assert error.value.code == "journal_changed"
    assert not RunDir.is_live(lost)
