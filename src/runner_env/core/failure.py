"""Why a model, a harness or a provider could not answer."""

from __future__ import annotations

from enum import StrEnum


class FailureKind(StrEnum):
    """The class of a failed call. The values are published: programs compare them.

    The first ten are those of the skill-testing reference tool; `other` stands for a kind that a harness named and
    this table does not know. `refusal` and `truncated` are a model that declined, or was cut off at its token limit;
    `context_length` is a conversation that has become too long for it.
    """

    AUTH = "auth"
    RATE_LIMIT = "rate_limit"
    QUOTA = "quota"
    MODEL_NOT_FOUND = "model_not_found"
    OVERLOADED = "overloaded"
    TIMEOUT = "timeout"
    SPAWN = "spawn"
    PROTOCOL = "protocol"
    CONNECTION = "connection"
    OTHER = "other"
    REFUSAL = "refusal"
    TRUNCATED = "truncated"
    CONTEXT_LENGTH = "context_length"

    @property
    def transient(self) -> bool:
        """Whether the same call may well succeed a little later."""
        return self in {FailureKind.RATE_LIMIT, FailureKind.OVERLOADED, FailureKind.CONNECTION}
