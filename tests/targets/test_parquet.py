"""Parquet as JSON lines: which values become what."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from runner_env.errors import TargetError
from runner_env.targets.parquet import to_jsonl

MOST = 1 << 20


def test_every_kind_of_value(tmp_path: Path) -> None:
    """Plain values stay; others become text or numbers in a way that is written down."""
    row = {
        "int": 2**53 + 1, "float": 0.1, "nan": math.nan, "inf": math.inf, "text": "caf\u00e9 \u2028", "yes": True,
        "none": None,
        "list": [1, None, math.nan], "struct": {"a": [{"b": 1.5}]}, "bytes": b"\xff\x00",
        "day": date(2026, 1, 2), "moment": datetime(2026, 1, 2, 3, 4, 5, 600, UTC), "wait": timedelta(seconds=1.5),
        "money": Decimal("1.10"),
    }  # fmt: skip
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "a.parquet")
    assert to_jsonl(tmp_path / "a.parquet", tmp_path / "a.jsonl", MOST) == 1
    assert json.loads((tmp_path / "a.jsonl").read_text()) == {
        **row, "nan": None, "inf": None, "list": [1, None, None], "bytes": "/wA=", "day": "2026-01-02",
        "moment": "2026-01-02T03:04:05.000600+00:00", "wait": 1.5, "money": "1.10",
    }  # fmt: skip


def test_order_and_count(tmp_path: Path) -> None:
    """Rows keep their order over all pieces of a large file; each is one line, whatever its text holds."""
    pq.write_table(pa.table({"n": range(2500), "t": ["a\nb\u2028"] * 2500}), tmp_path / "a.parquet", row_group_size=700)
    assert to_jsonl(tmp_path / "a.parquet", tmp_path / "a.jsonl", MOST) == 2500
    lines = (tmp_path / "a.jsonl").read_bytes().split(b"\n")
    assert [json.loads(line)["n"] for line in lines[:-1]] == list(range(2500))


def test_broken(tmp_path: Path) -> None:
    """A file that is no parquet is a clear error."""
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(TargetError) as caught:
        to_jsonl(tmp_path / "a.parquet", tmp_path / "a.jsonl", MOST)
    assert caught.value.code == "parquet_unreadable"


def test_a_small_file_that_becomes_a_large_one(tmp_path: Path) -> None:
    """A text that parquet holds once, and a hundred thousand rows have, stops at the limit."""
    pq.write_table(pa.table({"t": ["x" * 1000] * 100_000}), tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").stat().st_size < MOST
    with pytest.raises(TargetError) as caught:
        to_jsonl(tmp_path / "a.parquet", tmp_path / "a.jsonl", MOST)
    assert caught.value.code == "parquet_too_large"
    assert (tmp_path / "a.jsonl").stat().st_size <= MOST + 2000
