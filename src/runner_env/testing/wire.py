"""What every dialect of a model API shares: the request as the script sees it, and how a dialect is plugged in."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from runner_env.testing.faults import Refusal, Vendor
    from runner_env.testing.replies import Reply

_CHARS_PER_TOKEN = 4
_PIECE_CHARS = 12


class BadRequest(ValueError):
    """The request's body is not what the dialect wants; answered with status 400."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `role` is `system`, `user`, `assistant` or `tool`; `tools` names the tools that it calls."""

    role: str
    text: str
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request to the model, whatever the dialect.

    Attributes:
        model: the model id asked for.
        messages: the conversation, oldest first.
        tools: names of the tools offered.
        stream: whether a streamed answer is wanted.
        body: the JSON object as it came.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[str, ...]
    stream: bool
    body: Mapping[str, object]

    @property
    def system(self) -> str:
        """All system text, joined by newlines."""
        return "\n".join(message.text for message in self.messages if message.role == "system")

    @property
    def last_user(self) -> str:
        """The text of the last user message, or an empty string."""
        return next((message.text for message in reversed(self.messages) if message.role == "user"), "")

    @property
    def turn(self) -> int:
        """How often the user has spoken; adjacent messages, as of clients that add some, are one."""
        said = [message.role for message in self.messages if message.role != "system"]
        return sum(role == "user" and before != "user" for before, role in pairwise(["", *said]))

    @property
    def results(self) -> tuple[str, ...]:
        """The texts of the latest round of tool results after the last user message; empty if there is none."""
        latest: list[str] = []
        for message in reversed(self.messages):
            if message.role == "user" or (latest and message.role != "tool"):
                break
            latest += [message.text] if message.role == "tool" else []
        return tuple(reversed(latest))

    @property
    def step(self) -> int:
        """How many rounds of tool results came after the last user message; adjacent results are one round."""
        rounds, previous = 0, ""
        for message in reversed(self.messages):
            if message.role == "user":
                break
            rounds += message.role == "tool" and previous != "tool"
            previous = message.role
        return rounds


class Dialect(Protocol):
    """One model API. A further one is a class with these members, listed in `runner_env.testing.app.DIALECTS`."""

    path: str
    vendor: Vendor
    """How named faults are worded."""

    def parse(self, body: Mapping[str, object]) -> ChatRequest:
        """The request in `body`; raises BadRequest."""

    def complete(self, request: ChatRequest, reply: Reply) -> dict[str, object]:
        """The body of an answer in one piece."""

    def stream(self, request: ChatRequest, reply: Reply, late: Refusal | None = None) -> Iterator[str]:
        """The server-sent events of a streamed answer.

        They end after the text if the reply stops early, with the event of the error if `late` is one.
        """

    def error(self, refusal: Refusal) -> dict[str, object]:
        """The body of a refusal."""


def tokens(request: ChatRequest, reply: Reply) -> tuple[int, int]:
    """Input and output tokens: those the reply claims, or an estimate from the number of characters."""
    if reply.usage:
        return reply.usage.input_tokens, reply.usage.output_tokens
    said = len(reply.text) + sum(len(json.dumps(dict(call.arguments))) for call in reply.tool_calls)
    return estimate(request.body), max(1, said // _CHARS_PER_TOKEN)


def estimate(body: Mapping[str, object]) -> int:
    """The tokens of a request, by its number of characters."""
    return max(1, len(json.dumps(dict(body))) // _CHARS_PER_TOKEN)


def pieces(text: str) -> list[str]:
    """`text` cut into the small pieces in which a streamed answer arrives."""
    return [text[start : start + _PIECE_CHARS] for start in range(0, len(text), _PIECE_CHARS)]


def text_of(content: object) -> str:
    """The text of a message's content: a string, null, or a list of parts of which the textual ones count."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise BadRequest("a message's content must be a string, null or a list of parts")
    parts = (part.get("text") for part in content if isinstance(part, dict))
    return "\n".join(part for part in parts if isinstance(part, str))


def names_of(items: object) -> tuple[str, ...]:
    """The names of the tools in a list of objects; a tool without a name goes by its type.

    Raises:
        BadRequest: one has neither.
    """
    listed = items if isinstance(items, list) else []
    names = [item.get("name") or item.get("type") if isinstance(item, dict) else None for item in listed]
    if not all(isinstance(name, str) for name in names):
        raise BadRequest("a tool must be an object with a name")
    return tuple(str(name) for name in names)


def new_id(prefix: str) -> str:
    """A fresh id of an object, as model APIs give them."""
    return prefix + uuid.uuid4().hex[:24]
