"""Stub sequences, run by real shells."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runner_env.skills.stub_sequence import sequence_input
from runner_env.skills.values import Match, MockDecl, StubReply

NASTY = 'it\'s "here" $(touch x) `y` \\n %s\nline two\n'


def _mock(*replies: StubReply, name: str = "job/../st") -> MockDecl:
    return MockDecl(Match(tool="bash"), name, stub=replies)


def _run(command: str, cwd: Path) -> tuple[str, int]:
    done = subprocess.run(["sh", "-c", command], cwd=cwd, capture_output=True, text=True, check=False)
    return done.stdout, done.returncode


def test_each_call_gets_its_reply(tmp_path: Path) -> None:
    """The n-th call gets the n-th reply, byte for byte and with its exit code; the last one repeats."""
    mock = _mock(StubReply("queued", 3), StubReply(NASTY), StubReply("done"))
    command = sequence_input(mock, str(tmp_path / "it's here"))["command"]
    assert [_run(command, tmp_path) for _ in range(5)] == [
        ("queued", 3),
        (NASTY, 0),
        ("done", 0),
        ("done", 0),
        ("done", 0),
    ]
    assert not (tmp_path / "x").exists()


def test_calls_at_the_same_time(tmp_path: Path) -> None:
    """Of many calls at once exactly one gets each of the first replies."""
    command = sequence_input(_mock(*(StubReply(str(n)) for n in range(6))), str(tmp_path / "c"))["command"]
    with ThreadPoolExecutor(4) as pool:
        outputs = sorted(out for out, _ in pool.map(lambda _: _run(command, tmp_path), range(12)))
    assert outputs == sorted([*"01234", *("5" * 7)])


def test_two_mocks_count_apart(tmp_path: Path) -> None:
    """Mocks whose names look alike as paths do not share a counter."""
    first, second = (
        sequence_input(_mock(StubReply("1"), StubReply("2"), name=name), str(tmp_path))["command"]
        for name in ("a", "a/")
    )
    assert [_run(command, tmp_path)[0] for command in (first, second)] == ["1", "1"]


def test_a_call_that_cannot_count(tmp_path: Path) -> None:
    """Where no counter can be kept the call fails, instead of getting a reply meant for another."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    out, code = _run(sequence_input(_mock(StubReply("1"), StubReply("2")), str(blocked))["command"], tmp_path)
    assert (out, code) == ("", 125)


@pytest.mark.parametrize("follow", ["; echo after", " && echo after"])
def test_it_stands_as_one_command(tmp_path: Path, follow: str) -> None:
    """A reply's exit code ends the stub, not the shell it runs in."""
    command = sequence_input(_mock(StubReply("a"), StubReply("b")), str(tmp_path / "c"))["command"]
    assert _run(command + follow, tmp_path) == ("aafter\n", 0)
