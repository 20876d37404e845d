"""The rules that choose what the scripted model says."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from runner_env.testing.replies import Reply

if TYPE_CHECKING:
    from runner_env.testing.wire import ChatRequest


@dataclass(frozen=True, slots=True)
class Rule:
    """Replies for the requests that match: all that is given must hold.

    The replies of a rule are its steps: step 0 answers the user's message, step 1 the first round of tool results after
    it, and so on; the last step repeats. So neither a repeated request nor a side request of the client shifts the
    script. Replies with `times` stand before the step that they delay: `[Reply(status=429, times=2), Reply("fine")]` is
    one step, refused twice. Requests are counted over the whole server. A step that ends in a used-up `times` makes the
    rule not match any more, and the next rule is asked.

    Regular expressions are searched; `.` matches newlines too.

    Attributes:
        replies: one or more replies.
        match: regular expression for the text of the last user message; empty: any.
        model: regular expression for the model id; empty: any.
        system: regular expression for all system text; empty: any.
        result: regular expression for the latest round of tool results after the last user message, joined by newlines;
            empty: any, and none. Such a rule stands before the one whose steps it interrupts.
        tools: True: some tool is offered; False: none is (agent programs ask so for titles and summaries); text: a
            regular expression for the name of one that is offered; None: any, and none.
        turn: how often the user has spoken in the conversation, from 1; None: any.
    """

    replies: Sequence[Reply]
    match: str = ""
    model: str = ""
    system: str = ""
    result: str = ""
    tools: bool | str | None = None
    turn: int | None = None

    def accepts(self, request: ChatRequest) -> bool:
        """Whether the rule is about this request."""
        searched = (
            (self.match, request.last_user),
            (self.model, request.model),
            (self.system, request.system),
            (self.result, "\n".join(request.results)),
        )
        return (
            all(not pattern or re.search(pattern, text, re.DOTALL) for pattern, text in searched)
            and self._offered(request.tools)
            and self.turn in (None, request.turn)
        )

    def steps(self) -> list[list[Reply]]:
        """The replies in groups: any number with `times`, then one without, which ends the group."""
        groups: list[list[Reply]] = [[]]
        for reply in self.replies:
            if groups[-1] and groups[-1][-1].times is None:
                groups.append([])
            groups[-1].append(reply)
        return groups

    def _offered(self, tools: Sequence[str]) -> bool:
        if isinstance(self.tools, str):
            wanted = self.tools
            return any(re.search(wanted, name) for name in tools)
        return self.tools is None or self.tools == bool(tools)


Answerer = Callable[["ChatRequest"], Reply]
"""Chooses the reply by itself; called in a worker thread, possibly several at once."""


class Chosen(NamedTuple):
    """A reply, and the place of the rule that it is from; None: no rule's."""

    reply: Reply
    rule: int | None


@dataclass(slots=True)
class Script:
    """Rules, and how often each of their steps was hit. First match wins. Safe to use from several threads."""

    rules: Sequence[Rule]
    _hits: dict[tuple[int, int], int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __call__(self, request: ChatRequest) -> Reply:
        """The reply for `request`; a fault with status 400 if no rule matches, so that nobody retries it."""
        return self.choose(request).reply

    def choose(self, request: ChatRequest) -> Chosen:
        """The reply for `request`, and whose it is."""
        for index, rule in enumerate(self.rules):
            if rule.accepts(request) and (reply := self._next(index, rule, request.step)):
                return Chosen(reply, index)
        said = request.last_user[:200]
        return Chosen(Reply(status=400, message=f"no rule matches the last user message {said!r}"), None)

    def unused(self) -> tuple[int, ...]:
        """The places of the rules that no request has hit."""
        with self._lock:
            used = {index for index, _ in self._hits}
        return tuple(index for index in range(len(self.rules)) if index not in used)

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
