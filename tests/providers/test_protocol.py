"""The provider protocol: its schema, and the provider that its documentation shows."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.bridge import blocking
from runner_env.core import Message
from runner_env.errors import ProviderError
from runner_env.providers import JudgeQuery, MockRules, SkillRef, protocol
from runner_env.providers.command import CommandProvider
from runner_env.providers.model import MockCall
from runner_env.providers.protocol_schema import protocol_schema
from runner_env.text.jsontext import one_line, read_json

ROOT = Path(__file__).resolve().parents[2]
HI = [Message.user("hi"), Message.assistant("hello", ({"kind": "tool_call"},))]
SKILL = SkillRef("s", "skills/s", "x")


def test_every_request_fits_its_schema() -> None:
    """The fields that are sent are those of the schema, and all required ones are there."""
    full = {
        "respond": protocol.respond_request(("p", "m"), SKILL, HI, "s", MockRules({"rules": []})),
        "user": protocol.user_request("m", "p", HI),
        "judge": protocol.judge_request("m", JudgeQuery.numeric("c", 0, 1), HI),
    }
    for op, request in full.items():
        schema = protocol_schema()["$defs"][f"{op}_request"]
        assert set(schema["required"]) <= set(request)
        assert set(schema["properties"]) == {*request, "id"}
        assert schema["properties"]["op"] == {"const": op}


def test_the_published_schema_is_current() -> None:
    """`schemas/provider-protocol.schema.json` is what the code generates."""
    published = json.loads((ROOT / "schemas/provider-protocol.schema.json").read_text("utf-8"))
    assert published == protocol_schema()


def test_the_documented_provider_works(kitchen: Any) -> None:
    """The program in docs/protocol.md serves all requests, and stays."""
    code = re.search(r"```python\n(.*?)```", (ROOT / "docs/protocol.md").read_text("utf-8"), re.DOTALL)
    assert code
    (kitchen.root / "provider.py").write_text(code[1], "utf-8")

    async def use() -> list[object]:
        provider = CommandProvider([sys.executable, "provider.py"], kitchen.host())
        try:
            return [
                (await provider.respond("p", "m", SKILL, HI)).message,
                (await provider.simulate_user("m", "p", HI)).message,
                (await provider.judge("m", JudgeQuery.boolean("c"), HI)).value,
                (await provider.judge("m", JudgeQuery.numeric("c", 0, 7), HI)).value,
            ]
        finally:
            await provider.aclose()

    assert blocking(use()) == ["Hello.", "Hello.", True, 7.0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=9,
)
FIELDS = st.sampled_from(["message", "done", "usage", "session_id", "events", "mock_calls", "value", "reason", "stop"])


@given(st.dictionaries(FIELDS, JSON))
def test_any_reply_is_a_value_or_a_protocol_error(reply: dict[str, Any]) -> None:
    """No JSON object from a provider makes the runner fail in any other way."""
    text = json.dumps(reply)
    for read in (
        lambda: protocol.assistant_turn(reply, text, MockRules(None)),
        lambda: protocol.user_turn(reply, text),
        lambda: protocol.judgement(JudgeQuery.boolean("c"), reply, text),
        lambda: protocol.judgement(JudgeQuery.numeric("c", 0, 1), reply, text),
    ):
        code = "protocol"
        try:
            read()
        except ProviderError as error:
            code = error.code
        assert code == "protocol"


@pytest.mark.parametrize(
    "call", [{"tool": "Bash"}, {"tool": "Bash", "action": None}, {"tool": "B", "action": "deny", "rule": -1}]
)
def test_a_recorded_call_says_what_was_done(call: dict[str, Any]) -> None:
    """A record without an action, or about a rule that cannot be, proves nothing."""
    with pytest.raises(ProviderError):
        protocol.assistant_turn({"message": "x", "mock_calls": [call]}, "", MockRules(None))


def test_an_event_has_a_kind() -> None:
    """An event that does not say what it is cannot be shown to a judge."""
    with pytest.raises(ProviderError, match="kind"):
        protocol.assistant_turn({"message": "x", "events": [{}]}, "", None)


def test_calls_that_nobody_asked_for_are_kept() -> None:
    """A provider may always record tool calls; they are in the report."""
    call = {"tool": "Bash", "input": {}, "action": "allow"}
    turn = protocol.assistant_turn({"message": "x", "mock_calls": [call]}, "", None)
    assert turn.mock_calls == (MockCall("Bash", {}, "allow"),)


@given(JSON, st.text(alphabet=st.characters(), max_size=20))
def test_a_line_is_read_back(value: object, text: str) -> None:
    """One line whatever is in it, and the same value out of it; half characters become U+FFFD."""
    line = one_line([value, text, "\ud83d x\n\u2028"])
    assert b"\n" not in line
    whole = json.loads(json.dumps([value, text]).replace("\\ud83d\\u0020", ""))
    read = read_json(line.decode())
    assert read[2] == "\ufffd x\n\u2028"
    if "\\ud" not in json.dumps([value, text]):
        assert read[:2] == whole


def test_a_field_given_twice_is_refused() -> None:
    """Which of the two was meant is a guess; inside a field it is the tool's own affair."""
    assert protocol.read_reply("respond", '{"message": "a", "x": {"y": 1, "y": 2}}')["message"] == "a"
    with pytest.raises(ProviderError, match="duplicate field `message`"):
        protocol.read_reply("respond", '{"message": "a", "message": "b"}')


@pytest.mark.parametrize("text", ["", "NaN", "[Infinity]", "{} {}", "[" * 100_000, "9" * 5000])
def test_what_is_no_json_is_refused(text: str) -> None:
    """Neither the extensions of Python's parser nor what it cannot hold is JSON."""
    with pytest.raises(ValueError, match=r"\w"):
        read_json(text)
