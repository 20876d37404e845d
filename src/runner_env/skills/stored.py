"""Trials of earlier runs, read from their evidence. What is not as it was recorded is not there."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, overload

from runner_env.core import Message, Role, Verdict
from runner_env.errors import EvidenceError, RunError
from runner_env.evidence.places import plain_bytes
from runner_env.evidence.rundir import JOURNAL, RECORD, RunDir
from runner_env.formats import journal
from runner_env.formats.record import SEAL
from runner_env.formats.skill import KIND, TRIAL_EVENT
from runner_env.providers.model import MockCall
from runner_env.skills.conversation import Conversation
from runner_env.skills.recording import Kept
from runner_env.skills.report import TrialReport

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic import TypeAdapter

_AGAIN = ("run_resumed", "tidying_started")


@dataclass(frozen=True, slots=True)
class StoredTrial:
    """A trial as it was kept; `calls` are those of the provider with their raw replies."""

    id: str
    case_sha256: str
    skill_sha256: str
    complete: bool
    report: TrialReport
    calls: tuple[dict[str, Any], ...]
    format: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What the journal says of a trial that ended."""

    kept: Kept
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class StoredRun:
    """An earlier run.

    Attributes:
        path: its directory.
        opening: what its journal said first.
        trials: its trials by id; of one that was run again the last.
        attempts: how often it was opened.
        over: whether its record is there.
    """

    path: Path
    opening: Mapping[str, Any]
    trials: Mapping[str, Entry]
    attempts: int
    over: bool

    @classmethod
    def read(cls, path: Path) -> StoredRun:
        """Read the journal of the run in `path`.

        Raises:
            RunError: it is no skill run, or it is going on.
            EvidenceError: the journal is not as it was written.
        """
        if RunDir.is_live(path):
            raise RunError("run_live", f"Run {path.name} is still going on.", hint="Wait until it ends, or stop it.")
        report = journal.verify(path / JOURNAL)
        if report.problems:
            first = report.problems[0]
            raise EvidenceError(first.code, first.message, where=first.where, hint=first.hint)
        opening: Mapping[str, Any] = {}
        trials: dict[str, Entry] = {}
        attempts, last = 1, ""
        for entry in journal.read(path / JOURNAL):
            data, last = entry.data, entry.event
            if entry.event == "run_started":
                opening = data
            elif entry.event in _AGAIN:
                attempts += 1
            elif entry.event == TRIAL_EVENT:
                kept = Kept(path, str(data["reference"]), str(data["sha256"]))
                trials[str(data["trial"])] = Entry(kept, Verdict(data["verdict"]))
        if opening.get("kind") != KIND:
            hint = "`runner-env resume` goes on with runs of a contract."
            raise RunError("not_a_skill_run", f"Run {path.name} is no skill run.", hint=hint)
        over = last == SEAL or (path / RECORD).exists()
        return cls(path, opening, trials, attempts, over)

    def scored(self, trial_id: str) -> tuple[Entry, bytes] | None:
        """A trial that was scored, with its file; None if there is none, or its file is not as it was recorded."""
        entry = self.trials.get(trial_id)
        if entry is None or entry.verdict is Verdict.UNSCORED:
            return None
        data = kept_bytes(entry.kept)
        return None if data is None else (entry, data)


class StoredTrials(Sequence[TrialReport]):
    """The trials of a report, each read from its file when it is asked for, so that memory is bounded."""

    def __init__(self, kept: Sequence[Kept]) -> None:
        self._kept = tuple(kept)

    def __len__(self) -> int:
        return len(self._kept)

    @overload
    def __getitem__(self, index: int) -> TrialReport: ...

    @overload
    def __getitem__(self, index: slice) -> StoredTrials: ...

    def __getitem__(self, index: int | slice) -> TrialReport | StoredTrials:
        if isinstance(index, slice):
            return StoredTrials(self._kept[index])
        return load_trial(self._kept[index]).report


def load_trial(kept: Kept) -> StoredTrial:
    """Read the file of a trial.

    Raises:
        EvidenceError: it is missing, or not as it was recorded.
    """
    data = kept_bytes(kept)
    if data is None:
        message = f"{kept.reference} of run {kept.run_dir.name} is missing or not as it was recorded."
        raise EvidenceError("evidence_changed", message, hint="Run it again.")
    return _adapter().validate_json(data)


def kept_bytes(kept: Kept) -> bytes | None:
    """What is in the file of a trial; None if it is missing or not as it was recorded."""
    try:
        data = plain_bytes(kept.run_dir / kept.reference)
    except OSError:
        return None
    return data if hashlib.sha256(data).hexdigest() == kept.sha256 else None


def conversation_of(report: TrialReport) -> Conversation:
    """The conversation that a trial came to the end of."""
    calls = report.mock_calls
    return Conversation(
        messages=[Message(Role(m.role), m.content, m.events) for m in report.transcript.messages],
        turns=report.turns,
        mock_calls=None if calls is None else [MockCall(c.tool, c.input, c.action, c.rule) for c in calls],
        history_command=report.history_command,
        complete=True,
    )


@cache
def _adapter() -> TypeAdapter[StoredTrial]:
    from pydantic import TypeAdapter

    return TypeAdapter(StoredTrial)
