"""Variables in the environment of a bootstrap."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from runner_env.contract import expand_env


def test_references_are_replaced_in_order(tmp_path: Path) -> None:
    """B052: earlier entries, the repository and the base environment are known; unknown is empty; `$$` is a dollar."""
    raw = {
        "FOO": "bar",
        "BAR": "${FOO}-baz",
        "D": "$$HOME $1 ${",
        "U": "[$NOPE]",
        "R": "$AIDER_FSM_REPO_ROOT",
        "B": "$BASE",
        "FOO2": "$FOO$LATER",
        "LATER": "x",
    }
    assert expand_env(raw, {"BASE": "b", "FOO": "old"}, tmp_path) == {
        "FOO": "bar",
        "BAR": "bar-baz",
        "D": "$HOME $1 ${",
        "U": "[]",
        "R": str(tmp_path),
        "B": "b",
        "FOO2": "bar",
        "LATER": "x",
    }


def test_an_entry_may_extend_itself(tmp_path: Path) -> None:
    """`PATH: bin:$PATH` puts a folder of the repository before what was there."""
    assert expand_env({"PATH": ".aider_fsm/venv/bin:$PATH"}, {"PATH": "/usr/bin:/bin"}, tmp_path) == {
        "PATH": f"{tmp_path}/.aider_fsm/venv/bin:/usr/bin:/bin"
    }


def test_empty_parts_of_path_are_dropped(tmp_path: Path) -> None:
    """They would mean the current directory, which is the target's."""
    assert expand_env({"PATH": ":/bin::$NOPE:"}, {}, tmp_path) == {"PATH": "/bin"}


def test_the_python_of_a_virtual_environment_keeps_its_link(tmp_path: Path) -> None:
    """B053: relative becomes absolute without following the link; a bare name stays for PATH to find."""
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to("/bin/sh")
    assert expand_env({"AIDER_FSM_PYTHON": "venv/bin/python"}, {}, tmp_path) == {"AIDER_FSM_PYTHON": str(python)}
    assert expand_env({"AIDER_FSM_PYTHON": "./venv/bin/python"}, {}, tmp_path) == {"AIDER_FSM_PYTHON": str(python)}
    assert expand_env({"AIDER_FSM_PYTHON": "python3"}, {}, tmp_path) == {"AIDER_FSM_PYTHON": "python3"}


def test_the_base_is_left_alone(tmp_path: Path) -> None:
    """B055: the caller's environment is read, never written."""
    base = {"A": "1"}
    expand_env({"A": "2", "B": "$A"}, base, tmp_path)
    assert base == {"A": "1"}


@given(text=st.text(max_size=40))
def test_text_without_dollars_is_unchanged_and_doubled_dollars_come_back(text: str) -> None:
    """`$$` is the way to write any text."""
    written = text.replace("$", "$$")
    assert expand_env({"X": written}, {}, Path("/repo")) == {"X": text}
