"""A recipe as the files of a contract: to be read, changed and committed like any that a person wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from runner_env.contract.starter import gitignore

if TYPE_CHECKING:
    from runner_env.authoring.model import Recipe

PIPELINE = "pipeline.yml"
BOOTSTRAP = ".aider_fsm/bootstrap.yml"
GITIGNORE = ".aider_fsm/.gitignore"
_PLAIN = re.compile(r"[A-Za-z0-9_./][^:#\n'\"{}\[\]&*!|>%@`]*[^\s:#\n'\"{}\[\]&*!|>%@`]|[A-Za-z0-9_./]")
_WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "~"))


def render(recipe: Recipe) -> dict[str, str]:
    """The files: POSIX path relative to the repository, to text that ends with a line break."""
    files = {PIPELINE: _pipeline(recipe), GITIGNORE: gitignore(), **recipe.files}
    if recipe.steps or recipe.boot_env:
        files[BOOTSTRAP] = _bootstrap(recipe)
    return files


def _pipeline(recipe: Recipe) -> str:
    option = recipe.option
    lines = [
        "# How this repository is evaluated. Written by rules from what the repository itself states; change it as you",
        "# like: it is yours. Check it with `runner-env check .`",
        "version: 1",
        "",
        "security:",
        "  mode: safe",
        "  max_cmd_seconds: 1800",
        "",
        f"# {_one_line(option.source)} states `{_one_line(option.stated)}`.",
        "# The runner runs the hint itself; the score is the share of tests that passed, as it reads their output.",
        "evaluation:",
    ]
    if option.workdir:
        lines.append(f"  workdir: {scalar(option.workdir)}")
    if recipe.builds:
        lines += ["  run_cmds:", *(f"    - {scalar(command)}" for command in recipe.builds)]
    lines.append(f"  hint: {scalar(option.command)}")
    lines += _variables(option.env, "  ")
    return "\n".join(lines) + "\n"


def _bootstrap(recipe: Recipe) -> str:
    lines = ["# What is made ready once, before the stages, and again when one of the manifests changes.", "version: 1"]
    if recipe.option.workdir:
        lines.append(f"workdir: {scalar(recipe.option.workdir)}")
    lines.append("cmds:" if recipe.steps else "cmds: []")
    for step in recipe.steps:
        if step.why:
            lines.append(f"  # {_one_line(step.why)}")
        lines.append(f"  - {scalar(step.command)}")
    if recipe.boot_env:
        lines += ["", "# Variables for every later stage.", *_variables(recipe.boot_env, "")]
    return "\n".join(lines) + "\n"


def _variables(values: Mapping[str, str], indent: str) -> list[str]:
    return [f"{indent}env:", *(f"{indent}  {name}: {scalar(text)}" for name, text in values.items())] if values else []


def scalar(text: str) -> str:
    """A text as YAML, quoted only where it must be.

    >>> scalar("pytest -q"), scalar("3.10"), scalar("a: b")
    ('pytest -q', '"3.10"', '"a: b"')
    """
    is_number = re.fullmatch(r"[\d.eE+_-]+", text)
    if _PLAIN.fullmatch(text) and not is_number and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


def _one_line(text: str) -> str:
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= 90 else text[:89] + "…"
