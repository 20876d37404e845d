"""What the scripted model says in one answer, and how that answer may go wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

Fault = Literal["auth", "rate_limit", "quota", "model_not_found", "overloaded", "server_error", "context_length"]
"""A refusal as the API's vendor words it, with its status; see `runner_env.testing.faults`."""

Breakage = Literal["disconnect", "stall", "truncated", "empty", "html"]
"""How the body of an answer with status 200 is broken."""

_FAULTS: tuple[str, ...] = get_args(Fault)
_BREAKAGES: tuple[str, ...] = get_args(Breakage)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The usage that a reply claims, in tokens; `cached_tokens` of the input came from the cache."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0


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
        fault: refuse as the vendor does: `auth`, `rate_limit`, `quota`, `model_not_found`, `overloaded`,
            `server_error` or `context_length`; no text is sent.
        status: refuse with this HTTP status, 400 to 599, instead.
        message: the error message of a fault; empty: the vendor's.
        late: a fault comes in the stream, after status 200 and `text`; an answer in one piece is refused as usual.
        broken: `disconnect` drops the connection after `text` (streamed) or in the middle of the body; `stall` says
            nothing more there and keeps the connection open; `truncated` ends there as if all were well; `empty` has
            no body; `html` is a proxy's page.
        headers: added to the HTTP answer, as in `{"Retry-After": "1"}`.
        times: serve this reply for that many requests only, then go on to the rule's next one; None: for ever.
        delay: seconds before the answer begins.
        first_delay: seconds between the answer's headers and the first piece of a stream.
        chunk_delay: seconds between two pieces of a streamed answer.

    Raises:
        ValueError: a value is unknown or out of range, or both `fault` and `status` are given.
    """

    text: str = ""
    tool_calls: Sequence[ToolCall] = ()
    usage: Tokens | None = None
    finish_reason: str | None = None
    fault: Fault | None = None
    status: int | None = None
    message: str = ""
    late: bool = False
    broken: Breakage | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int | None = None
    delay: float = 0.0
    first_delay: float = 0.0
    chunk_delay: float = 0.0

    def __post_init__(self) -> None:
        if self.status is not None and not 400 <= self.status <= 599:
            raise ValueError(f"a fault's status must be from 400 to 599, not {self.status}")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times must be at least 1, not {self.times}")
        if self.fault is not None and self.status is not None:
            raise ValueError("a reply must be given a fault or a status, not both")
        for name, value, known in (("fault", self.fault, _FAULTS), ("broken", self.broken, _BREAKAGES)):
            if value is not None and value not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, not {value!r}")

    @property
    def refuses(self) -> bool:
        """Whether this is a fault and no answer."""
        return self.fault is not None or self.status is not None

    @property
    def stops_early(self) -> bool:
        """Whether a stream ends after `text`, without what belongs at its end."""
        return self.broken is not None or (self.late and self.refuses)
