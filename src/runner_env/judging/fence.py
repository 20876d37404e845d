"""A transcript as text in which nothing that was said can pass for a role, an instruction or the transcript's end.

Every line that structures it begins with a mark of 64 random bits, drawn for this one text; whoever wrote a message
cannot have known it. The messages themselves stand there letter by letter.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from runner_env.core import Role
from runner_env.text.clipping import head_tail

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runner_env.core import Ambient, Message

_MARK_BYTES = 8
_EVENT_CHARS = 2000
_SPEAKERS = {Role.USER: "User", Role.ASSISTANT: "Assistant", Role.SYSTEM: "System"}


def draw_mark(ambient: Ambient, texts: Iterable[str]) -> str:
    """A fresh mark, as in `[0123456789abcdef]`, that occurs in none of `texts`."""
    shown = tuple(texts)
    while True:
        mark = f"[{ambient.token(_MARK_BYTES)}]"
        if not any(mark in text for text in shown):
            return mark


def fenced(messages: Sequence[Message], mark: str, *, events: bool = False) -> str:
    """The conversation, oldest message first, every structural line beginning with `mark`.

    Args:
        messages: the conversation.
        mark: from `draw_mark`.
        events: also show each message's tool events, one JSON object a line, each clipped to 2,000 characters.
    """
    lines = [f"{mark} Conversation so far (most recent last):"]
    for message in messages:
        if events and message.events:
            lines.append(f"{mark} Tool events before the next message:")
            lines += [f"{mark}   {_event(event)}" for event in message.events]
        lines.append(f"{mark} {_SPEAKERS[message.role]}: {message.content}")
    return "\n".join([*lines, f"{mark} End of the conversation."])


def shown_texts(messages: Sequence[Message]) -> list[str]:
    """All that `fenced` may show of the messages, as single texts."""
    texts = [message.content for message in messages]
    texts += [_event(event) for message in messages for event in message.events or ()]
    return texts


def _event(event: Mapping[str, object]) -> str:
    # JSON keeps an event on one line; what JSON leaves alone but some readers take for a line end is escaped as well
    text = json.dumps(event, ensure_ascii=False, default=str)
    for separator in "\x7f\x85\u2028\u2029":
        text = text.replace(separator, f"\\u{ord(separator):04x}")
    return head_tail(text, _EVENT_CHARS).replace("\n", " ")
