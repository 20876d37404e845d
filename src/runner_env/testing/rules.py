"""What the scripted model says: replies, and the rules that choose one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner_env.testing.wire import ChatRequest


@dataclass(frozen=True, slots=True)
class Tokens:
    """The usage that a reply claims, in tokens."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool that the model asks for; `arguments` travels as a JSON object."""

    name: str
    arguments: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the scripted model, or one fault.

    Attributes:
        text: what the assistant says.
        tool_calls: tools that it calls.
        usage: claimed tokens; None: a quarter of the characters.
        finish_reason: why it ended, in the words of the API; None: it called tools, if there are any, or had said all.
        status: an HTTP status from 400 to 599 makes this a fault; no text is sent.
        message: the error message of a fault.
        headers: added to the HTTP answer, as in `{"Retry-After": "1"}`.
        times: serve this reply for that many requests only, then go on to the rule's next one; None: for ever.
        delay: seconds before the answer begins.
        chunk_delay: seconds between two pieces of a streamed answer.
        disconnect: drop the connection after `text` (streaming) or in the middle of the body.

    Raises:
        ValueError: `status` or `times` is out of range.
    """

    text: str = ""
    tool_calls: Sequence[ToolCall] = ()
    usage: Tokens | None = None
    finish_reason: str | None = None
    status: int | None = None
    message: str = "scripted fault"
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int | None = None
    delay: float = 0.0
    chunk_delay: float = 0.0
    disconnect: bool = False

    def __post_init__(self) -> None:
        if self.status is not None and not 400 <= self.status <= 599:
            raise ValueError(f"a fault's status must be from 400 to 599, not {self.status}")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times must be at least 1, not {self.times}")


@dataclass(frozen=True, slots=True)
class Rule:
    """Replies for the requests that match.

    The replies of a rule are its steps: step 0 answers the user's message, step 1 the first round of tool results after
    it, and so on; the last step repeats. Replies with `times` stand before the step that they delay:
    `[Reply(status=429, times=2), Reply("fine")]` is one step, refused twice. Requests are counted over the whole
    server. A step that ends in a used-up `times` makes the rule not match any more, and the next rule is asked.

    Attributes:
        replies: one or more replies.
        match: regular expression searched in the text of the last user message (`.` matches newlines); empty: any.
        model: regular expression searched in the model id; empty: any.
    """

    replies: Sequence[Reply]
    match: str = ""
    model: str = ""

    def accepts(self, request: ChatRequest) -> bool:
        """Whether the rule is about this request."""
        return bool(
            re.search(self.match, request.last_user, re.DOTALL) and re.search(self.model, request.model, re.DOTALL)
        )

    def steps(self) -> list[list[Reply]]:
        """The replies in groups: any number with `times`, then one without, which ends the group."""
        groups: list[list[Reply]] = [[]]
        for reply in self.replies:
            if groups[-1] and groups[-1][-1].times is None:
                groups.append([])
            groups[-1].append(reply)
        return groups


Answerer = Callable[["ChatRequest"], Reply]
"""Chooses the reply by itself; called in a worker thread, possibly several at once."""


@dataclass(slots=True)
class Script:
    """Rules, and how often each of their steps was hit. First match wins. Safe to use from several threads."""

    rules: Sequence[Rule]
    _hits: dict[tuple[int, int], int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __call__(self, request: ChatRequest) -> Reply:
        """The reply for `request`; a fault with status 400 if no rule matches, so that nobody retries it."""
        for index, rule in enumerate(self.rules):
            if rule.accepts(request) and (reply := self._next(index, rule, request.step)):
                return reply
        return Reply(status=400, message=f"no rule matches the last user message {request.last_user[:200]!r}")

    def _next(self, index: int, rule: Rule, step: int) -> Reply | None:
        groups = rule.steps()
        step = min(step, len(groups) - 1)
        with self._lock:
            hit = self._hits[index, step] = self._hits.get((index, step), 0) + 1
        for reply in groups[step]:
            if reply.times is None or hit <= reply.times:
                return reply
            hit -= reply.times
        return None
