"""Reading a record back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.errors import EvidenceError
from runner_env.formats.record import RunRecord
from runner_env.reporting.json import dumps
from runner_env.reporting.records import load_record


def test_reads_the_record_of_a_run(make_record: Callable[..., RunRecord], tmp_path: Path) -> None:
    """The report is made from `record.json` in the run directory."""
    (tmp_path / "record.json").write_text(dumps(make_record()))
    assert load_record(tmp_path) == make_record()


def test_missing_record_is_trouble_of_infrastructure(tmp_path: Path) -> None:
    """A run that could not write its record is no pass: the error leads to exit code 3 and says where to look."""
    with pytest.raises(EvidenceError, match="no readable record") as caught:
        load_record(tmp_path)
    assert caught.value.code == "record_missing"
    assert "journal.jsonl" in (caught.value.hint or "")
