"""What every model API has in common: one request, one completion, one problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Exchange:
    """One question to a model.

    Attributes:
        model: the model id.
        system: the system prompt; empty: none.
        user: the user's message.
        max_tokens: the longest reply, in tokens.
        schema: a JSON Schema that the reply must satisfy, by the API's own means; None: free text.
    """

    model: str
    system: str
    user: str
    max_tokens: int = 1024
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Completion:
    """One answer of a model.

    Attributes:
        text: what it said; empty if nothing.
        stop: why it stopped, in the API's own words; empty if it does not say.
        truncated: it was cut off at its token limit.
        refused: it, or a filter in front of it, declined.
        input_tokens: prompt tokens, cached ones included; None: not reported.
        output_tokens: completion tokens; None: not reported.
    """

    text: str
    stop: str = ""
    truncated: bool = False
    refused: bool = False
    input_tokens: int | None = None
    output_tokens: int | None = None


class ApiProblem(Exception):
    """An API answered, but not with a completion.

    Args:
        kind: a value of `runner_env.core.FailureKind`; empty if nothing fits.
        message: what the API says, or what is wrong with its answer.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


def count(value: object) -> int | None:
    """A number of tokens as an API reports it, or None if it is no such thing."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def records(value: object) -> list[dict[str, Any]]:
    """The JSON objects in a list; nothing if it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def record(value: object) -> dict[str, Any]:
    """A JSON object; an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}
