"""Expressions and placeholders."""

from __future__ import annotations

import pytest

from runner_env.hints.placeholders import fill, unfilled
from runner_env.hints.shelltext import words_of


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("e --data [a|b] --x", "e --data a --x"),
        ("e {x|y}", "e x"),
        ("pytest [options]", "pytest "),
        ("e --n ${N:-5}", "e --n 5"),
        ("pip install .[test]", "pip install .[test]"),
        ("go test ./...", "go test ./..."),
    ],
)
def test_fill(text: str, filled: str) -> None:
    """Choices give their first, defaults themselves, optional parts nothing; extras and patterns stay."""
    assert fill(text, {}) == filled


@pytest.mark.parametrize(
    "text",
    [
        "e --model <name>",
        "e --model {model}",
        "e --model $MODEL",
        "e --model ${MODEL}",
        "e path/to/file",
        "e ...",
        "e …",
        "e --key YOUR_KEY",
        "e ${{ matrix.x }}",
        "e {{ cookiecutter.name }}",
        "e MODEL_PATH",
        "e --file=FILE",
        "e pretrained=model-name-or-path",
        "e $1",
    ],
)
def test_unfilled(text: str) -> None:
    """Everything that stands for something else is seen."""
    assert unfilled(text, words_of(text))


@pytest.mark.parametrize(
    "text", ["go test ./...", "pytest -m 'not slow'", "e $HOME/x", "e a{b,c}", "make CC=gcc", "e --json '{\"a\": 1}'"]
)
def test_nothing_to_fill(text: str) -> None:
    """Patterns, the shell's own braces, known variables and JSON are no placeholders."""
    assert not unfilled(text, words_of(text))


def test_known_variable() -> None:
    """A variable that is set for the command is none either."""
    assert not unfilled("e $MODEL", ("e", "$MODEL"), {"MODEL"})
