"""Which harness a name stands for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.core import FailureKind
from runner_env.errors import HarnessError, OptionError
from runner_env.harnesses.options import HarnessOptions
from runner_env.harnesses.table import choose, make_harness, names

Program = Callable[..., Path]


def test_auto_takes_opencode_before_all_others(program: Program) -> None:
    """Its server stays warm."""
    program("codex")
    program("oneharness")
    assert choose("", {"PATH": str(program("opencode"))}) == "opencode"


def test_auto_takes_an_opencode_server_that_is_named(tmp_path: Path) -> None:
    """No program need be here then."""
    assert choose("http://127.0.0.1:1", {"PATH": str(tmp_path)}) == "opencode"


def test_auto_takes_oneharness_with_the_first_program_that_is_there(program: Program) -> None:
    """In the order of the table."""
    program("oneharness")
    program("goose")
    assert choose("", {"PATH": str(program("claude"))}) == "oneharness:claude-code"


def test_what_is_missing_is_named_with_its_installation(program: Program, tmp_path: Path) -> None:
    """Nothing there; or an agent program that nothing here can drive."""
    with pytest.raises(HarnessError, match="No agent program") as nothing:
        choose("", {"PATH": str(tmp_path)})
    assert nothing.value.kind is FailureKind.SPAWN
    assert "npm install -g opencode-ai" in (nothing.value.hint or "")
    with pytest.raises(HarnessError, match="`codex` is there, but not `oneharness`") as half:
        choose("", {"PATH": str(program("codex"))})
    assert "pip install oneharness-cli" in (half.value.hint or "")


@pytest.mark.parametrize("name", ["opencodex", "opencode:x", "oneharness", "oneharness:", "oneharness:../x", ""])
def test_an_unknown_name_is_refused(options: Callable[..., HarnessOptions], name: str) -> None:
    """With the names that there are."""
    with pytest.raises(OptionError) as caught:
        make_harness(options(name=name))
    assert all(known in (caught.value.hint or "") for known in names())


def test_a_server_is_not_for_another_harness(options: Callable[..., HarnessOptions]) -> None:
    """`opencode_url` with another harness is a contradiction."""
    with pytest.raises(OptionError):
        make_harness(options(name="oneharness:codex", url="http://127.0.0.1:1"))
