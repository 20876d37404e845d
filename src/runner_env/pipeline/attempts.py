"""The attempts at one command: inside its limits, recorded before it starts and after it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from runner_env.contract.model import CommandSpec, StageName, StageSpec
from runner_env.core import Capture, Ending, Outcome, Span
from runner_env.evidence.capture import CaptureFile
from runner_env.evidence.merged import SUFFIX, Arrivals
from runner_env.evidence.rundir import RunDir, StoredFile
from runner_env.execution import NOT_STARTED, Observation, Request, StageScope
from runner_env.formats.plain import plain
from runner_env.formats.trace import TraceHeader
from runner_env.pipeline.context import StageContext
from runner_env.pipeline.limits import Allowance
from runner_env.pipeline.tracing import TraceFile
from runner_env.pipeline.values import CommandRun
from runner_env.text.masking import Masker

SHELL = ("/bin/sh", "-c")
"""What a command line is handed to."""

_TAIL_BYTES = 4000
_NOT_RETRIED = frozenset({Ending.REFUSED, Ending.CANCELLED, Ending.LOST, Ending.LIMITED})


def not_started(outcome: Outcome) -> bool:
    """Whether the system would not even start the command, as one with an environment that is too large."""
    return outcome.ending is Ending.EXITED and outcome.reason.startswith(NOT_STARTED)


@dataclass(frozen=True, slots=True)
class Stream:
    """One output stream that is being recorded.

    Attributes:
        file: takes its bytes.
        path: where they are stored.
        reference: that place, POSIX, relative to the run directory.
    """

    file: CaptureFile
    path: Path
    reference: str

    @classmethod
    def open(cls, run_dir: RunDir, reference: str, masker: Masker, limit_bytes: int) -> Stream:
        """Begin to record."""
        file = run_dir.capture(reference, masker=masker, limit_bytes=limit_bytes)
        return cls(file, file.path, file.reference)

    def tail(self) -> tuple[Span, ...]:
        """The end of what was recorded so far; nothing if that is nothing."""
        _, start, end = self.file.tail(_TAIL_BYTES)
        return (Span(self.reference, start, end),) if end > start else ()

    def ends_with(self, words: bytes) -> bool:
        """Whether its end so far contains these words."""
        return words in self.file.tail(_TAIL_BYTES)[0]

    def so_far(self) -> Capture:
        """The stream as far as it is known while it may still be written to."""
        return Capture(self.reference, self.file.total, 0, 0, "")


@dataclass(frozen=True, slots=True)
class Order:
    """In which order the output of an attempt arrives.

    Attributes:
        run_dir: keeps it.
        name: as this.
        arrivals: what is known.
    """

    run_dir: RunDir
    name: str
    arrivals: Arrivals

    @classmethod
    def of(cls, run_dir: RunDir, name: str, streams: tuple[Stream, Stream]) -> Order:
        """Begin to watch two streams."""
        arrivals = Arrivals()
        for number, stream in enumerate(streams):
            stream.file.arrived = partial(arrivals.note, number)
        return cls(run_dir, name, arrivals)

    def keep(self, streams: tuple[Stream, Stream]) -> StoredFile | None:
        """Keep the index of two closed streams, if both have something."""
        index = self.arrivals.index((streams[0].file, streams[1].file))
        return None if index is None else self.run_dir.store_bytes(self.name, index, sync=False)


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt, its command as it may be shown; what it left running may still write."""

    number: int
    attempt: int
    command: CommandSpec
    outcome: Outcome
    stdout: Stream
    stderr: Stream
    order: Order
    trace: TraceFile | None = None

    def so_far(self) -> CommandRun:
        """The attempt while its output may still grow."""
        captures = (self.stdout.so_far(), self.stderr.so_far())
        trace = self.trace.so_far() if self.trace else None
        return CommandRun(self.number, self.attempt, self.command, self.outcome, *captures, trace)

    def seal(self) -> CommandRun:
        """Close its captures; the attempt as it stays."""
        captures = (self.stdout.file.close(), self.stderr.file.close())
        trace = self.trace.close() if self.trace else None
        merged = None if any(capture.error for capture in captures) else self.order.keep((self.stdout, self.stderr))
        return CommandRun(self.number, self.attempt, self.command, self.outcome, *captures, trace, merged)


@dataclass(frozen=True, slots=True)
class Attempts:
    """Tries commands of one stage.

    Attributes:
        context: what every stage of the run shares.
        folder: where captures go, POSIX, relative to the run directory.
        spec: the stage.
        scope: where its commands run.
        cwd: their working directory.
        stage_started: when the stage began, on the monotonic clock.
        on_error: is given what closes each capture, for a stage that breaks off.
        observed: whether it is recorded which programs they execute.
    """

    context: StageContext
    folder: str
    spec: StageSpec
    scope: StageScope
    cwd: Path
    stage_started: float
    on_error: ExitStack
    observed: bool

    def run(self, number: int, command: CommandSpec, environment: Callable[[], Mapping[str, str]]) -> list[Tried]:
        """Try `command` until it succeeds, its retries are used up, or another try makes no sense."""
        tried = []
        retries = 0 if command is self.spec.hint else self.spec.retries  # tests are not run until they pass
        for attempt in range(1, retries + 2):
            tried.append(self._once(number, attempt, command, environment()))
            outcome = tried[-1].outcome
            if outcome.ok or outcome.ending in _NOT_RETRIED or not_started(outcome) or self._allowance().seconds <= 0:
                break
        return tried

    def _allowance(self) -> Allowance:
        return self.context.limits.allowance(self.spec, self.stage_started)

    def _once(self, number: int, attempt: int, command: CommandSpec, env: Mapping[str, str]) -> Tried:
        run_dir, masker = self.context.run_dir, self.context.masker
        stem = f"{self.folder}/{self.spec.name}_cmd{number:02}_try{attempt:02}"
        stdout, stderr = (self._recorded(f"{stem}_{name}.txt") for name in ("stdout", "stderr"))
        allowance = self._allowance()
        shown = replace(command, text=masker.text(command.text))
        run_dir.journal.append(
            "command_started",
            stage=self.spec.name,
            number=number,
            attempt=attempt,
            command=shown.text,
            where=plain(command.where),
            cwd=str(self.cwd),
            timeout_s=allowance.seconds,
            stdout=stdout.reference,
            stderr=stderr.reference,
        )
        order = Order.of(run_dir, f"{stem}{SUFFIX}", (stdout, stderr))
        tried = Tried(number, attempt, shown, Outcome(Ending.LOST, None, 0.0), stdout, stderr, order)
        outcome = self._refused(command) or self._exhausted(allowance)
        if outcome is None:
            tried = replace(tried, trace=self._trace(tried, stem))
            outcome = self._execute(command, env, allowance, tried)
        outcome = replace(outcome, reason=masker.text(outcome.reason))
        if outcome.reason and not not_started(outcome):  # that has been said by who tried to start it
            stderr.file.write(f"{outcome.reason}\n".encode())
        run_dir.journal.note(
            "command_ended", stage=self.spec.name, number=number, attempt=attempt, ending=outcome.ending,
            exit_code=outcome.exit_code, duration_s=outcome.duration_s, cpu_s=outcome.cpu_s,
            max_rss_kib=outcome.max_rss_kib, reason=outcome.reason,
        )  # fmt: skip
        return replace(tried, outcome=outcome)

    def _recorded(self, reference: str) -> Stream:
        limit_bytes = self.context.resources.output_bytes
        stream = Stream.open(self.context.run_dir, reference, self.context.masker, limit_bytes)
        self.on_error.callback(stream.file.close)
        return stream

    def _trace(self, tried: Tried, stem: str) -> TraceFile | None:
        if not self.observed:
            return None
        header = TraceHeader(self.spec.name.value, tried.number, tried.attempt)
        trace = TraceFile.open(self.context.run_dir, f"{stem}_trace.jsonl", self.context.masker, header)
        self.on_error.callback(trace.close)
        return trace

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

    def _execute(self, command: CommandSpec, env: Mapping[str, str], allowance: Allowance, tried: Tried) -> Outcome:
        context = self.context
        # Who writes the score matters; elsewhere it would cost and tell nothing.
        below = context.root if self.spec.name is StageName.EVALUATION else None
        request = Request(
            (*SHELL, command.text),
            self.cwd,
            env,
            context.resources.limits(allowance.seconds, context.disk.exceeded),
            observation=Observation(tried.trace, below) if tried.trace else None,
        )
        outcome = self.scope.run(request, tried.stdout.file, tried.stderr.file)
        return replace(outcome, reason=allowance.reason) if outcome.ending is Ending.TIMED_OUT else outcome
