"""Run one stage: its commands in order, each with its retries, inside its limits, recorded before it is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from runner_env.contract.model import CommandSpec, StageName, StageSpec
from runner_env.core import Ambient, Capture, Ending, Finding, Outcome, Span, Verdict
from runner_env.errors import TargetError
from runner_env.evidence.capture import CaptureFile
from runner_env.evidence.publish import Publisher
from runner_env.evidence.rundir import RunDir
from runner_env.execution import Box, Cancel, Limits, Request, Sink, StageScope
from runner_env.execution.policy import Policy
from runner_env.pipeline.limits import Allowance, TimeLimits
from runner_env.pipeline.values import CommandRun, StageRun
from runner_env.targets.inside import resolve_inside
from runner_env.text.masking import Masker

_TAIL_BYTES = 4000
_SHELL = ("/bin/sh", "-c")
_NOT_RETRIED = frozenset({Ending.REFUSED, Ending.CANCELLED, Ending.LOST})


@dataclass(frozen=True, slots=True)
class StageContext:
    """What every stage of one run shares.

    Attributes:
        root: the workspace, absolute and resolved.
        box: where commands run.
        cancel: tells the run to stop.
        run_dir: where the evidence goes.
        masker: hides secrets in what is recorded.
        policy: the lint on commands.
        limits: time.
        ambient: clock and identifiers.
        publisher: the copy under `.aider_fsm/artifacts/`.
    """

    root: Path
    box: Box
    cancel: Cancel
    run_dir: RunDir
    masker: Masker
    policy: Policy
    limits: TimeLimits
    ambient: Ambient
    publisher: Publisher


@dataclass(frozen=True, slots=True)
class _Stream:
    """One output stream that is being recorded."""

    file: CaptureFile
    path: Path
    reference: str

    @classmethod
    def open(cls, run_dir: RunDir, reference: str, masker: Masker) -> _Stream:
        return cls(run_dir.capture(reference, masker=masker), run_dir.path / reference, reference)

    def tail(self) -> tuple[Span, ...]:
        _, start, end = self.file.tail(_TAIL_BYTES)
        return (Span(self.reference, start, end),) if end > start else ()

    def so_far(self) -> Capture:
        return Capture(self.reference, self.file.total, 0, 0, "")


@dataclass(frozen=True, slots=True)
class _Tried:
    """An attempt, its command as it may be shown; what it left running may still write."""

    number: int
    attempt: int
    command: CommandSpec
    outcome: Outcome
    stdout: _Stream
    stderr: _Stream

    def so_far(self) -> CommandRun:
        return CommandRun(
            self.number, self.attempt, self.command, self.outcome, self.stdout.so_far(), self.stderr.so_far()
        )

    def seal(self) -> CommandRun:
        return CommandRun(
            self.number, self.attempt, self.command, self.outcome, self.stdout.file.close(), self.stderr.file.close()
        )


@dataclass(slots=True)
class RunningStage:
    """A stage whose commands have ended; services it keeps may still be writing.

    Attributes:
        run: the stage as far as it is known.
    """

    run: StageRun
    _tried: tuple[_Tried, ...] = ()
    _sealed: bool = False

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
        return RunningStage(run, (*self._tried, *later._tried))

    def seal(self) -> None:
        """Close the captures; call it once nothing of the stage is alive any more."""
        if not self._sealed:
            self._sealed = True
            commands = tuple(tried.seal() for tried in self._tried)
            self.run = replace(self.run, commands=commands).having(*_capture_findings(self.run.stage, commands))


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

    def run(self, spec: StageSpec, environment: Callable[[], Mapping[str, str]], *, keep: bool = False) -> RunningStage:
        """Run one stage.

        Args:
            spec: what the contract declares.
            environment: makes the variables for the next command.
            keep: whether what is alive at a good end stays until the run ends.
        """
        context = self._context
        context.run_dir.journal.note("stage_started", stage=spec.name, keep=keep, commands=len(spec.commands))
        started_at, started = context.ambient.timestamp(), context.ambient.monotonic()
        try:
            cwd = resolve_inside(context.root, spec.workdir or ".")
        except TargetError as error:
            return self._unusable_workdir(spec, error, started_at)
        tried: list[_Tried] = []
        findings: list[Finding] = []
        with context.box.stage(spec.name.value, keep=keep, cancel=context.cancel) as scope:
            for number, command in enumerate(spec.commands, start=1):
                attempts = _Attempts(context, self._folder, spec, scope, cwd, started)
                tried += attempts.run(number, command, environment)
                if not tried[-1].outcome.ok:
                    findings.append(_finding(spec.name, tried[-1]))
                    break
            end = scope.end(keep=keep and not findings)
        stage_run = StageRun(
            stage=spec.name,
            commands=tuple(one.so_far() for one in tried),
            findings=tuple(findings),
            started_at=started_at,
            duration_s=context.ambient.monotonic() - started,
            ended=end.killed,
            kept=end.kept,
        )
        running = RunningStage(stage_run, tuple(tried))
        if not end.kept:
            running.seal()
        self._publish(running, tried)
        return running

    def _unusable_workdir(self, spec: StageSpec, error: TargetError, started_at: str) -> RunningStage:
        message = f"The working directory of stage {spec.name} cannot be used: {error.message}"
        hint = error.hint or "Name a folder of the repository that exists when the stage begins."
        finding = Finding("workdir_unusable", message, where=spec.where, hint=hint, stage=spec.name)
        self._context.publisher.text(f"{spec.name}_workdir_error.txt", f"{finding}\n")
        self._context.publisher.summary(spec.name, ok=False, failed_index=None, total_results=0, findings=(finding,))
        return RunningStage(StageRun(spec.name, (), (finding,), started_at, 0.0))

    def _publish(self, running: RunningStage, tried: list[_Tried]) -> None:
        publisher = self._context.publisher
        for one in tried:
            publisher.command(
                running.run.stage,
                one.number,
                one.attempt,
                text=one.command.text,
                stdout=one.stdout.path,
                stderr=one.stderr.path,
                outcome=one.outcome,
            )
        failed = len(tried) - 1 if tried and not tried[-1].outcome.ok else None
        publisher.summary(
            running.run.stage,
            ok=running.run.ok,
            failed_index=failed,
            total_results=len(tried),
            findings=running.run.findings,
        )


@dataclass(frozen=True, slots=True)
class _Attempts:
    """The attempts at one command."""

    context: StageContext
    folder: str
    spec: StageSpec
    scope: StageScope
    cwd: Path
    stage_started: float

    def run(self, number: int, command: CommandSpec, environment: Callable[[], Mapping[str, str]]) -> list[_Tried]:
        """Try `command` until it succeeds, its retries are used up, or another try makes no sense."""
        tried = []
        for attempt in range(1, self.spec.retries + 2):
            tried.append(self._once(number, attempt, command, environment()))
            if tried[-1].outcome.ok or tried[-1].outcome.ending in _NOT_RETRIED or self._allowance().seconds <= 0:
                break
        return tried

    def _allowance(self) -> Allowance:
        return self.context.limits.allowance(self.spec, self.stage_started)

    def _once(self, number: int, attempt: int, command: CommandSpec, env: Mapping[str, str]) -> _Tried:
        run_dir, masker = self.context.run_dir, self.context.masker
        stem = f"{self.folder}/{self.spec.name}_cmd{number:02}_try{attempt:02}"
        stdout = _Stream.open(run_dir, f"{stem}_stdout.txt", masker)
        stderr = _Stream.open(run_dir, f"{stem}_stderr.txt", masker)
        allowance = self._allowance()
        shown = replace(command, text=masker.text(command.text))
        run_dir.journal.append(
            "command_started",
            stage=self.spec.name,
            number=number,
            attempt=attempt,
            command=shown.text,
            cwd=str(self.cwd),
            timeout_s=allowance.seconds,
        )
        outcome = (
            self._refused(command)
            or self._exhausted(allowance)
            or self._execute(command, env, allowance, (stdout.file, stderr.file))
        )
        outcome = replace(outcome, reason=masker.text(outcome.reason))
        if outcome.reason:
            stderr.file.write(f"{outcome.reason}\n".encode())
        run_dir.journal.append(
            "command_ended", stage=self.spec.name, number=number, attempt=attempt, ending=outcome.ending,
            exit_code=outcome.exit_code, duration_s=outcome.duration_s, cpu_s=outcome.cpu_s,
            max_rss_kib=outcome.max_rss_kib, reason=outcome.reason,
        )  # fmt: skip
        return _Tried(number, attempt, shown, outcome, stdout, stderr)

    def _refused(self, command: CommandSpec) -> Outcome | None:
        refusal = self.context.policy.check(command.text, cwd=self.cwd, root=self.context.root, env=self.spec.env)
        if refusal is None:
            return None
        place = f"{refusal.where}: " if refusal.where else ""
        return Outcome(Ending.REFUSED, 126, 0.0, reason=f"{refusal.code}: {place}{refusal.message}")

    def _exhausted(self, allowance: Allowance) -> Outcome | None:
        if allowance.seconds > 0:
            return None
        return Outcome(Ending.TIMED_OUT, 124, 0.0, reason=allowance.reason)

    def _execute(
        self,
        command: CommandSpec,
        env: Mapping[str, str],
        allowance: Allowance,
        sinks: tuple[Sink, Sink],
    ) -> Outcome:
        request = Request((*_SHELL, command.text), self.cwd, env, Limits(timeout_s=allowance.seconds))
        outcome = self.scope.run(request, *sinks)
        return replace(outcome, reason=allowance.reason) if outcome.ending is Ending.TIMED_OUT else outcome


def _finding(stage: StageName, tried: _Tried) -> Finding:
    outcome, text = tried.outcome, _short(tried.command.text)
    code, message, hint, verdict = {
        Ending.EXITED: (
            "command_failed",
            f"`{text}` ended with exit code {outcome.exit_code}.",
            "Its output is in the evidence below.",
            Verdict.FAILED,
        ),
        Ending.SIGNALLED: (
            "command_killed",
            f"`{text}` was killed by signal {(outcome.exit_code or 128) - 128}.",
            "Was it out of memory, or did it crash? Its output is in the evidence below.",
            Verdict.FAILED,
        ),
        Ending.TIMED_OUT: (
            "command_timed_out",
            f"`{text}` was ended after {outcome.duration_s:.1f} s ({outcome.reason}).",
            "Make it faster or raise the limit that is named.",
            Verdict.FAILED,
        ),
        Ending.REFUSED: (
            "command_refused",
            f"`{text}` was not executed ({outcome.reason}).",
            "Change the command, or the lists and the mode in the contract's `security` section.",
            Verdict.FAILED,
        ),
        Ending.CANCELLED: (
            "interrupted",
            f"`{text}` was ended because the run was told to stop ({outcome.reason}).",
            "Run it again.",
            Verdict.UNSCORED,
        ),
        Ending.LOST: (
            "box_lost",
            f"The process that watches over `{text}` disappeared, so its outcome is unknown.",
            "Something ended the runner's own keeper; run it again.",
            Verdict.UNSCORED,
        ),
    }[outcome.ending]
    spans = (*tried.stdout.tail(), *tried.stderr.tail())
    return Finding(code, message, tried.command.where, hint, spans, verdict, stage.value)


def _capture_findings(stage: StageName, commands: tuple[CommandRun, ...]) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            "output_not_recorded",
            f"The output of `{_short(run.command.text)}` could not be recorded: {capture.error}",
            where=run.command.where,
            hint="Make room on the disk that holds RUNNER_ENV_HOME, then run it again.",
            verdict=Verdict.UNSCORED,
            stage=stage.value,
        )
        for run in commands
        for capture in (run.stdout, run.stderr)
        if capture.error
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 100 else line[:97] + "..."
