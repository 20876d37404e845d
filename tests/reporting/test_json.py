"""Records as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.formats.record import RunRecord, read_record
from runner_env.reporting.json import dumps, json_text

MakeRecord = Callable[..., RunRecord]


def test_reads_back_as_the_same_record(failed: RunRecord) -> None:
    """What `--json` prints is a whole run record of the published format."""
    assert read_record(dumps(failed).encode()) == failed


def test_stable_order(make_record: MakeRecord) -> None:
    """The format comes first, then the fields in the order of their declaration, always the same."""
    keys = list(json.loads(dumps(make_record())))
    assert keys[:4] == ["format", "run_id", "target", "verdict"]
    assert dumps(make_record()) == dumps(make_record())


def test_only_ascii(make_record: MakeRecord) -> None:
    """Any terminal and any pipe takes it, whatever a file is called; nothing is lost."""
    text = dumps(make_record(target="基准"))
    assert text.isascii()
    assert json.loads(text)["target"] == "基准"


def test_not_a_number_is_no_json(make_record: MakeRecord) -> None:
    """NaN never leaves as a token that JSON does not have."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps(make_record(metrics={"score": float("nan")}))


def test_needs_a_format() -> None:
    """Nothing is printed that does not name its format."""
    with pytest.raises(TypeError, match="has no format"):
        json_text(Path("x"))
