"""Reading back the end of an output."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner_env.core import Span
from runner_env.reporting.evidence import last_lines


def test_last_lines_of_a_span(tmp_path: Path) -> None:
    """Only the span counts, of it only the last lines that are not empty."""
    (tmp_path / "out").write_bytes(b"zero\none\n\ntwo\nthree\nfour\n")
    assert last_lines(tmp_path, Span("out", 5, 20), most=2) == ["two", "three"]


def test_long_lines_are_clipped(tmp_path: Path) -> None:
    """A line of a megabyte is neither read nor shown whole."""
    (tmp_path / "out").write_bytes(b"x" * 1_000_000)
    (line,) = last_lines(tmp_path, Span("out", 0, 1_000_000))
    assert len(line) == 160


def test_nothing_but_empty_lines(tmp_path: Path) -> None:
    """An output without any text is said to be so."""
    (tmp_path / "out").write_bytes(b"\n \n")
    assert last_lines(tmp_path, Span("out", 0, 3)) == ["(nothing but empty lines)"]


def test_missing_file(tmp_path: Path) -> None:
    """Evidence that is gone does not break the report."""
    assert last_lines(tmp_path, Span("gone", 0, 3)) == ["(cannot be read: No such file or directory)"]


@pytest.mark.parametrize("reference", ["../outside", "link"])
def test_outside_the_run_directory(tmp_path: Path, reference: str) -> None:
    """A forged record cannot have other files of the machine shown, nor through a link."""
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    (tmp_path / "outside").write_text("private")
    (run_dir / "link").symlink_to("../outside")
    assert last_lines(run_dir, Span(reference, 0, 7)) == ["(not shown: it lies outside the run directory)"]


def test_pipe(tmp_path: Path) -> None:
    """A named pipe in the evidence's place is not waited for."""
    os.mkfifo(tmp_path / "pipe")
    assert last_lines(tmp_path, Span("pipe", 0, 7)) == ["(cannot be read: it is not a regular file)"]
