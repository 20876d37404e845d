"""Who wrote a contract: `scaffold_provenance.json` and `repair_provenance.json`.

Format `runner-env/provenance@1` (our own). It names every file of the contract as it was before and as it is after, by
SHA-256, and who is the author of what it is now. What agents are said to have done and to have consumed is what their
programs report. Its JSON Schema is `schemas/provenance.schema.json`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from runner_env.core import FailureKind, Finding, Usage

FORMAT: Final = "runner-env/provenance@1"

Author = Literal["repository", "rules", "agent", "other"]
"""`repository`: it was there before and was not changed; `other`: it was changed by neither rules nor agent."""


@dataclass(frozen=True, slots=True)
class ContractFile:
    """One file of a contract.

    Attributes:
        path: POSIX, relative to the repository.
        status: what became of it.
        author: of what it is now, or of its removal.
        before: SHA-256 of what it was; None if it was not there.
        after: SHA-256 of what it is; None if it is not there.
    """

    path: str
    status: Literal["created", "modified", "deleted", "unchanged"]
    author: Author
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class RulesAuthor:
    """What a contract by rules was made from.

    Attributes:
        command: the evaluation's command.
        stated: the same as it stands in the repository.
        source: `path:line` of where it stands.
        amended: what was changed after a run, oldest first.
    """

    command: str
    stated: str
    source: str
    amended: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolCall:
    """Something that an agent did, as its harness reports it; clipped, secrets masked.

    Attributes:
        kind: message or tool_call.
        name: of the tool.
        status: as the harness puts it: `completed`, `error`, or empty.
        input: what the tool was called with, as JSON.
        output: what it gave back, or the text of a message.
    """

    kind: Literal["message", "tool_call"]
    name: str
    status: str
    input: str
    output: str


@dataclass(frozen=True, slots=True)
class RefusedChange:
    """A change that was not taken over: its path, and why, as a stable code and in words."""

    path: str
    code: str
    why: str


@dataclass(frozen=True, slots=True)
class AgentTurn:
    """One turn.

    Attributes:
        round: how often an agent was asked before and with this, from 1; between two rounds the contract was run.
        number: of the turn in its round, from 1.
        session: the harness's handle of the conversation.
        prompt_sha256: of what the agent was sent.
        prompt_chars: its length.
        duration_s: seconds.
        text: what it said last; clipped, secrets masked.
        events: what it did; None: its harness does not report it.
        usage: of this turn.
        retries: calls to the model that were repeated.
        changed: files of the contract that differed from the target's afterwards.
        refused: what it changed beyond them, and was undone.
        problems: of the contract as it was then.
        failure_kind: why it was no usable turn; None if it was one.
        failure: the same in words.
    """

    round: int
    number: int
    session: str
    prompt_sha256: str
    prompt_chars: int
    duration_s: float
    text: str
    events: tuple[ToolCall, ...] | None
    usage: Usage
    retries: int
    changed: tuple[str, ...]
    refused: tuple[RefusedChange, ...]
    problems: tuple[Finding, ...]
    failure_kind: FailureKind | None
    failure: str


@dataclass(frozen=True, slots=True)
class AgentAuthor:
    """The agent that was asked.

    Attributes:
        harness: its program, as `--harness` names it.
        versions: of the programs behind it.
        model: that was asked for; empty: the harness's own choice.
        turns: oldest first.
        usage: of all turns.
        duration_s: seconds of all turns.
        reason: why there was no proposal in the last round; None if there was one.
    """

    harness: str
    versions: dict[str, str]
    model: str
    turns: tuple[AgentTurn, ...]
    usage: Usage
    duration_s: float
    reason: Finding | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a contract comes from.

    Attributes:
        purpose: scaffold or repair.
        author: who was at work: rules or an agent.
        accepted: whether the contract was kept; None while that is open.
        files: of the contract, sorted by path.
        written_by: how many of them each has written or removed; the runner never does, so its count is 0.
        rules: what rules made it from.
        agent: how the agent went about it.
    """

    purpose: Literal["scaffold", "repair"]
    author: Literal["rules", "agent"]
    accepted: bool | None
    files: tuple[ContractFile, ...]
    written_by: dict[Literal["rules", "agent", "other", "runner"], int]
    rules: RulesAuthor | None = None
    agent: AgentAuthor | None = None
    format: Literal["runner-env/provenance@1"] = field(default=FORMAT)


def provenance_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a provenance file."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(Provenance).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": FORMAT, **schema}
