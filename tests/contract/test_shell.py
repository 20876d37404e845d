"""What can be said about a command line without running it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.contract.shell import script_of, syntax_error


@pytest.mark.parametrize(
    ("line", "script"),
    [
        ("bash x.sh", ("x.sh", False)),
        ("sh -eu dir/x.sh a b", ("dir/x.sh", False)),
        ("A=1 B='c d' bash x.sh", ("x.sh", False)),
        ("./run me", ("./run", True)),
        ('"$AIDER_FSM_PYTHON" a.py', ("a.py", False)),
        ("python3.12 -u a.py > log", ("a.py", False)),
        ("/usr/bin/bash x.sh && echo", ("x.sh", False)),
        ("bash x.sh; rm y", ("x.sh", False)),
        ("./x.sh\necho", ("./x.sh", True)),
        ("bash -c 'x.sh'", None),
        ("python -m pytest", None),
        ("python -c 'x'", None),
        ("cd d && bash x.sh", None),
        ("bash $X", None),
        ("bash", None),
        ("bash < x.sh", None),
        ("echo bash x.sh", None),
        ("bash /abs/x.sh", None),
        ("bash 'x", None),
        ("./a*", None),
        ("", None),
        ("bash -o pipefail x.sh", None),
        ("env bash x.sh", None),
    ],
)
def test_scripts_are_found_only_where_that_is_sure(line: str, script: tuple[str, bool] | None) -> None:
    """The plain forms are seen through; anything cleverer is left alone."""
    assert script_of(line) == script


@given(line=st.text(max_size=60))
def test_any_line_is_looked_at_without_error(line: str) -> None:
    """No text makes the reader of command lines stumble."""
    found = script_of(line)
    assert found is None or found[0]


def test_syntax_is_checked_without_running_anything(tmp_path: Path) -> None:
    """`-n` finds an open `if`, accepts what is right, and runs neither."""
    canary = tmp_path / "canary"
    assert syntax_error("if true; then", "/bin/sh")
    assert syntax_error(f"touch {canary}; $(touch {canary}); : > {canary}", "/bin/sh") is None
    assert not canary.exists()


def test_where_there_is_no_shell_nothing_is_said() -> None:
    """An absent shell or no time left is not an error of the contract."""
    assert syntax_error("if", "/nowhere/sh") is None
    assert syntax_error("if", "/bin/sh", 0) is None
