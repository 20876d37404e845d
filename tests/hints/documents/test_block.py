"""Prompts and outputs."""

from __future__ import annotations

import pytest

from runner_env.hints.documents.block import Block, Kind, shell_text


def shell(text: str, language: str = "") -> str:
    """The commands of a block."""
    return shell_text(Block(text, 1, Kind.BLOCK, language, (), ""))


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("$ pytest\n3 passed", "pytest\n"),
        ("(venv) $ pytest", "pytest"),
        ("user@host:~/tool$ pytest", "pytest"),
        ("% make test\nok", "make test\n"),
        ("PS> dotnet test", "dotnet test"),
        ("$ a \\\n>   --b\nout", "a \\\n  --b\n"),
        ("> npm test\n> npm run bench", "npm test\nnpm run bench"),
        ("pytest\nmake", "pytest\nmake"),
    ],
)
def test_prompts(text: str, commands: str) -> None:
    """B081: prompts go, outputs below them too, lines keep their place."""
    assert shell(text) == commands


def test_root_prompt() -> None:
    """`#` is a prompt in a console, elsewhere a comment."""
    assert shell("# make test", "console") == "make test"
    assert shell("# make test") == "# make test"


@pytest.mark.parametrize("language", ["python", "json", "yaml", "js", "toml", "diff"])
def test_other_languages(language: str) -> None:
    """Code of other languages is no shell text."""
    assert shell("pytest", language).strip() == ""


def test_notebook() -> None:
    """In Python, lines with `!` are."""
    assert shell("import x\n!python evaluate.py", "python") == "\npython evaluate.py"


def test_bibtex_and_doctests() -> None:
    """B081: neither is a command."""
    assert shell("@misc{x,\n  title = {evaluate},\n}") == ""
    assert shell(">>> evaluate(1)\n2") == ""
