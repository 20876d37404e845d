"""The JSON Schema of the provider protocol, for authors of providers."""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string"}
_COUNT = {"type": ["integer", "null"], "minimum": 0}
_OBJECTS = {"type": ["array", "null"], "items": {"type": "object"}}


def protocol_schema() -> dict[str, Any]:
    """The schema (draft 2020-12): `$defs` has each request and each reply; any of them fits the whole."""
    definitions = {**_parts(), **_requests(), **_replies()}
    messages = [name for name in definitions if name.endswith(("_request", "_reply"))]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "runner-env/provider-protocol@1",
        "title": "Provider protocol",
        "description": "What is said between the runner and a provider command; see docs/protocol.md.",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in messages],
        "$defs": definitions,
    }


def _parts() -> dict[str, Any]:
    return {
        "message": _object(
            {"role": {"enum": ["user", "assistant", "system"]}, "content": _TEXT, "events": _OBJECTS}, 2
        ),
        "usage": {
            "type": ["object", "null"],
            "properties": {
                "input_tokens": _COUNT,
                "output_tokens": _COUNT,
                "cost_usd": {"type": ["number", "null"], "minimum": 0},
            },
        },
        "skill": _object({"name": _TEXT, "path": _TEXT, "instructions": _TEXT}, 3),
        "mocks": _object({"rules": {"type": ["object", "null"]}}, 1),
        "mock_call": _object({"tool": _TEXT, "input": True, "action": _TEXT, "rule": {"type": ["integer", "null"]}}, 1),
    }


def _requests() -> dict[str, Any]:
    model, messages = {"model": _TEXT}, {"messages": {"type": "array", "items": {"$ref": "#/$defs/message"}}}
    identity = {"id": {"type": "integer", "description": "in persistent mode only"}}
    respond = {"platform": _TEXT, **model, "skill": {"$ref": "#/$defs/skill"}, **messages}
    judge = {**model, "kind": {"enum": ["boolean", "numeric"]}, "criterion": _TEXT, **messages}
    scale = {"min": {"type": "number"}, "max": {"type": "number"}}
    return {
        "respond_request": _object(
            {"op": {"const": "respond"}, **respond, "session": _TEXT, "mocks": {"$ref": "#/$defs/mocks"}, **identity}, 5
        ),
        "user_request": _object({"op": {"const": "user"}, **model, "persona": _TEXT, **messages, **identity}, 4),
        "judge_request": _object({"op": {"const": "judge"}, **judge, **scale, **identity}, 5),
    }


def _replies() -> dict[str, Any]:
    common = {
        "usage": {"$ref": "#/$defs/usage"},
        "id": {"type": "integer", "description": "that of the request, in persistent mode"},
        "persistent": {"type": "boolean", "description": "announces that the process answers request after request"},
        "resume": {"type": "boolean", "description": "announces that `session` is honoured"},
    }
    calls = {"type": ["array", "null"], "items": {"$ref": "#/$defs/mock_call"}}
    return {
        "respond_reply": _object(
            {
                "message": _TEXT,
                "done": {"type": "boolean", "default": False},
                "session_id": {"type": ["string", "null"]},
                "events": _OBJECTS,
                "mock_calls": calls,
                **common,
            },
            1,
        ),
        "user_reply": _object({"message": _TEXT, "stop": {"type": "boolean", "default": False}, **common}, 1),
        "judge_reply": _object(
            {"value": {"type": ["boolean", "number"]}, "reason": {"type": ["string", "null"]}, **common}, 1
        ),
    }


def _object(properties: dict[str, Any], required: int) -> dict[str, Any]:
    """An object with these properties, of which the first so many are required; others are allowed and ignored."""
    return {"type": "object", "properties": properties, "required": list(properties)[:required]}
