"""One run: from its first stage to its teardown, one box, one run directory, one verdict."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from runner_env.contract.model import StageName, TeardownPolicy
from runner_env.contract.requests import unusable_out_dir
from runner_env.core import Finding, ModelRef, Verdict
from runner_env.errors import ContractError, RunnerEnvError
from runner_env.evidence.publish import Publisher
from runner_env.evidence.rundir import RunDir
from runner_env.evidence.workspace_lock import WorkspaceLock
from runner_env.execution import Box, Cancel
from runner_env.execution.levels import NotContained
from runner_env.formats.canonical import canonical
from runner_env.formats.plain import plain
from runner_env.formats.sandbox import EVENT
from runner_env.pipeline.checks import Artifacts, Checks
from runner_env.pipeline.hiding import hidden_finding
from runner_env.pipeline.plan import Plan
from runner_env.pipeline.stage import RunningStage
from runner_env.runs import conclusion, containment, record
from runner_env.runs.clocks import Clocks
from runner_env.runs.context import RunContext
from runner_env.runs.continuing import Continued
from runner_env.runs.inputs import RunInputs
from runner_env.runs.options import CallOptions
from runner_env.runs.progress import Progress
from runner_env.runs.scratch import Scratch
from runner_env.runs.stages import Stages
from runner_env.runs.watching import Watched
from runner_env.targets import TrackedState, changed_tracked, diff
from runner_env.text.masking import Masker
from runner_env.verification.model import ARTIFACTS_PATH

_TEARDOWN = frozenset({StageName.DEPLOY_TEARDOWN})


class Run:
    """An open run. It holds the workspace's lock, a box and a run directory until `finish()`."""

    def __init__(self, inputs: RunInputs, model: ModelRef | None, continued: Continued | None = None) -> None:
        """Take the workspace, open the evidence and the box.

        Args:
            inputs: the opened target.
            model: the model of the run.
            continued: the run that is opened again; None begins one.

        Raises:
            WorkspaceBusy: another run holds the workspace.
            RunError: the run that should be opened again is going on.
            EvidenceError: the run directory cannot be made.
            ExecutionError: the box cannot be started.
        """
        self.run_id = continued.path.name if continued else inputs.ambient.new_run_id()
        started, started_at = inputs.ambient.monotonic(), inputs.ambient.timestamp()
        if continued:
            started_at = continued.started_at
            started -= sum(stage.run.duration_s for stage in continued.progress.stages)
        self.cancel = Cancel()
        self._teardown_cancel = Cancel()  # what stops the run must not stop its teardown
        self.open = True
        self._finished = False
        self._pid = os.getpid()
        self._watched = Watched(inputs.observer) if inputs.observer else None
        self._clocks = Clocks(inputs.ambient)
        with ExitStack() as undo:
            for cancel in (self.cancel, self._teardown_cancel):
                undo.callback(cancel.close)
            self._lock = WorkspaceLock.acquire(inputs.checkout.root, self.run_id, inputs.ambient)
            undo.callback(self._lock.close)
            self._scratch = Scratch.make(inputs.settings, inputs.checkout.root, self.run_id)
            undo.callback(self._scratch.remove)
            self.box = self._open_box(inputs, model)
            undo.callback(self.box.close)
            self.run_dir = self._open_run_dir(inputs, continued)
            undo.callback(self.run_dir.close)
            self.progress = self._begin(inputs, model, continued)
            self._tracked: TrackedState = changed_tracked(inputs.checkout.root)
            self.context = RunContext(
                inputs=inputs,
                model=model,
                run_id=self.run_id,
                started=started,
                started_at=started_at,
                contract=record.contract_record(inputs),
                run_dir=self.run_dir,
                box=self.box,
                scratch=self._scratch,
                checks=self._checks(inputs),
                progress=self.progress,
            )
            undo.pop_all()

    def _open_box(self, inputs: RunInputs, model: ModelRef | None) -> Box:
        """Have it started while the rest is made ready, unless the run must not begin without it."""
        want = containment.wanted(inputs)
        places = containment.places(inputs, self._scratch, model.path if model else None)
        try:
            return Box.open(want, places, environ=inputs.settings.environ, wait=want.insists)
        except NotContained as error:
            raise containment.refused(error, want, inputs.contract) from error

    def _open_run_dir(self, inputs: RunInputs, continued: Continued | None) -> RunDir:
        if continued:
            return continued.open(inputs.ambient, self._watched)
        return RunDir.create(inputs.settings.runs_dir, self.run_id, ambient=inputs.ambient, observer=self._watched)

    def _begin(self, inputs: RunInputs, model: ModelRef | None, continued: Continued | None) -> Progress:
        """Say in the journal, before anything is done, what is begun."""
        if continued:
            self.run_dir.journal.append(continued.event, run_id=self.run_id, **continued.opening)
            return continued.progress
        progress = Progress(Plan(conclusion.declared(inputs)), Artifacts())
        self.run_dir.journal.append("run_started", **record.opening(self.run_id, inputs, model, progress.plan))
        progress.findings += conclusion.notes(inputs)
        progress.written += inputs.written
        return progress

    def recall_bootstrap(self) -> None:
        """Give later stages the variables of a bootstrap that an earlier attempt has finished."""
        if StageName.BOOTSTRAP in self.progress.plan:
            self._attempt(self._ending().recall_bootstrap)

    def _checks(self, inputs: RunInputs) -> Checks:
        return Checks(
            inputs.checkout.root,
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
        self._note_sandbox()
        self.run_dir.journal.append("call_started", **record.call_begun(self.context, kind))
        self._run_in_order(stages)

    def _note_sandbox(self) -> None:
        """Write down, once, how commands are contained."""
        if self.progress.sandbox is not None:
            return
        sandbox, inputs = self.box.await_ready(), self.context.inputs
        resources = inputs.resources()
        unobserved = resources.unobserved or self.box.unobservable()
        written = containment.sandbox_record(sandbox, resources, unobserved)
        stored = self.run_dir.store_bytes("sandbox.json", canonical(plain(written)) + b"\n", sync=False)
        self.run_dir.journal.note(
            EVENT, reference=stored.reference, sha256=stored.sha256, level=written.level, network=written.network
        )
        self.progress.sandbox = written
        self.progress.findings += containment.weaker(sandbox, inputs.contract)

    def _publish_into(self, kind: str) -> None:
        """Make the folder that is published into from now on: the caller's, or the contract's, or the usual one."""
        inputs, progress = self.context.inputs, self.progress
        repo, out_dir = inputs.checkout.root, inputs.contract.artifacts_out_dir
        root, progress.publish_below = progress.called.artifacts_dir, None
        if root is None and out_dir is not None:
            if escapes := unusable_out_dir(inputs.contract, repo):
                raise ContractError([escapes])
            # Links as they are now may be followed; one that a stage makes later may not.
            root, progress.publish_below = Path(os.path.realpath(repo / out_dir)) / self.run_id, repo
        root = root or repo / ARTIFACTS_PATH / self.run_id
        progress.publishing = Publisher.next_pass(root, kind, progress.publish_below)

    def _run_in_order(self, stages: Sequence[StageName]) -> None:
        plan, work = self.progress.plan, Stages(self.context, self.cancel, deadline_from=self.context.started)
        for stage in stages:
            if self.cancel.is_set or stage not in plan:
                continue
            try:
                running = work.run(stage)
                self._clocks.look()
            except BaseException:
                plan.broke_off(stage)
                plan.skip_rest(f"{stage.value} broke off", but=_TEARDOWN)
                raise
            if running is not None and not running.run.ok:
                plan.skip_rest(f"{stage.value} {running.run.verdict}", but=_TEARDOWN)
                return

    def conclude(self, *, scored: bool) -> None:
        """Add what is only known once all stages of a call have run, and note where the run stands.

        Args:
            scored: whether the call was to produce a score.
        """
        self._attempt(self._conclude, scored)

    def _conclude(self, scored: bool) -> None:
        if self.progress.verdict is Verdict.PASSED:
            self.progress.findings += conclusion.missing(self.context.inputs, self.progress, scored=scored)
        self.run_dir.journal.append("call_ended", **record.state(self.context))

    def wind_down(self) -> None:
        """Tear down if it is due and end everything that still runs; findings can still be added. Idempotent.

        In a forked child, where the run is the parent's, nothing happens.
        """
        if not self.open or os.getpid() != self._pid:
            return
        self.open = False
        if self.cancel.is_set:
            self._interrupted()
        with ExitStack() as steps:  # the last comes first, and each is taken even if one before it raised
            for step in (self._settle, self._end_processes, self._teardown, self._dump_cluster):
                steps.callback(self._attempt, step)

    def finish(self) -> None:
        """Wind down, write the record, let the workspace go. Idempotent, and as `wind_down` in a forked child."""
        if self._finished or os.getpid() != self._pid:
            return
        self._finished = True
        with ExitStack() as steps:
            for held in (self._teardown_cancel, self.cancel, self._lock, self.run_dir):
                steps.callback(held.close)
            steps.callback(self._attempt, self._record)
            self.wind_down()

    def tidy(self) -> bool:
        """Do what a lost run still owes: tear down, put back what was moved aside. No record is written.

        Returns:
            Whether all of it ended well.
        """
        self.open, self._finished = False, True
        with ExitStack() as steps:
            for held in (self._teardown_cancel, self.cancel, self._lock, self.run_dir):
                steps.callback(held.close)
            before = self.progress.all_findings
            for step in (self._note_sandbox, self._teardown, self._end_processes, self._settle):
                self._attempt(step)
            found = [finding for finding in self.progress.all_findings if finding not in before]
            ok = Verdict.worst(finding.verdict for finding in found) is Verdict.PASSED
            if ok:
                self.run_dir.journal.append("tidied", findings=plain(found))
        return ok

    def _end_processes(self) -> None:
        with ExitStack() as steps:
            for stage in self.progress.stages:
                steps.callback(self._seal, stage)
            steps.callback(self._scratch.remove)
            killed = self.box.close()
        self.run_dir.journal.note("box_closed", killed=killed)

    def _seal(self, stage: RunningStage) -> None:
        stage.seal(self.run_dir.journal)
        self.progress.plan.ran(stage.run)  # what its services wrote may not have been recorded

    def _settle(self) -> None:
        self.context.checks.restore()
        self.progress.changed = diff(self._tracked, changed_tracked(self.context.inputs.checkout.root))
        self.progress.findings += conclusion.changed(self.progress)

    def _record(self) -> None:
        if self._watched and self._watched.failure:
            self._found(conclusion.unwatched(self._watched.failure))
        self.progress.findings += conclusion.unfinished(self.context.inputs, self.progress)
        self.progress.findings += self._clocks.findings()
        record.write_record(self.context)

    def stop(self, reason: str) -> None:
        """Make the run stop what it is doing: its stages, or, once it is ending, its teardown.

        Safe in a signal handler.
        """
        (self.cancel if self.open else self._teardown_cancel).set(reason)

    def can_be_completed(self, model: ModelRef, call: CallOptions) -> bool:
        """Whether `call` may go on with what the run has done: it was not stopped, and model and mode are the same."""
        return not self.cancel.is_set and (self.context.model, self.progress.called.mode) == (model, call.mode)

    @property
    def failed(self) -> bool:
        """Whether anything speaks against the run so far."""
        return self.progress.verdict is not Verdict.PASSED

    def _interrupted(self) -> None:
        self.progress.plan.skip_rest("interrupted", but=_TEARDOWN)
        if self.progress.verdict is Verdict.PASSED:
            self.progress.findings.append(conclusion.interrupted(self.cancel.reason))

    def _dump_cluster(self) -> None:
        if self.context.inputs.contract.kubectl_dump.enabled and self.progress.stages and not self.cancel.is_set:
            self._publish_into("teardown")
            self._ending().dump_cluster()

    def _ending(self) -> Stages:
        return Stages(self.context, self._teardown_cancel, deadline_from=self.context.inputs.ambient.monotonic())

    def _teardown(self) -> None:
        stage = StageName.DEPLOY_TEARDOWN
        self.progress.plan.skip_rest("not asked for", but=_TEARDOWN)
        if stage not in self.progress.plan or any(one.run.stage is stage for one in self.progress.stages):
            return
        policy = self.context.inputs.contract.teardown_policy
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
            else:
                self.progress.plan.broke_off(stage)
            raise

    def _attempt(self, step: Callable[..., None], *arguments: object) -> None:
        """Take a step; what it raises becomes a finding, and a bug or an interruption is raised all the same."""
        try:
            step(*arguments)
        except (RunnerEnvError, OSError) as error:
            self._found(conclusion.trouble(error))
        except BaseException as error:
            self._found(conclusion.bug(error))
            raise

    def _found(self, finding: Finding) -> None:
        """Add a finding of the run itself, without secrets, once: a full disk is met at every step."""
        found = hidden_finding(Masker(self.progress.secrets), finding)
        if (found.code, found.message) not in {(known.code, known.message) for known in self.progress.all_findings}:
            self.progress.findings.append(found)
