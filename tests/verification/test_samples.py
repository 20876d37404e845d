"""Samples files, line by line."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner_env.verification.samples import BadLine, SamplesReport, read_samples

GOOD = json.dumps({"prompt": "p", "completion": "c", "reward": 0.5})
Read = Callable[..., SamplesReport]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads a file with this content."""

    def read(data: str | bytes, **options: int) -> SamplesReport:
        raw = data if isinstance(data, bytes) else data.encode()
        path = tmp_path / "samples.jsonl"
        path.write_bytes(raw)
        fd = os.open(path, os.O_RDONLY)
        try:
            return read_samples(fd, len(raw), **options)
        finally:
            os.close(fd)

    return read


def reason(read: Read, line: str | bytes) -> str:
    """Why the only line is bad."""
    report = read(line)
    assert (report.lines, report.valid, report.bad) == (1, 0, 1)
    return report.bad_lines[0].reason


def test_counts_sums_and_hash(read: Read) -> None:
    """What a report says about an honest file."""
    data = "".join(
        json.dumps({"prompt": "p", "completion": c, "reward": r, "meta": {"n": 1}}) + "\n"
        for c, r in [("x", 1), (" \t", 0), ("y", 0.5)]
    )
    sha256 = hashlib.sha256(data.encode()).hexdigest()
    assert read(data) == SamplesReport(3, 3, 0, 0, (), 1, 1.5, sha256, len(data), ("p", "p", "p"))
    assert read(data).reward_mean == 0.5


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\n\n \n"])
def test_end_of_file_may_be_untidy(read: Read, ending: str) -> None:
    """A missing line break, or blank lines at the end, are not bad lines."""
    report = read(GOOD + "\n" + GOOD + ending)
    assert (report.lines, report.valid, report.bad) == (2, 2, 0)


def test_byte_order_mark_is_accepted_at_the_start_only(read: Read) -> None:
    """As in a document; a second one is text in the wrong place."""
    report = read(f"\ufeff{GOOD}\n\ufeff{GOOD}\n")
    assert (report.valid, report.bad_lines) == (1, (BadLine(2, "not JSON: Expecting value (column 1)"),))


def test_blank_lines_in_the_middle_are_bad_and_located(read: Read) -> None:
    """A hole in the file is counted."""
    report = read(f"\n{GOOD}\n \n\t\r\n{GOOD}\n\n")
    assert (report.lines, report.valid, report.bad) == (5, 2, 3)
    assert [(bad.line, bad.reason) for bad in report.bad_lines] == [(1, "blank"), (3, "blank"), (4, "blank")]


@pytest.mark.parametrize("data", ["", "\n", " \n\n\r\n", "\ufeff\n"])
def test_a_file_of_nothing_has_no_lines(read: Read, data: str) -> None:
    """B070: blank lines alone are an empty file."""
    assert (read(data).lines, read(data).bad, read(data).reward_mean) == (0, 0, None)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("nonsense", "not JSON: Expecting value (column 1)"),
        (GOOD[:-1], "not JSON"),
        (GOOD + GOOD, "not JSON: more text after the value"),
        ("[1]", "an array, not an object"),
        ('"text"', "a string, not an object"),
        ("null", "null, not an object"),
        ('{"completion": "c", "reward": 1}', "no `prompt`"),
        ('{"prompt": "p", "reward": 1}', "no `completion`"),
        ('{"prompt": "p", "completion": "c"}', "no `reward`"),
        ('{"prompt": 1, "completion": "c", "reward": 1}', "`prompt` is a number (1), not a string"),
        ('{"prompt": "p", "completion": null, "reward": 1}', "`completion` is null, not a string"),
        ('{"prompt": "p", "completion": "c", "reward": true}', "`reward` is a boolean (true), not a number"),
        ('{"prompt": "p", "completion": "c", "reward": "1"}', '`reward` is a string ("1"), not a number'),
        ('{"prompt": "p", "completion": "c", "reward": [1]}', "`reward` is an array ([1]), not a number"),
        ('{"prompt": "p", "completion": "c", "reward": null}', "`reward` is null, not a number"),
        ('{"prompt": "p", "completion": "c", "reward": NaN}', "NaN is not a JSON number"),
        ('{"prompt": "p", "completion": "c", "reward": 1, "m": [-Infinity]}', "-Infinity is not a JSON number"),
        ('{"prompt": "p", "completion": "c", "reward": 1e999}', "too large for a double"),
        (f'{{"prompt": "p", "completion": "c", "reward": {"9" * 400}}}', "too large for a double"),
        (f'{{"prompt": "p", "completion": "c", "reward": {"9" * 5000}}}', "too many digits"),
        ('{"prompt": "p", "completion": "c", "reward": 0, "reward": 1}', 'the key "reward" appears twice'),
        ('{"prompt": "p", "completion": "c", "reward": 0, "m": {"a": 1, "a": 1}}', 'the key "a" appears twice'),
        (b'{"prompt": "\xff", "completion": "c", "reward": 0}', "not UTF-8 (byte 13 of the line)"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_bad_line_has_its_reason(read: Read, line: str | bytes, expected: str) -> None:
    """B070, RT060: each kind of bad line is told apart, none becomes a number."""
    assert expected in reason(read, line)


def test_only_the_first_ten_bad_lines_are_located(read: Read) -> None:
    """All are counted, ten are shown."""
    report = read("\n".join(["x", GOOD, "", ""] * 20))
    assert [bad.line for bad in report.bad_lines] == [1, 3, 4, 5, 7, 8, 9, 11, 12, 13]
    assert (report.lines, report.valid, report.bad) == (78, 20, 58)


def test_lone_surrogates_are_accepted(read: Read) -> None:
    """A completion cut in the middle of an emoji by a JavaScript program is honest."""
    assert read(r'{"prompt": "p", "completion": "a\ud83d", "reward": 1}').valid == 1


def test_sum_beyond_a_double_has_no_mean(read: Read) -> None:
    """Finite rewards whose sum is not finite do not make an infinite mean."""
    line = '{"prompt": "p", "completion": "c", "reward": 1.7e308}\n'
    assert read(line * 2).reward_mean is None


@pytest.mark.parametrize("block", [1, 7, 40, 100, 1 << 20])
def test_long_line_is_bad_whatever_the_block(read: Read, block: int) -> None:
    """RT062: a line over the limit is counted with its number and the limit, and the rest is read on."""
    data = f"{GOOD}\n{'a' * 201}\n{GOOD}\n{'b' * 200}\n{'c' * 500}"
    report = read(data, block_bytes=block, max_line_bytes=200)
    assert (report.lines, report.valid, report.bad) == (5, 2, 3)
    assert report.bad_lines[0] == BadLine(2, "longer than 200 bytes")
    assert report.bad_lines[1].reason.startswith("not JSON")
    assert report.bad_lines[2] == BadLine(5, "longer than 200 bytes")


LINE = st.sampled_from(
    [
        GOOD,
        "",
        " ",
        "x",
        "é" * 30,
        '{"prompt": "π", "completion": " ", "reward": -1}',
        "z" * 60,
        "z" * 61,
        "\r",
        "[" * 9,
    ]
)


@given(lines=st.lists(LINE, max_size=12), end=st.sampled_from(["", "\n"]), block=st.integers(1, 90))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_result_does_not_depend_on_the_block(read: Read, lines: list[str], end: str, block: int) -> None:
    """Wherever a block ends, in a line, a character or a line break, the report is the same."""
    data = "\n".join(lines) + end
    assert read(data, block_bytes=block, max_line_bytes=60) == read(data, max_line_bytes=60)


def test_growing_file_is_read_to_the_given_size_only(tmp_path: Path) -> None:
    """A file that somebody keeps appending to has an end."""
    path = tmp_path / "s"
    path.write_text(f"{GOOD}\n{GOOD}\n")
    fd = os.open(path, os.O_RDONLY)
    assert read_samples(fd, len(GOOD) + 1).lines == 1
    assert read_samples(fd, 1 << 30).lines == 2
    os.close(fd)


def test_prompts_are_kept_in_little_memory(read: Read) -> None:
    """The first 200 are kept; of a huge one both ends, and two that differ in the middle still differ."""
    huge = ["start " + "x" * 100_000 + middle + "y" * 100_000 + " end" for middle in "ab"]
    lines = [json.dumps({"prompt": p, "completion": "c", "reward": 1}) for p in [*huge, *map(str, range(300))]]
    first, second, *rest = read("\n".join(lines)).prompts
    assert rest == [str(number) for number in range(198)]
    assert first != second
    assert all(p.startswith("start x") and p.endswith("y end") and len(p) < 70_000 for p in (first, second))


MEASURE = """
import os, sys
from runner_env.verification.samples import read_samples
fd = os.open(sys.argv[1], os.O_RDONLY)
report = read_samples(fd, os.fstat(fd).st_size)
print(int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) // 1024, report.lines, report.bad_lines[0])
"""


@pytest.mark.parametrize("fill", [b"a", b"\0", b"[", b'"'])
def test_huge_line_does_not_fill_the_memory(tmp_path: Path, fill: bytes) -> None:
    """RT062: 64 MB without a line break: under 150 MiB, and the error has line number and limit."""
    path = tmp_path / "samples.jsonl"
    with path.open("wb") as file:
        for _ in range(64):
            file.write(fill * 1_000_000)
    done = subprocess.run([sys.executable, "-c", MEASURE, path], capture_output=True, text=True, check=True)
    rss, lines, bad = done.stdout.split(maxsplit=2)
    assert int(rss) < 150
    assert (lines, bad.strip()) == ("1", "line 1: longer than 8388608 bytes")


def test_a_file_that_is_bad_beyond_hope_is_counted_only(read: Read) -> None:
    """Millions of bad lines cost no more than reading them: after a hundred thousand, no line is looked at."""
    report = read("[\n" * 2_000_000 + GOOD + "\n")
    assert (report.lines, report.bad, report.valid) == (2_000_001, 2_000_001, 0)
    assert len(report.bad_lines) == 10
