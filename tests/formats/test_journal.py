"""The journal's lines and what its check finds."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner_env.core import Verdict
from runner_env.errors import EvidenceError
from runner_env.formats.journal import GENESIS, MAX_LINE, decode, encode, read, seal, verify

_SAMPLE = (
    b'{"at":"2026-11-22T02:14:00.123Z","data":{"run_id":"r"},"event":"run.started","format":"runner-env/journal@1",'
    b'"hash":"%s","n":1,"prev":"0000000000000000000000000000000000000000000000000000000000000000"}\n'
)
_SAMPLE_HASH = b"cd2cae00c726860e50488ec100a6c42e1fd096bca3c8466c4aad53ebfbdc1106"


def test_the_stored_form() -> None:
    """The first line of version 1, byte for byte: older journals must stay readable."""
    line = encode(1, "2026-11-22T02:14:00.123Z", "run.started", {"run_id": "r"}, GENESIS)
    assert line == _SAMPLE % _SAMPLE_HASH


def test_a_line_reads_back() -> None:
    """Every field, with an awkward path in it, is read as it was written."""
    data = {"path": "caf\udce9\n", "prev": "x", "hash": "y", "n": 7}
    line, digest = seal(3, "2026-11-22T02:14:00.123Z", "artifact.stored", data, "a" * 64)
    entry = decode(line)
    assert (entry.n, entry.event, entry.data, entry.prev, entry.hash) == (3, "artifact.stored", data, "a" * 64, digest)


def test_a_sound_journal(journal_path: Path, journal_lines: list[bytes]) -> None:
    """A journal as it was written has no problem, although its clock went backwards."""
    report = verify(journal_path)
    assert (report.ok, report.torn, report.entries, report.head) == (True, False, 5, decode(journal_lines[-1]).hash)
    assert [entry.n for entry in read(journal_path)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("cut", [1, 20, -2, -1])
def test_a_torn_last_line(journal_path: Path, journal_lines: list[bytes], cut: int) -> None:
    """A crash in the middle of the last line is told apart from a change, and the reader stops before it."""
    journal_path.write_bytes(b"".join(journal_lines[:4]) + journal_lines[4][:cut])
    report = verify(journal_path)
    assert (report.ok, report.torn, report.entries, report.head) == (True, True, 4, decode(journal_lines[3]).hash)
    assert [entry.n for entry in read(journal_path)] == [1, 2, 3, 4]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_byte_is_found(data: st.DataObject, tmp_path: Path, journal_lines: list[bytes]) -> None:
    """Whichever byte is changed to whatever, the check notices; only the very last newline can pass for a crash."""
    whole = bytearray(b"".join(journal_lines))
    position = data.draw(st.integers(0, len(whole) - 1))
    whole[position] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "changed.jsonl"
    path.write_bytes(whole)
    report = verify(path)
    assert not report.ok or (report.torn and report.entries == 4)
    assert report.torn or position < len(whole) - 1


@pytest.mark.parametrize(
    ("tamper", "code", "line"),
    [
        (lambda ls: [ls[0], ls[1].replace(b'"exit_code":2', b'"exit_code":0'), *ls[2:]], "journal_changed", 2),
        (lambda ls: [ls[0], *ls[2:]], "journal_gap", 2),
        (lambda ls: ls[1:], "journal_gap", 1),
        (lambda ls: [*ls[:2], ls[1], *ls[2:]], "journal_gap", 3),
        (lambda ls: [ls[0], ls[2], ls[1], *ls[3:]], "journal_gap", 2),
        (lambda ls: [*ls[:2], ls[2][:40] + b"\n", *ls[3:]], "journal_changed", 3),
        (lambda ls: [*ls[:2], ls[2][:40], *ls[3:]], "journal_changed", 3),
        (lambda ls: [*ls[:2], encode(3, "now", "command.ended", {}, "f" * 64), *ls[3:]], "journal_gap", 3),
        (lambda ls: [ls[0], b"\n", *ls[1:]], "journal_changed", 2),
        (lambda ls: [ls[0], b"[" * 100_000 + b"\n", *ls[1:]], "journal_changed", 2),
        (lambda ls: [ls[0], ls[1].replace(b'"n":2', b'"n":2.0'), *ls[2:]], "journal_changed", 2),
        (lambda ls: [ls[0].replace(b',"event"', b', "event"'), *ls[1:]], "journal_changed", 1),
    ],
    ids=[
        "changed",
        "removed",
        "first-removed",
        "doubled",
        "swapped",
        "cut",
        "merged",
        "forged",
        "blank",
        "nested",
        "float",
        "spaced",
    ],
)
def test_tampering_names_the_line(
    journal_path: Path, journal_lines: list[bytes], tamper: Callable[[list[bytes]], list[bytes]], code: str, line: int
) -> None:
    """A changed, removed, inserted, swapped or cut line is a doubt about the run, at its line."""
    journal_path.write_bytes(b"".join(tamper(list(journal_lines))))
    first = verify(journal_path).problems[0]
    assert (first.code, first.where and first.where.line, first.verdict) == (code, line, Verdict.UNSCORED)


def test_a_change_is_told_once(journal_path: Path, journal_lines: list[bytes]) -> None:
    """One changed line is one problem: the lines after it are still as they were."""
    journal_path.write_bytes(
        b"".join([journal_lines[0].replace(b'"exit_code":1', b'"exit_code":0'), *journal_lines[1:]])
    )
    report = verify(journal_path)
    assert (len(report.problems), report.entries) == (1, 4)


def test_garbage_does_not_fill_the_memory(journal_path: Path) -> None:
    """However many lines are bad, the report stays short."""
    journal_path.write_bytes(b"x\n" * 10_000)
    assert len(verify(journal_path).problems) == 50


def test_a_line_without_end(journal_path: Path) -> None:
    """A line longer than any that is written is a problem, not a crash and not a torn end."""
    journal_path.write_bytes(b" " * MAX_LINE)
    report = verify(journal_path)
    assert [problem.code for problem in report.problems] == ["journal_changed"]
    assert not report.torn


def test_reading_stops_at_a_changed_line(journal_path: Path, journal_lines: list[bytes]) -> None:
    """The reader hands out what is sound and then says where it is not."""
    journal_path.write_bytes(journal_lines[0] + journal_lines[1].replace(b'"exit_code":2', b'"exit_code":0'))
    entries = read(journal_path)
    assert next(entries).n == 1
    with pytest.raises(EvidenceError, match=r"^journal\.jsonl:2: This line cannot be trusted"):
        next(entries)


def test_an_empty_journal(tmp_path: Path) -> None:
    """Nothing recorded yet is no problem, and no entry either."""
    path = tmp_path / "journal.jsonl"
    path.touch()
    report = verify(path)
    assert (report.ok, report.entries, report.head) == (True, 0, GENESIS)


def test_no_journal(tmp_path: Path) -> None:
    """A missing journal is an error, as is a pipe in its place, which must not make the reader wait."""
    with pytest.raises(EvidenceError, match="No such file"):
        verify(tmp_path / "journal.jsonl")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(EvidenceError, match="not a regular file"):
        verify(tmp_path / "pipe")


def test_what_a_line_cannot_hold() -> None:
    """Too much data, NaN and a bent hash are refused before anything is written."""
    with pytest.raises(ValueError, match="a journal line takes"):
        encode(1, "now", "x", {"text": "x" * MAX_LINE}, GENESIS)
    with pytest.raises(ValueError, match="JSON compliant"):
        encode(1, "now", "x", {"score": float("nan")}, GENESIS)
    with pytest.raises(ValueError, match="is no hash"):
        encode(1, "now", "x", {}, '"')
