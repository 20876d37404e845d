"""Run one stage: its commands in order, each with its retries, inside its limits, recorded before it is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from runner_env.contract.model import StageSpec
from runner_env.core import Ending, Finding
from runner_env.errors import EvidenceError, TargetError
from runner_env.evidence.journal import Journal
from runner_env.formats.plain import plain
from runner_env.pipeline.attempts import Attempts, Tried, not_started
from runner_env.pipeline.blame import (
    at_file_limit,
    cut_output,
    ended_badly,
    not_recorded,
    not_written,
    stopped_late,
    unusable_workdir,
)
from runner_env.pipeline.context import StageContext
from runner_env.pipeline.values import StageRun
from runner_env.targets.inside import resolve_inside


@dataclass(slots=True)
class RunningStage:
    """A stage whose commands have ended; services it keeps may still be writing.

    Attributes:
        run: the stage as far as it is known.
    """

    run: StageRun
    _open: Mapping[int, Tried] = field(default_factory=dict)
    """The attempts whose captures are not closed yet, by their place in the stage."""
    _stopped: Callable[[], tuple[Finding, ...]] = tuple
    """What is said until now about limits that what commands left running exceeded."""

    def joined(self, later: RunningStage) -> RunningStage:
        """This stage and a later part of it as one."""
        first, second = self.run, later.run
        run = replace(
            first,
            commands=(*first.commands, *second.commands),
            findings=(*first.findings, *second.findings),
            duration_s=first.duration_s + second.duration_s,
            ended=first.ended + second.ended,
            kept=first.kept + second.kept,
        )
        moved = {len(first.commands) + place: tried for place, tried in later._open.items()}
        return RunningStage(run, {**self._open, **moved}, lambda: (*self._stopped(), *later._stopped()))

    def seal(self, journal: Journal) -> None:
        """Close the captures and note what is in them; call it once nothing of the stage is alive any more."""
        sealed = {place: tried.seal() for place, tried in self._open.items()}
        self._open = {}
        commands = tuple(sealed.get(place, run) for place, run in enumerate(self.run.commands))
        stage = self.run.stage
        late = (found for found in self._stopped() if found not in self.run.findings)
        findings = (*late, *not_recorded(stage, sealed.values()), *cut_output(stage, sealed.values()))
        self.run = replace(self.run, commands=commands).having(*findings)
        for run in sealed.values():
            journal.note(
                "output_recorded",
                stage=self.run.stage,
                number=run.number,
                attempt=run.attempt,
                stdout=plain(run.stdout),
                stderr=plain(run.stderr),
                trace=plain(run.trace),
                merged=plain(run.merged),
            )


def _has_result(spec: StageSpec, tried: Tried) -> bool:
    """Whether an attempt is that of the stage's hint, and ended by itself: its output says what that means."""
    is_hint = spec.hint is not None and tried.number == len(spec.commands)
    return is_hint and tried.outcome.ending is Ending.EXITED and not not_started(tried.outcome)


class StageRunner:
    """Runs the stages of one run, one after the other."""

    def __init__(self, context: StageContext, folder: str) -> None:
        """Prepare to run stages.

        Args:
            context: what they share.
            folder: where captures go, POSIX, relative to the run directory.
        """
        self._context = context
        self._folder = folder

    def run(
        self,
        spec: StageSpec,
        environment: Callable[[], Mapping[str, str]],
        *,
        keep: bool = False,
        judge: Callable[[StageRun], tuple[Finding, ...]] | None = None,
    ) -> RunningStage:
        """Run one stage.

        Args:
            spec: what the contract declares.
            environment: makes the variables for the next command.
            keep: whether what is alive at a good end stays until the run ends.
            judge: says what the output of the stage's hint is worth, once nothing of the stage is alive; then the
                hint's exit code alone does not make the stage fail.
        """
        context = self._context
        context.run_dir.journal.note("stage_started", stage=spec.name, keep=keep, commands=len(spec.commands))
        started_at, started = context.ambient.timestamp(), context.ambient.monotonic()
        try:
            cwd = resolve_inside(context.root, spec.workdir or ".")
        except TargetError as error:
            return self._unusable_workdir(spec, error, started_at)
        tried: list[Tried] = []
        unobserved = context.resources.unobserved or context.box.unobservable()
        with ExitStack() as on_error:
            with context.box.stage(spec.name.value, keep=keep, cancel=context.cancel) as scope:
                attempts = Attempts(context, self._folder, spec, scope, cwd, started, on_error, not unobserved)
                for number, command in enumerate(spec.commands, start=1):
                    tried += attempts.run(number, command, environment)
                    if not tried[-1].outcome.ok:
                        break
                failed = [one for one in tried[-1:] if not one.outcome.ok]
                end = scope.end(keep=keep and not failed)
            on_error.pop_all()

        def stopped() -> tuple[Finding, ...]:
            return stopped_late(spec, scope.stopped)

        stage_run = StageRun(
            stage=spec.name,
            commands=tuple(one.so_far() for one in tried),
            findings=(
                *(ended_badly(spec.name, one) for one in failed if not (judge and _has_result(spec, one))),
                *stopped(),
                *(note for one in failed for note in at_file_limit(spec.name, one, context.resources.open_files)),
            ),
            started_at=started_at,
            duration_s=context.ambient.monotonic() - started,
            ended=end.killed,
            kept=end.kept,
            unobserved=unobserved,
        )
        running = RunningStage(stage_run, dict(enumerate(tried)), stopped)
        if not end.kept:
            running.seal(context.run_dir.journal)
        if judge:
            running.run = running.run.having(*judge(running.run))
        self._publish(running, tried)
        return running

    def _unusable_workdir(self, spec: StageSpec, error: TargetError, started_at: str) -> RunningStage:
        finding = unusable_workdir(spec, error)
        self._context.publisher.text(f"{spec.name}_workdir_error.txt", f"{finding}\n")
        running = RunningStage(StageRun(spec.name, (), (finding,), started_at, 0.0))
        self._publish(running, ())
        return running

    def _publish(self, running: RunningStage, tried: Sequence[Tried]) -> None:
        """Publish a stage that has run; where that fails the stage is not lost, and is unscored."""
        publisher, run = self._context.publisher, running.run
        try:
            for one in tried:
                publisher.command(
                    run.stage,
                    one.number,
                    one.attempt,
                    text=one.command.text,
                    stdout=one.stdout.path,
                    stderr=one.stderr.path,
                    outcome=one.outcome,
                )
            publisher.summary(
                run.stage,
                ok=run.ok,
                failed_index=run.failed_index,
                total_results=len(run.commands),
                findings=run.findings,
            )
        except EvidenceError as error:
            running.run = run.having(not_written(run.stage, error))
