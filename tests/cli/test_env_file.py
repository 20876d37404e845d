"""Variables from files and flags."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner_env.cli.env_file import parse_assignments, read_env_file
from runner_env.errors import OptionError


def _read(folder: Path, data: str | bytes) -> dict[str, str]:
    path = folder / "e.env"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_env_file(path)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("A=", ""),
        ("  export A=b c  ", "b c"),
        ("export\tA=b", "b"),
        ("A=b#c", "b#c"),
        ("A=b #c", "b"),
        ("A= #c", ""),
        ("A=b=c", "b=c"),
        ("A=$B ${C} `d` \\n", "$B ${C} `d` \\n"),
        ("A=it's", "it's"),
        ("A='b # $x \\n \"'  # comment", 'b # $x \\n "'),
        ('A="b\\n\\t\\r\\\\\\"\\$ # \'"', "b\n\t\r\\\"$ # '"),
        ("A=''", ""),
        ("A=基准", "基准"),
        ("A=b\r", "b"),
        ("A=b\u2028c", "b\u2028c"),
    ],
)
def test_values(tmp_path: Path, line: str, value: str) -> None:
    """Every form of a value means what the documentation says, and nothing is expanded."""
    assert _read(tmp_path, f"# comment\n\n{line}\n \t \n  # more\n") == {"A": value}


@pytest.mark.parametrize(
    ("data", "place", "said"),
    [
        ("A=1\nnonsense\n", "2:1", "does not begin with NAME="),
        ("\n  2A=1\n", "2:3", "does not begin with NAME="),
        ("A =1\n", "1:1", "does not begin with NAME="),
        ("exportA=1\nA-B=1\n", "2:1", "does not begin with NAME="),
        ("A= 1\n", "1:3", "over here"),
        ("A='x\n", "1:3", "is not closed"),
        ('A="x\\"\n', "1:3", "is not closed"),
        ("A='x'y\n", "1:6", "over here"),
        ("A='x'#y\n", "1:6", "over here"),
        ('A="x\\y"\n', "1:5", "is no escape"),
        ("A=1\nB=1\nA=2\n", "3:1", "set twice"),
        ("A=x\0y\n", "1:3", "NUL"),
        ("A=x\rB=y\n", "1:4", "over here"),
    ],
)
def test_errors_have_a_place(tmp_path: Path, data: str, place: str, said: str) -> None:
    """A line that is not understood is an error with file, line, column and what to write; nothing is guessed."""
    with pytest.raises(OptionError) as caught:
        _read(tmp_path, data)
    assert str(caught.value.where) == f"{tmp_path}/e.env:{place}"
    assert said in caught.value.message
    assert caught.value.hint


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    """A file in another encoding is refused, with the line."""
    with pytest.raises(OptionError, match="not UTF-8") as caught:
        _read(tmp_path, b"A=1\nB=\xff\n")
    assert str(caught.value.where).endswith(":2")


def test_byte_order_mark(tmp_path: Path) -> None:
    """A mark that some editors write is no part of the first name."""
    assert _read(tmp_path, b"\xef\xbb\xbfA=1\n") == {"A": "1"}


@pytest.mark.parametrize("name", ["missing.env", "."])
def test_unreadable(tmp_path: Path, name: str) -> None:
    """A file that cannot be read is bad input."""
    with pytest.raises(OptionError, match="cannot be read") as caught:
        read_env_file(tmp_path / name)
    assert caught.value.code == "env_file_unreadable"


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\n\r'")))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_single_quotes_hold_anything(tmp_path: Path, value: str) -> None:
    """Any text of one line without a single quote comes back exactly from single quotes."""
    assert _read(tmp_path, f"A='{value}'\n") == {"A": value}


@given(st.binary(max_size=60))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    """Whatever the file holds, the outcome is variables or one error of the tree."""
    try:
        variables = _read(tmp_path, data)
    except OptionError:
        return
    assert all(name.isidentifier() and "\n" not in name for name in variables)


def test_assignments() -> None:
    """`--env` takes everything after the first `=` as it stands; the last of equal names counts."""
    assert parse_assignments(["A=b=c", "B=", "A= x y "]) == {"A": " x y ", "B": ""}


@pytest.mark.parametrize("text", ["A", "=x", "2=x", "export A=x", "A-B=x", ""])
def test_bad_assignment(text: str) -> None:
    """An `--env` that is no assignment is refused."""
    with pytest.raises(OptionError, match="is not NAME=VALUE"):
        parse_assignments([text])


def test_a_bad_assignment_does_not_show_its_value() -> None:
    """What may be a secret is not repeated on the terminal."""
    with pytest.raises(OptionError) as caught:
        parse_assignments(["API-KEY=sk-123"])
    assert "sk-123" not in str(caught.value)
