"""What the caller asks for, validated once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.errors import OptionError
from runner_env.runs.options import AgentOptions, CallOptions, SetupOptions, call_options, resolved, setup_options

VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text()), st.binary())


def taken_or_refused(validate: Callable[[Mapping[str, Any]], object], name: str, value: object) -> bool:
    """Whether `validate` takes the value, or refuses it by name; any other exception is not caught."""
    try:
        validate({name: value})
    except OptionError as error:
        return name in str(error)
    return True


def test_defaults_are_those_of_the_published_api() -> None:
    """Nothing given is the published default in every place."""
    options = setup_options({})
    assert options == SetupOptions()
    assert (options.pipeline_rel, options.require_metrics, options.audit) == ("pipeline.yml", True, "on")
    assert (options.unattended, options.scaffold, options.pass_env) == ("strict", "auto", ())
    assert options.agent == AgentOptions()
    agent = options.agent
    assert (agent.timeout_seconds, agent.retry_attempts, agent.retry_backoff_seconds) == (300, 2, 2.0)
    assert (agent.bash, agent.scaffold_bash) == ("restricted", "restricted")
    call = call_options({})
    assert call == CallOptions()
    assert (call.mode, call.require_samples, call.repair_iters) == ("smoke", False, 3)


def test_agent_keywords_travel_as_one_value() -> None:
    """The `opencode_` keywords end up in `agent`, each under its own name."""
    given_keywords = {
        "opencode_model": "m",
        "opencode_repair_model": "r",
        "opencode_timeout_seconds": 1.5,
        "opencode_bash": "full",
        "scaffold_opencode_bash": "full",
        "opencode_context_length": 5,
        "harness": "oneharness:codex",
    }
    agent = AgentOptions(
        "m", "r", timeout_seconds=1.5, context_length=5, bash="full", scaffold_bash="full", harness="oneharness:codex"
    )
    assert setup_options(given_keywords).agent == agent


@pytest.mark.parametrize(("strict", "scaffold"), [(True, "agent"), (False, "auto"), (None, "auto")])
def test_strict_opencode_is_a_way_to_say_agent(strict: bool | None, scaffold: str) -> None:
    """`strict_opencode=True` equals `scaffold="agent"`; False and None leave it open."""
    assert setup_options({"strict_opencode": strict}).scaffold == scaffold


def test_override_values_become_text() -> None:
    """None is the empty text, everything else its own text."""
    call = call_options({"env_overrides": {"A": None, "B": 3, "C": True, "D": 1.5, "E": Path("/x")}})
    assert call.env_overrides == {"A": "", "B": "3", "C": "True", "D": "1.5", "E": "/x"}


def test_undecodable_bytes_of_the_callers_environment_pass() -> None:
    """A value as `os.environ` has it, with surrogates for bytes that are no UTF-8, is usable."""
    value = b"\xff".decode(errors="surrogateescape")
    assert call_options({"env_overrides": {"A": value}}).env_overrides == {"A": value}


def test_paths_are_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Strings and paths, relative or from home, become absolute; None stays None."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert resolved("x", "a/../b") == tmp_path / "b"
    assert resolved("x", Path("~/c")) == tmp_path / "home" / "c"
    assert resolved("x", None) is None


@pytest.mark.parametrize("value", ["", " ", 3, "~nobody-here/x", "a\0b", b"bytes"])
def test_unusable_paths(value: Any) -> None:
    """What is no path is refused by its keyword's name."""
    with pytest.raises(OptionError, match="artifacts_dir"):
        resolved("artifacts_dir", value)


def test_options_do_not_change() -> None:
    """What was validated stays as it was."""
    with pytest.raises(FrozenInstanceError):
        setup_options({}).audit = "off"  # type: ignore[misc]


@given(st.sampled_from(sorted(SetupOptions.__dataclass_fields__.keys() - {"agent"})), VALUES)
def test_any_value_of_setup_is_taken_or_refused(name: str, value: object) -> None:
    """Whatever is handed in, it is validated options or an OptionError."""
    assert taken_or_refused(setup_options, name, value)


@given(st.sampled_from(sorted(AgentOptions.__dataclass_fields__)), VALUES)
def test_any_value_for_the_agent_is_taken_or_refused(name: str, value: object) -> None:
    """So it is for every keyword about the agent."""
    names = {"scaffold_bash": "scaffold_opencode_bash", "harness": "harness"}
    keyword = names.get(name, f"opencode_{name}")
    assert taken_or_refused(setup_options, keyword, value)


@given(st.sampled_from(sorted(CallOptions.__dataclass_fields__)), st.one_of(VALUES, st.dictionaries(st.text(), VALUES)))
def test_any_value_of_a_call_is_taken_or_refused(name: str, value: object) -> None:
    """So it is for the calls."""
    assert taken_or_refused(call_options, name, value)
