"""One message of a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Who speaks."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Message:
    """One message, with the tool events that led to it.

    Attributes:
        role: who speaks.
        content: what was said.
        events: JSON objects as the harness reported them (`kind`, `name`, `input`, `output`, ...), oldest first;
            None: the provider reports no events, which is not the same as an empty list.
    """

    role: Role
    content: str
    events: tuple[Mapping[str, object], ...] | None = None

    @classmethod
    def user(cls, content: str) -> Message:
        """A message of the user."""
        return cls(Role.USER, content)

    @classmethod
    def assistant(cls, content: str, events: tuple[Mapping[str, object], ...] | None = None) -> Message:
        """A message of the assistant."""
        return cls(Role.ASSISTANT, content, events)

    def as_json(self) -> dict[str, object]:
        """`{role, content, events?}`, as in reports and in the provider protocol."""
        body: dict[str, object] = {"role": self.role.value, "content": self.content}
        if self.events is not None:
            body["events"] = [dict(event) for event in self.events]
        return body
