from __future__ import annotations

from pathlib import Path

import pytest

from runner_env.harnesses.model import Opening
from runner_env.harnesses.oneharness.permissions import permissions

MODES = {
    "claude-code": ("read-only", "plan", "default", "edit", "auto", "bypass"),
    "codex": ("read-only", "plan", "default", "auto", "bypass"),
    "goose": ("default", "auto", "bypass"),
    "qwen": ("read-only", "plan", "default", "edit", "auto", "bypass"),
    "crush": ("default", "bypass"),
    "copilot": ("read-only", "plan", "default", "edit", "bypass"),
    "cursor": ("read-only", "plan", "default", "bypass"),
    "newcomer": ("default",),
}


def opening(*writable: str, shell: bool = False) -> Opening:
    """A session in some directory."""
    return Opening(Path("/work"), "t", writable=writable, shell=shell)


@pytest.mark.parametrize(
    ("harness", "reading", "writing", "running"),
    [
        ("codex", "read-only", "auto", "auto"),
        ("goose", "default", "auto", "bypass"),
        ("qwen", "read-only", "edit", "bypass"),
        ("crush", "default", "bypass", "bypass"),
        ("copilot", "read-only", "edit", "bypass"),
        ("cursor", "read-only", "bypass", "bypass"),
        ("newcomer", "default", "default", "default"),
    ],
)
def test_modes(harness: str, reading: str, writing: str, running: str) -> None:
    """The narrowest mode in which an agent can do what it is to do without asking anybody."""
    asked = (opening(), opening("a"), opening("a", shell=True))
    assert [permissions(harness, o, MODES[harness], contained=False).mode for o in asked] == [reading, writing, running]


def test_codex_in_a_box() -> None:
    """Its own sandbox cannot be set up inside of one, which contains it anyway."""
    assert permissions("codex", opening("a"), MODES["codex"], contained=True).mode == "bypass"
    assert permissions("codex", opening(), MODES["codex"], contained=True).mode == "read-only"


def test_claude_is_told_globs() -> None:
    """It may edit what is writable, below where it works, and run commands only if it may have a shell."""
    without = permissions("claude-code", opening("pipeline.yml", "x/**"), MODES["claude-code"], contained=True)
    assert without.mode == "default"
    assert without.arguments == ("--allowedTools", "Edit(/pipeline.yml)", "Edit(/x/**)", "--disallowedTools", "Bash")
    given = permissions("claude-code", opening("a", shell=True), MODES["claude-code"], contained=True)
    assert given.arguments == ("--allowedTools", "Bash", "Edit(/a)")
    assert permissions("claude-code", opening(), (), contained=True).arguments == ("--disallowedTools", "Bash")
