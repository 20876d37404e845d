"""Checking a stored run: everything less than a consistent forgery is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner_env.errors import EvidenceError
from runner_env.runs.proof import check_proof


@pytest.fixture
def run_dir(project: Callable[..., Any], scored: Callable[..., Any], rolled: Any) -> Path:
    """A run that passed."""
    result = project(tests={"cmds": ["echo tested"]}, rollout=rolled, evaluation=scored()).evaluate()
    assert result.ok
    return Path(result.run_dir)


def codes(run_dir: Path) -> list[str]:
    """What is wrong with a stored run."""
    return [problem.code for problem in check_proof(run_dir).problems]


def test_an_untouched_run_holds(run_dir: Path) -> None:
    """Journal, record and every kept file are as they were recorded, and they are counted."""
    proof = check_proof(run_dir)
    assert (proof.ok, proof.record is not None and proof.record.score) == (True, 0.5)
    # of each of three commands two streams and a trace; rollout.json, samples, metrics; sandbox.json
    assert proof.files == 13


@pytest.mark.parametrize(("old", "new"), [(b'"score":0.5', b'"score":0.9'), (b'"tests"', b'"toast"')])
def test_an_edited_record_is_found(run_dir: Path, old: bytes, new: bytes) -> None:
    """A polished score, or any other word of the record, does not fit the journal."""
    path = run_dir / "record.json"
    path.write_bytes(path.read_bytes().replace(old, new))
    assert codes(run_dir) == ["record_changed"]


def test_the_record_of_another_run_is_found(run_dir: Path, project: Callable[..., Any], scored: Any) -> None:
    """A record that is whole in itself, but of another journal."""
    other = project(evaluation=scored(command='printf \'{"ok": true, "score": 1}\' > .aider_fsm/metrics.json'))
    (run_dir / "record.json").write_bytes((other.evaluate().run_dir / "record.json").read_bytes())
    assert "record_changed" in codes(run_dir)


def test_a_changed_file_is_found(run_dir: Path) -> None:
    """Output and artifacts are held against their hashes."""
    (run_dir / "claims/evaluation/metrics.json").write_text('{"ok": true, "score": 0.9}')
    assert codes(run_dir) == ["evidence_changed"]


def test_a_missing_file_is_found(run_dir: Path) -> None:
    """Evidence that is gone proves nothing."""
    next((run_dir / "stages").rglob("tests_cmd01_try01_stdout.txt")).unlink()
    assert codes(run_dir) == ["evidence_missing"]


def test_a_shortened_journal_is_found(run_dir: Path) -> None:
    """The last line is the record's seal; without it the journal does not end with the record."""
    path = run_dir / "journal.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert codes(run_dir) == ["journal_changed"]


def test_a_changed_journal_is_found(run_dir: Path) -> None:
    """Every line carries the hash of all before it."""
    path = run_dir / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b"echo tested", b"echo nothin"))
    assert "journal_changed" in codes(run_dir)


def test_a_run_without_a_record_is_no_proof(run_dir: Path) -> None:
    """A run that was killed has a journal and no record."""
    (run_dir / "record.json").unlink()
    assert codes(run_dir) == ["record_missing"]
    assert f"runner-env resume {run_dir.name}" in str(check_proof(run_dir).problems[0].hint)


def test_what_is_no_run_is_an_error(tmp_path: Path) -> None:
    """A directory without a journal."""
    with pytest.raises(EvidenceError, match="not a run directory"):
        check_proof(tmp_path)
