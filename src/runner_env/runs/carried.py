"""What an earlier attempt at a run finished, as the journal has it, for the attempt that goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from runner_env.contract.model import CommandSpec, StageName
from runner_env.core import Capture, Ending, Finding, Outcome, Span, Verdict, Where
from runner_env.evidence.rundir import StoredFile
from runner_env.formats.journal import JournalEntry
from runner_env.pipeline.tracing import Trace
from runner_env.pipeline.values import CommandRun, StageRun
from runner_env.runs.history import AGAIN, History
from runner_env.verification import Aside, Claim


@dataclass(frozen=True, slots=True)
class Finished:
    """A stage that ended, with all that came of it.

    Attributes:
        run: as it was executed.
        claims: the files it handed in.
    """

    run: StageRun
    claims: tuple[Claim, ...]


@dataclass(slots=True)
class _Open:
    """A stage whose end was not read yet."""

    started_at: str
    commands: list[CommandRun] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)


def finished_stages(history: History) -> dict[StageName, Finished]:
    """The stages that ended, each as it ended last; one that was cut is not among them."""
    reader = _Reader()
    for entry in history.entries:
        reader.take(entry)
    return {stage: replace(one, run=reader.with_outputs(one.run)) for stage, one in reader.finished.items()}


def skipped_stages(history: History) -> dict[StageName, str]:
    """The stages that turned out to have nothing to do, and why."""
    return {StageName(e.data["stage"]): str(e.data["reason"]) for e in history.of("stage_skipped")}


def asides(history: History) -> dict[StageName, tuple[Aside, ...]]:
    """What was put aside, by stage."""
    found: dict[StageName, tuple[Aside, ...]] = {}
    for entry in history.of("set_aside"):
        values = dict(entry.data)
        stage = StageName(values.pop("stage"))
        found[stage] = (*found.get(stage, ()), Aside(**values))
    return found


def findings_of(values: Iterable[Mapping[str, Any]]) -> tuple[Finding, ...]:
    """Findings as the journal has them."""
    return tuple(_finding(value) for value in values)


class _Reader:
    """Follows a journal entry by entry."""

    def __init__(self) -> None:
        self.finished: dict[StageName, Finished] = {}
        self._open: dict[StageName, _Open] = {}
        self._outputs: dict[str, Capture] = {}
        self._traces: dict[str, Trace] = {}
        self._merged: dict[str, StoredFile] = {}
        self._takes: dict[str, Callable[[JournalEntry, Mapping[str, Any]], None]] = {
            "stage_started": self._stage_started,
            "command_started": self._command_started,
            "command_ended": self._command_ended,
            "output_recorded": self._output_recorded,
            "claim": self._claim,
            "stage_ended": self._stage_ended,
        }

    def take(self, entry: JournalEntry) -> None:
        if entry.event in AGAIN:
            self._open.clear()
        if entry.event in self._takes:
            self._takes[entry.event](entry, entry.data)

    def with_outputs(self, run: StageRun) -> StageRun:
        """The stage with what is known of its output; services that were lost have never closed theirs."""
        commands = tuple(
            replace(
                one,
                stdout=self._outputs.get(one.stdout.reference, one.stdout),
                stderr=self._outputs.get(one.stderr.reference, one.stderr),
                trace=self._traces.get(one.stdout.reference),
                merged=self._merged.get(one.stdout.reference),
            )
            for one in run.commands
        )
        return replace(run, commands=commands)

    def _stage_started(self, entry: JournalEntry, data: Mapping[str, Any]) -> None:
        self._open.setdefault(StageName(data["stage"]), _Open(entry.at))

    def _command_started(self, entry: JournalEntry, data: Mapping[str, Any]) -> None:  # noqa: ARG002
        outcome = Outcome(Ending.LOST, None, 0.0)
        command = CommandSpec(data["command"], Where(**data["where"]))
        stdout, stderr = (Capture(data[name], 0, 0, 0, "") for name in ("stdout", "stderr"))
        run = CommandRun(data["number"], data["attempt"], command, outcome, stdout, stderr)
        self._open[StageName(data["stage"])].commands.append(run)

    def _command_ended(self, entry: JournalEntry, data: Mapping[str, Any]) -> None:  # noqa: ARG002
        commands = self._open[StageName(data["stage"])].commands
        told = {item.name: data[item.name] for item in fields(Outcome) if item.name in data}
        outcome = Outcome(**{**told, "ending": Ending(data["ending"])})
        commands[-1] = replace(commands[-1], outcome=outcome)

    def _output_recorded(self, entry: JournalEntry, data: Mapping[str, Any]) -> None:  # noqa: ARG002
        for stream in ("stdout", "stderr"):
            capture = Capture(**data[stream])
            self._outputs[capture.reference] = capture
        if data["trace"]:
            self._traces[data["stdout"]["reference"]] = Trace(**data["trace"])
        if data["merged"]:
            self._merged[data["stdout"]["reference"]] = StoredFile(**data["merged"])

    def _claim(self, entry: JournalEntry, data: Mapping[str, Any]) -> None:  # noqa: ARG002
        values = dict(data)
        opened = self._open.get(StageName(values.pop("stage")))
        if opened is not None:
            opened.claims.append(Claim(**values))

    def _stage_ended(self, entry: JournalEntry, data: Mapping[str, Any]) -> None:
        stage = StageName(data["stage"])
        opened = self._open.pop(stage, None) or _Open(entry.at)
        run = StageRun(
            stage=stage,
            commands=tuple(opened.commands),
            findings=findings_of(data["findings"]),
            started_at=opened.started_at,
            duration_s=data["duration_s"],
            ended=data["ended"],
            kept=data["kept"],
            unobserved=data["unobserved"],
        )
        self.finished[stage] = Finished(run, tuple(opened.claims))


def _finding(value: Mapping[str, Any]) -> Finding:
    return Finding(
        code=value["code"],
        message=value["message"],
        where=Where(**value["where"]) if value["where"] else None,
        hint=value["hint"],
        evidence=tuple(Span(**span) for span in value["evidence"]),
        verdict=Verdict(value["verdict"]),
        stage=value["stage"],
    )
