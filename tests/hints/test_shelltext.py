"""Shell text as simple commands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.hints.shelltext import simple_commands, words_of


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("a && b; c\nd", ["a", "b", "c", "d"]),
        ("echo 'a && b' \"c; d\"", ["echo 'a && b' \"c; d\""]),
        ("a \\\n    --b \\\n    c", ["a --b c"]),
        ("a # b && c\nd#e", ["a", "d#e"]),
        ("x=$(cd a && pwd) make", ["x=$(cd a && pwd) make"]),
        ("(cd a && b) && c", ["cd a", "b", "c"]),
        ("a 2>&1 | tee log", ["a 2>&1", "tee log"]),
        ("cat <<EOF\npytest\nEOF\nmake", ["cat <<EOF", "make"]),
        ("make test (optional)\nb", ["make test", "b"]),
        ("run ${{ matrix.a && 'b' }} x", ["run ${{ matrix.a && 'b' }} x"]),
        ("don't\npytest", ["don't", "pytest"]),
    ],
)
def test_split(text: str, commands: list[str]) -> None:
    """Operators, quotes, comments, continuation lines, subshells, here-documents and remarks."""
    assert [simple.text for simple in simple_commands(text)] == commands


def test_lines_and_operators() -> None:
    """Every command knows its line and what follows it."""
    found = simple_commands("a &&\\\n b\n\nc || d")
    assert [(simple.text, simple.line, simple.after) for simple in found] == [
        ("a", 0, "&&"),
        ("b", 1, "\n"),
        ("c", 3, "||"),
        ("d", 3, ""),
    ]


def test_words() -> None:
    """Quotes go, what they hold together stays together; substitutions stay as written."""
    assert words_of("""a 'b c' "d"e $(f g) \\h""") == ("a", "b c", "de", "$(f g)", "h")


@given(st.text(alphabet="ab'\"\\$(){}|&;#<>\n `", max_size=60))
def test_any_text(text: str) -> None:
    """No text breaks it; lines never go backwards."""
    lines = [simple.line for simple in simple_commands(text)]
    assert lines == sorted(lines)
    assert all(0 <= line <= text.count("\n") for line in lines)
    for simple in simple_commands(text):
        words_of(simple.text)
