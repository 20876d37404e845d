"""One run: from its first stage to its teardown, one box, one run directory, one verdict."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.contract.model import StageName, TeardownPolicy
from runner_env.core import Finding, ModelRef, Verdict
from runner_env.errors import RunnerEnvError
from runner_env.evidence.publish import Publisher
from runner_env.evidence.rundir import RunDir
from runner_env.evidence.workspace_lock import WorkspaceLock
from runner_env.execution import Box, Cancel
from runner_env.pipeline.checks import Artifacts, Checks
from runner_env.pipeline.plan import Plan
from runner_env.pipeline.stage import RunningStage
from runner_env.runs import conclusion, record
from runner_env.runs.inputs import RunInputs
from runner_env.runs.options import CallOptions
from runner_env.runs.stages import Stages
from runner_env.targets import TrackedState, changed_tracked, diff

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class Progress:
    """What a run has come to so far.

    Attributes:
        plan: every declared stage.
        stages: every stage that was started, in order.
        findings: of the run itself, apart from its stages'.
        artifacts: what the stages handed in.
        called: what was asked for last.
        artifacts_dir: the published copy of the last call.
        publishing: the published copy that stages go to now; the teardown has its own.
        changed: tracked files whose content the run changed.
        bootstrap_env: what `bootstrap.yml` sets for every stage.
        secrets: values that must not be recorded, by name.
    """

    plan: Plan
    artifacts: Artifacts
    stages: list[RunningStage] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    called: CallOptions = field(default_factory=CallOptions)
    artifacts_dir: Path = Path()
    publishing: Path = Path()
    changed: tuple[str, ...] = ()
    bootstrap_env: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """The stages' findings in order, then the run's own."""
        return (*(found for stage in self.stages for found in stage.run.findings), *self.findings)

    @property
    def verdict(self) -> Verdict:
        """What all findings together make of the run."""
        return Verdict.worst(finding.verdict for finding in self.all_findings)

    @property
    def failed_stage(self) -> str | None:
        """Where the first finding that counts belongs."""
        return next((f.stage for f in self.all_findings if f.verdict is not Verdict.PASSED), None)


class Run:
    """An open run. It holds the workspace's lock, a box and a run directory until `finish()`."""

    def __init__(self, inputs: RunInputs, model: ModelRef | None) -> None:
        """Take the workspace, open the evidence and the box.

        Raises:
            WorkspaceBusy: another run holds the workspace.
            EvidenceError: the run directory cannot be made.
            ExecutionError: the box cannot be started.
        """
        self.inputs = inputs
        self.model = model
        self.run_id = inputs.ambient.new_run_id()
        self.started = inputs.ambient.monotonic()
        self.started_at = inputs.ambient.timestamp()
        self.cancel = Cancel()
        self._teardown_cancel = Cancel()  # what stops the run must not stop its teardown
        self.open = True
        self._pid = os.getpid()
        root = inputs.checkout.root
        with _undone_on_error() as undo:
            undo.extend((self.cancel.close, self._teardown_cancel.close))
            self._lock = WorkspaceLock.acquire(root, self.run_id, inputs.ambient)
            undo.append(self._lock.close)
            self.run_dir = RunDir.create(
                inputs.settings.runs_dir, self.run_id, ambient=inputs.ambient, observer=inputs.observer
            )
            undo.append(self.run_dir.close)
            self.progress = Progress(Plan(conclusion.declared(inputs)), Artifacts())
            self.run_dir.journal.append("run_started", **record.opening(self))
            self.box = Box.open(wait=False)  # it starts while the rest is made ready
            undo.append(self.box.close)
            self._tracked: TrackedState = changed_tracked(root)
            self.progress.findings += conclusion.notes(inputs)
            self.checks = Checks(
                root,
                inputs.contract,
                self.run_dir,
                inputs.options.require_metrics,
                self.progress.artifacts,
                self._tracked.files.__contains__,
            )

    def perform(self, kind: str, call: CallOptions, stages: Sequence[StageName]) -> None:
        """Run `stages` in order until one does not end well; trouble of the runner itself becomes a finding.

        Args:
            kind: what the published folder is called: `rollout`, `evaluation` or `rollout_evaluation`.
            call: what was asked for.
            stages: those to run, as far as they are declared.
        """
        self._attempt(self._perform, kind, call, stages)

    def _perform(self, kind: str, call: CallOptions, stages: Sequence[StageName]) -> None:
        self.progress.called = call
        self._publish_into(kind)
        self.progress.artifacts_dir = self.progress.publishing
        self._run_in_order(stages)

    def _publish_into(self, kind: str) -> None:
        default = self.inputs.checkout.root / ".aider_fsm" / "artifacts" / self.run_id
        root = self.progress.called.artifacts_dir or default
        self.progress.publishing = Publisher.next_pass(root, kind)

    def _run_in_order(self, stages: Sequence[StageName]) -> None:
        work = Stages(self, self.cancel, deadline_from=self.started)
        for stage in stages:
            if self.cancel.is_set or stage not in self.progress.plan:
                continue
            running = work.run(stage)
            if running is not None and not running.run.ok:
                self.progress.plan.skip_rest(f"{stage.value} {running.run.verdict}", but=_TEARDOWN)
                return

    def conclude(self, *, scored: bool) -> None:
        """Add what is only known once all stages of a call have run.

        Args:
            scored: whether the call was to produce a score.
        """
        self._attempt(self._conclude, scored)

    def _conclude(self, scored: bool) -> None:
        if self.progress.verdict is Verdict.PASSED:
            self.progress.findings += conclusion.missing(self, scored=scored)
        if self.progress.verdict is not Verdict.PASSED and self.progress.called.repair_iters:
            self.progress.findings += conclusion.not_repaired(self.progress)

    def finish(self) -> None:
        """Tear down if it is due, end everything that still runs, write the record, let the workspace go.

        In a forked child, where the run is the parent's, nothing happens.
        """
        if not self.open or os.getpid() != self._pid:
            return
        self.open = False
        if self.cancel.is_set:
            self._interrupted()
        with ExitStack() as steps:  # the last comes first, and each is taken even if one before it raised
            for held in (self._teardown_cancel, self.cancel, self._lock, self.run_dir):
                steps.callback(held.close)
            for step in (self._record, self._settle, self._end_processes, self._teardown, self._dump_cluster):
                steps.callback(self._attempt, step)

    def _end_processes(self) -> None:
        with ExitStack() as steps:
            for stage in self.progress.stages:
                steps.callback(stage.seal)
            self.box.close()

    def _settle(self) -> None:
        self.checks.restore()
        self.progress.changed = diff(self._tracked, changed_tracked(self.inputs.checkout.root))
        self.progress.findings += conclusion.changed(self.progress)

    def _record(self) -> None:
        self.progress.findings += conclusion.unfinished(self.progress)
        record.write_record(self)

    def stop(self, reason: str) -> None:
        """Make the run stop what it is doing: its stages, or, once it is ending, its teardown.

        Safe in a signal handler.
        """
        (self.cancel if self.open else self._teardown_cancel).set(reason)

    @property
    def failed(self) -> bool:
        """Whether anything speaks against the run so far."""
        return self.progress.verdict is not Verdict.PASSED

    def _interrupted(self) -> None:
        self.progress.plan.skip_rest("interrupted", but=_TEARDOWN)
        if self.progress.verdict is Verdict.PASSED:
            self.progress.findings.append(conclusion.interrupted(self.cancel.reason))

    def _dump_cluster(self) -> None:
        if self.inputs.contract.kubectl_dump.enabled and self.progress.stages and not self.cancel.is_set:
            self._publish_into("teardown")
            self._ending().dump_cluster()

    def _ending(self) -> Stages:
        return Stages(self, self._teardown_cancel, deadline_from=self.inputs.ambient.monotonic())

    def _teardown(self) -> None:
        stage = StageName.DEPLOY_TEARDOWN
        self.progress.plan.skip_rest("not asked for", but=_TEARDOWN)
        if stage not in self.progress.plan:
            return
        policy = self.inputs.contract.teardown_policy
        passed = self.progress.verdict is Verdict.PASSED
        due = {
            TeardownPolicy.ALWAYS: True,
            TeardownPolicy.NEVER: False,
            TeardownPolicy.ON_SUCCESS: passed,
            TeardownPolicy.ON_FAILURE: not passed,
        }[policy]
        if not due:
            self.progress.plan.skip(stage, f"teardown_policy: {policy}")
            return
        launched = self.box.launched
        try:
            self._publish_into("teardown")
            self._ending().run(stage)
        except BaseException:
            if self.box.launched == launched:  # what is deployed must go, even if that cannot be written down
                self._ending().run_unrecorded(stage)
                self.progress.plan.skip(stage, "run without a record")
            raise

    def _attempt(self, step: Callable[..., None], *arguments: object) -> None:
        """Take a step; what it raises becomes a finding, and a bug or an interruption is raised all the same."""
        try:
            step(*arguments)
        except (RunnerEnvError, OSError) as error:
            found = conclusion.trouble(error)
            if found not in self.progress.findings:  # a full disk is met at every step
                self.progress.findings.append(found)
        except BaseException as error:
            self.progress.findings.append(conclusion.bug(error))
            raise


_TEARDOWN = frozenset({StageName.DEPLOY_TEARDOWN})


@contextmanager
def _undone_on_error() -> Iterator[list[Callable[[], object]]]:
    """Collects what undoes each step, and does it, last first, if a later step fails."""
    undo: list[Callable[[], object]] = []
    try:
        yield undo
    except BaseException:
        for step in reversed(undo):
            step()
        raise
