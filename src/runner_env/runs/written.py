"""Each time that a contract was written or changed by others than its owners, until the record says it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from runner_env.evidence.rundir import RunDir
from runner_env.formats.canonical import canonical
from runner_env.formats.plain import plain
from runner_env.formats.record import AuthoringRecord, TurnRecord

if TYPE_CHECKING:
    from runner_env.authoring.authored import AttemptLog, Authored
    from runner_env.core import Finding
    from runner_env.execution.levels import Sandbox

EVENT = "authoring_kept"
"""The journal's event for each file that tells of it."""


@dataclass(slots=True)
class Written:
    """One time; the fields are those of `runner_env.formats.record.AuthoringRecord`.

    Attributes:
        told: all that is known of it, as JSON: its provenance.
    """

    purpose: Literal["scaffold", "repair"]
    author: Literal["rules", "agent"]
    told: Mapping[str, Any] = field(repr=False)
    files: tuple[str, ...] = ()
    accepted: bool | None = None
    reason: str = ""
    harness: str = ""
    model: str = ""
    turns: tuple[TurnRecord, ...] = ()
    duration_s: float = 0.0
    after: str = ""
    sandbox: str = ""
    fallback_reason: str = ""

    @property
    def provenance(self) -> dict[str, Any]:
        """What the provenance file says."""
        return {**self.told, "accepted": self.accepted}

    def as_bytes(self) -> bytes:
        """The provenance file."""
        return canonical(plain(self.provenance)) + b"\n"

    @property
    def name(self) -> str:
        """What the provenance file is called."""
        return f"{self.purpose}_provenance.json"


def keep(written: Iterable[Written], run_dir: RunDir) -> tuple[AuthoringRecord, ...]:
    """Store the provenance of each in the run directory, and say it in the words of the record.

    Raises:
        EvidenceError: the disk would not have it.
    """
    return tuple(_kept(number, one, run_dir) for number, one in enumerate(written, 1))


def written_by_agent(
    authored: Authored,
    reason: Finding | None,
    told: Mapping[str, Any],
    sandbox: Sandbox | None,
    *,
    duration_s: float,
    after: str,
) -> Written:
    """What came of asking an agent.

    Args:
        authored: its work.
        reason: why nothing came of it; None if something did.
        told: the provenance.
        sandbox: how the agent program was contained; None if that is not known, or it runs elsewhere.
        duration_s: seconds that all of it took.
        after: the run whose failure led to it.
    """
    return Written(
        purpose=authored.purpose.value,
        author="agent",
        told=told,
        files=tuple(sorted(authored.proposal.files)) if authored.proposal else (),
        reason=reason.message if reason else "",
        harness=authored.harness,
        model=authored.model,
        turns=tuple(map(_turn, authored.attempts)),
        duration_s=duration_s,
        after=after,
        sandbox=sandbox.level if sandbox else "",
        fallback_reason=sandbox.fallback_reason if sandbox else "",
    )


def read_written(stored: object) -> list[Written]:
    """What the journal of a run that is opened again says; nothing if it says nothing of the kind."""
    from pydantic import TypeAdapter

    return TypeAdapter(list[Written]).validate_python(stored or [])


def _kept(number: int, one: Written, run_dir: RunDir) -> AuthoringRecord:
    stored = run_dir.store_bytes(f"authoring/{number:02}_{one.name}", one.as_bytes())
    said = {field.name: getattr(one, field.name) for field in fields(one) if field.name != "told"}
    return AuthoringRecord(**said, provenance=stored.reference, sha256=stored.sha256)


def _turn(log: AttemptLog) -> TurnRecord:
    """A turn in the words of the record."""
    calls = None if log.events is None else sum(event.kind == "tool_call" for event in log.events)
    return TurnRecord(
        number=log.number,
        duration_s=log.duration_s,
        usage=log.usage,
        failure=log.failure_kind.value if log.failure_kind else "",
        tool_calls=calls,
        refused=tuple(one.path for one in log.refused),
        problems=tuple(one.code for one in log.problems),
    )
