"""What the journal of a stored run tells: how it was begun, what it finished, and what it was in the middle of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from runner_env.contract.model import StageName
from runner_env.errors import EvidenceError
from runner_env.evidence.places import plain_bytes
from runner_env.evidence.rundir import JOURNAL, RECORD
from runner_env.formats import journal
from runner_env.formats.journal import JournalEntry
from runner_env.formats.record import SEAL

AGAIN = frozenset({"run_resumed", "tidying_started"})
"""Events with which a lost run is opened again: whatever was under way before them was cut."""


@dataclass(frozen=True)
class History:
    """The entries of a journal, as questions about the run.

    Attributes:
        path: the run's directory.
        entries: every whole line, in order.
    """

    path: Path
    entries: tuple[JournalEntry, ...]

    @classmethod
    def read(cls, path: Path) -> History:
        """Read a run's journal.

        Raises:
            EvidenceError: it is missing, or not as it was written.
        """
        report = journal.verify(path / JOURNAL)
        if report.problems:
            first = report.problems[0]
            raise EvidenceError(first.code, first.message, where=first.where, hint=first.hint)
        return cls(path, tuple(journal.read(path / JOURNAL)))

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.path.name

    @cached_property
    def opening(self) -> Mapping[str, Any]:
        """What was said when the run began; empty if it was killed before that."""
        return next((entry.data for entry in self.entries if entry.event == "run_started"), {})

    @property
    def declared(self) -> frozenset[StageName]:
        """The stages that the contract files declared when the run began."""
        return frozenset(StageName(name) for name in self.opening.get("declared", ()))

    @property
    def calls(self) -> tuple[Mapping[str, Any], ...]:
        """What was said when each call began."""
        return tuple(entry.data for entry in self.entries if entry.event == "call_started")

    @property
    def attempts(self) -> int:
        """How often the run was opened."""
        return 1 + sum(entry.event in AGAIN for entry in self.entries)

    @property
    def sealed(self) -> bool:
        """Whether the journal ends with the seal on the record."""
        return bool(self.entries) and self.entries[-1].event == SEAL

    @property
    def ended(self) -> bool:
        """Whether the journal ends where the record was about to be written."""
        return bool(self.entries) and self.entries[-1].event == "run_ended"

    @property
    def any_command(self) -> bool:
        """Whether a command was started that was none of the teardown."""
        return self._last_effect() > 0

    @property
    def torn_down(self) -> bool:
        """Whether a teardown ran to a good end after the last other command was started."""
        ends = (
            entry.n
            for entry in self.entries
            if entry.event == "stage_ended" and entry.data["stage"] == StageName.DEPLOY_TEARDOWN and entry.data["ok"]
        )
        return max(ends, default=0) > self._last_effect()

    @property
    def stood_at(self) -> str:
        """The stage under way when the run was lost, or else the last one that ended; empty before the first."""
        at, tidying = "", False
        for entry in self.entries:
            if entry.event in AGAIN:
                tidying = entry.event == "tidying_started"
            elif entry.event in ("stage_started", "stage_ended") and not tidying:
                at = str(entry.data["stage"])
        return at

    @property
    def tidied(self) -> bool:
        """Whether what the run left was removed, and nothing was begun since."""
        last = next((e.event for e in reversed(self.entries) if e.event in AGAIN or e.event == "tidied"), "")
        return last == "tidied"

    def orphan_record(self) -> bytes | None:
        """The record that was written, but not sealed any more; None if there is none that belongs to the journal."""
        if not self.ended:
            return None
        try:
            data = plain_bytes(self.path / RECORD)
            stated = json.loads(data)
        except (OSError, ValueError):
            return None
        mine = isinstance(stated, dict) and stated.get("journal_head") == self.entries[-1].hash
        return data if mine else None

    def of(self, *events: str) -> Iterator[JournalEntry]:
        """The entries of these events."""
        return (entry for entry in self.entries if entry.event in events)

    def _last_effect(self) -> int:
        commands = (
            e.n for e in self.entries if e.event == "command_started" and e.data["stage"] != StageName.DEPLOY_TEARDOWN
        )
        return max(commands, default=0)


def seal_of(record: bytes) -> str:
    """What the seal says of a record."""
    return hashlib.sha256(record).hexdigest()
