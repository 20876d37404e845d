"""Messages of the server as text, events and usage of a turn; which model a name stands for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner_env.core import FailureKind
from runner_env.errors import HarnessError
from runner_env.harnesses.opencode.messages import (
    events_of,
    finished,
    new_messages,
    of_role,
    text_of,
    unusable,
    usage_of,
)
from runner_env.harnesses.opencode.models import resolve_model

LISTED = {
    "providers": [{"id": "local", "models": {"scripted": {}, "org/big": {}}}, {"id": "other", "models": {"x": {}}}]
}


def answer(**info: Any) -> dict[str, Any]:
    """A message of the assistant."""
    return {"info": {"id": "msg_1", "role": "assistant", "time": {"completed": 1}, **info}, "parts": []}


def test_recorded_messages_are_read(shared: Path) -> None:
    """Those of a real turn that wrote a file: two calls of the model, one tool."""
    listed = json.loads((shared / "corpora/harness-envelopes/opencode-http-messages.json").read_text("utf-8"))
    turn = of_role(new_messages(listed, frozenset()), "assistant")[:2]
    assert [event.name for event in events_of(turn)] == ["write", ""]
    assert text_of(turn) == "Done: wrote tests.sh"
    assert finished(turn)
    usage = usage_of(turn)
    assert (usage.input_tokens, usage.output_tokens, usage.requests) == (15_759, 34, 2)
    assert usage.cost_usd == pytest.approx(0.015827)


def test_tokens_of_caches_and_of_thinking_count() -> None:
    """As what went in and what came out; a price of nothing is not known."""
    tokens = {"input": 10, "output": 5, "reasoning": 3, "cache": {"read": 100, "write": 20}}
    usage = usage_of([answer(tokens=tokens, cost=0)])
    assert (usage.input_tokens, usage.output_tokens, usage.cost_usd) == (130, 8, None)


def test_a_call_that_never_was_has_no_usage() -> None:
    """A refused call reports zeros, which are not a use of nothing."""
    assert usage_of([answer(tokens={"input": 0, "output": 0})]).is_empty


@pytest.mark.parametrize(
    ("info", "kind"),
    [
        ({"finish": "stop"}, None),
        ({"finish": "length"}, FailureKind.TRUNCATED),
        ({"finish": "content-filter"}, FailureKind.REFUSAL),
        ({"finish": "tool-calls"}, FailureKind.PROTOCOL),
        ({"time": {}}, FailureKind.PROTOCOL),
    ],
)
def test_a_turn_without_a_whole_answer_is_none(info: dict[str, Any], kind: FailureKind | None) -> None:
    """Cut off at a limit, withheld, or left in the middle."""
    found = unusable([answer(**info)])
    assert (found and found[0]) == kind


def test_a_turn_without_any_answer_is_none() -> None:
    """Kind `protocol`."""
    assert (unusable([]) or ("",))[0] is FailureKind.PROTOCOL


@pytest.mark.parametrize("listed", [None, {}, [1, None, {"info": 3}, {"parts": 4}]])
def test_lists_of_any_shape_are_taken(listed: object) -> None:
    """Another version may answer otherwise."""
    messages = new_messages(listed, frozenset())
    assert text_of(messages) == ""
    assert events_of(messages) == ()


@pytest.mark.parametrize(
    ("name", "environ", "model"),
    [
        ("", {}, None),
        ("local/scripted", {}, "local/scripted"),
        ("scripted", {}, "local/scripted"),
        ("org/big", {}, "local/org/big"),
        ("other/new", {}, "other/new"),
        ("", {"OPENCODE_MODEL": "x"}, "other/x"),
        ("scripted", {"OPENCODE_MODEL": "x"}, "local/scripted"),
        ("", {"OPENAI_MODEL": "nobody", "CHAT_MODEL": "x"}, "other/x"),
        ("", {"OPENAI_MODEL": "nobody"}, None),
    ],
)
def test_a_model_is_found(name: str, environ: dict[str, str], model: str | None) -> None:
    """With its provider or without; by the usual variables, which must fit unless they are OpenCode's own."""
    found = resolve_model(name, environ, LISTED, "opencode")
    assert (found and f"{found['providerID']}/{found['modelID']}") == model


@pytest.mark.parametrize("listed", [LISTED, {}, None])
def test_an_unknown_model_is_an_error(listed: object) -> None:
    """With what there is, or how to get some."""
    with pytest.raises(HarnessError) as caught:
        resolve_model("nobody", {}, listed, "opencode")
    assert caught.value.kind is FailureKind.MODEL_NOT_FOUND
    assert caught.value.hint
