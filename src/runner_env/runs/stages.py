"""How each kind of stage of a run is prepared, run and checked."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import runner_env.guest.published
from runner_env.contract import expand_env, load_actions, load_bootstrap
from runner_env.contract import variables as v
from runner_env.contract.model import Actions, Bootstrap, CommandSpec, StageName, StageSpec
from runner_env.core import Finding, Verdict, Where
from runner_env.errors import ContractError, EvidenceError
from runner_env.evidence.publish import Publisher
from runner_env.execution import Cancel
from runner_env.execution.policy import Policy, PolicyOptions
from runner_env.formats.plain import plain
from runner_env.pipeline.blame import not_written
from runner_env.pipeline.bootstrap import BootstrapMemory, as_stage, fingerprint, listing
from runner_env.pipeline.context import StageContext
from runner_env.pipeline.disk import DiskWatch
from runner_env.pipeline.environment import LOCAL_KEY, Ingredients, granted
from runner_env.pipeline.hiding import hidden_finding, joined, not_masked, secrets_in
from runner_env.pipeline.kubectl import dump_cluster
from runner_env.pipeline.stage import RunningStage, StageRunner
from runner_env.pipeline.unrecorded import Unrecorded
from runner_env.pipeline.values import StageRun
from runner_env.runs.actions import put_away, run_actions
from runner_env.runs.context import RunContext
from runner_env.targets.inside import InsideWalk
from runner_env.text.masking import Masker, looks_secret
from runner_env.verification import Started
from runner_env.verification.guarded import ACTIONS, Guarded, changed_finding
from runner_env.verification.hf_qa import asked_limit
from runner_env.verification.model import ARTIFACTS_PATH, RUNTIME_ENV_PATH
from runner_env.verification.started import enter_making

_SERVICES = StageName.DEPLOY_SETUP
_TRUE = frozenset({"1", "true", "yes", "on"})
_DEPLOY = frozenset({StageName.DEPLOY_SETUP, StageName.DEPLOY_HEALTH, StageName.DEPLOY_TEARDOWN})


class Stages:
    """Runs stages of one run under one `Cancel`."""

    def __init__(self, run: RunContext, cancel: Cancel, *, deadline_from: float) -> None:
        """Prepare what the stages share.

        Args:
            run: the open run.
            cancel: stops the stages.
            deadline_from: when the time for the run began, on the monotonic clock.

        Raises:
            OptionError: a variable that limits time is unusable.
        """
        self._run = run
        self._root = run.inputs.checkout.root
        self._cancel = cancel
        inputs, called = run.inputs, run.progress.called
        security = inputs.contract.security
        declared = (spec.env for spec in inputs.contract.stages.values())
        self._hide(inputs.settings.environ, called.env_overrides, run.progress.bootstrap_env, *declared)
        self._policy = Policy(
            PolicyOptions(security.mode, security.allowlist, security.denylist, inputs.options.unattended)
        )
        self._limits = inputs.limits(called, deadline_from)
        self._resources = inputs.resources()
        places = (self._root, run.scratch.home, run.scratch.tmp, run.scratch.cache)
        self._disk = DiskWatch(places, self._resources.disk_bytes)
        self._left: Guarded | None = None

    def _hide(self, *environments: Mapping[str, str]) -> None:
        """From now on, mask the secrets in these as well."""
        progress = self._run.progress
        for env in environments:
            joined(progress.secrets, secrets_in(env, self._run.inputs.contract.security.secrets))
        self._masker = Masker(progress.secrets)

    def run(self, stage: StageName) -> RunningStage | None:
        """Run one declared stage and check what it wrote; None if there was nothing to do."""
        how = {StageName.BOOTSTRAP: self._bootstrap, StageName.ACTIONS: self._actions}.get(stage)
        # What this call left last is what counts: a service that is still there must not change it in between either.
        guarded = self._left or self._guarded()
        running = how() if how else self._declared(self._run.inputs.contract.stages[stage])
        journal, plan = self._run.run_dir.journal, self._run.progress.plan
        if running is None:
            reason = next(item.reason for item in plan if item.stage is stage)
            journal.note("stage_skipped", stage=stage, reason=reason)
            return None
        self._refuse_changes(guarded, running)
        self._run.progress.stages.append(running)
        plan.ran(running.run)
        journal.note(
            "stage_ended",
            stage=stage,
            ok=running.run.ok,
            duration_s=running.run.duration_s,
            ended=running.run.ended,
            kept=running.run.kept,
            unobserved=running.run.unobserved,
            findings=plain(running.run.findings),
        )
        return running

    def _guarded(self) -> Guarded:
        return Guarded.now(self._root, self._run.inputs.contract.file)

    def _refuse_changes(self, before: Guarded, running: RunningStage) -> None:
        """Say if the contract or what git believes is not what it was before the stage."""
        stage = running.run.stage
        put_away = {ACTIONS} if stage is StageName.ACTIONS else set()
        self._left = self._guarded()
        names = tuple(name for name in before.changed(self._left) if name not in put_away)
        if names:
            running.run = running.run.having(changed_finding(stage.value, names))

    def run_unrecorded(self, stage: StageName) -> None:
        """Run the commands of a declared stage where nothing can be written down; how they end nobody knows."""
        run, spec = self._run, self._run.inputs.contract.stages[stage]
        folder = self._root / ARTIFACTS_PATH / run.run_id / "out" / stage.value
        environment = self._ingredients().stage(stage, spec.env, folder)
        Unrecorded(
            self._root, run.box, self._cancel, self._policy, self._limits, self._resources, run.inputs.ambient
        ).run(spec, environment)

    def _declared(self, spec: StageSpec) -> RunningStage:
        checks, stage = self._run.checks, spec.name
        started = checks.before(stage, self._masker)
        if spec.hint is not None:
            return self._hinted(spec)
        environment = self._environment(stage, spec.env)
        running = self._execute(spec, environment, keep=stage is _SERVICES)
        if spec.interactive and self._run.inputs.options.unattended == "guided":
            running.run = running.run.having(_without_terminal(spec))
        if running.run.ok:
            try:
                self._check(stage, started, running)
            except EvidenceError as error:  # the stage has run, and that must not be lost
                running.run = running.run.having(not_written(stage, error))
        self._demand_hints(running, environment())
        return running

    def _demand_hints(self, running: RunningStage, env: Mapping[str, str], own: CommandSpec | None = None) -> None:
        """Say if the caller wants stated commands to be used, and the evaluation used none."""
        demanded = env.get(v.AIDER_FSM_REQUIRE_HINTS, "").strip().lower() in _TRUE
        if running.run.stage is not StageName.EVALUATION or not running.run.ok or not demanded:
            return
        from runner_env.hints import find_hints  # loads much, and is seldom asked for
        from runner_env.pipeline.required import unmet

        run_dir = self._run.run_dir.path
        running.run = running.run.having(*unmet(running.run, find_hints(self._root), self._root, run_dir, own))

    def _hinted(self, spec: StageSpec) -> RunningStage:
        """Run the evaluation of a contract that names a hint; its result is what the runner itself saw."""
        from runner_env.pipeline.hinted import HintResult, with_hint  # loads much, and few contracts have use for it

        run, stage = self._run, spec.name
        report = f"{ARTIFACTS_PATH}/{run.run_id}/out/{stage.value}/report.xml"
        found = with_hint(spec, self._root, report)
        if isinstance(found, Finding):
            return RunningStage(StageRun(stage, (), (found,), run.inputs.ambient.timestamp(), 0.0))
        result = HintResult(run.run_dir.path, self._root, report)
        environment = self._environment(stage, spec.env)
        running = self._execute(found, environment, judge=result.judge)
        self._demand_hints(running, environment(), found.hint)
        if result.metrics is not None:
            run.run_dir.journal.append("hint_result", stage=stage, metrics=plain(result.metrics))
            run.progress.artifacts.evaluation = result.metrics
            self._publish_artifacts(stage, ())
        return running

    def _check(self, stage: StageName, started: Started | None, running: RunningStage) -> None:
        called, environ = self._run.progress.called, self._run.inputs.settings.environ
        # Not what the contract declares: a target does not say itself how much of it suffices.
        limit = asked_limit(
            called.env_overrides.get(v.AIDER_EVAL_LIMIT) or environ.get(v.AIDER_EVAL_LIMIT), called.mode
        )
        required = called.require_samples
        findings = self._run.checks.after(stage, started, self._masker, require_samples=required, limit=limit)
        running.run = running.run.having(*findings)
        self._publish_artifacts(stage, findings)

    def _publisher(self, folder: str = "") -> Publisher:
        progress = self._run.progress
        return Publisher(progress.publishing / folder, progress.publish_below)

    def _publish_artifacts(self, stage: StageName, findings: tuple[Finding, ...]) -> None:
        publisher = self._publisher()
        artifacts = self._run.progress.artifacts
        value = {StageName.EVALUATION: artifacts.evaluation, StageName.BENCHMARK: artifacts.benchmark}.get(stage)
        if value is not None:
            publisher.json(f"metrics_{stage}.json", value)
            if value is artifacts.metrics:
                publisher.json("metrics.json", value)
        bad = [finding for finding in findings if finding.verdict is not Verdict.PASSED]
        if bad:
            name = "rollout_contract_error.txt" if stage is StageName.ROLLOUT else "metrics_contract_error.txt"
            publisher.text(name, "".join(f"{finding}\n" for finding in bad))

    def _execute(
        self,
        spec: StageSpec,
        environment: Callable[[], Mapping[str, str]],
        *,
        keep: bool = False,
        folder: str = "",
        judge: Callable[[StageRun], tuple[Finding, ...]] | None = None,
    ) -> RunningStage:
        number = len(self._run.progress.stages) + 1
        place = "/".join(filter(None, (f"stages/{number:02}_{spec.name}", folder)))
        return StageRunner(self._context(folder), place).run(spec, environment, keep=keep, judge=judge)

    def _context(self, folder: str = "") -> StageContext:
        run = self._run
        return StageContext(
            root=self._root,
            box=run.box,
            cancel=self._cancel,
            run_dir=run.run_dir,
            masker=self._masker,
            policy=self._policy,
            limits=self._limits,
            resources=self._resources,
            disk=self._disk,
            ambient=run.inputs.ambient,
            publisher=self._publisher(folder),
        )

    def dump_cluster(self) -> None:
        """Record the state of the cluster, if the contract asks for it."""
        contract = self._run.inputs.contract
        if contract.kubectl_dump.enabled:
            stage = StageName.DEPLOY_TEARDOWN
            deploy = (spec for name, spec in contract.stages.items() if name in _DEPLOY)
            env = self._environment(stage, next((spec.env for spec in deploy), {}))()
            self._run.progress.findings += dump_cluster(contract.kubectl_dump, self._context(), env)

    def _ingredients(self) -> Ingredients:
        run, inputs = self._run, self._run.inputs
        called = run.progress.called
        return Ingredients(
            environ=inputs.settings.environ,
            overrides=called.env_overrides,
            grants=granted(inputs.settings.environ, inputs.options.pass_env, inputs.contract.security.secrets),
            bootstrap=run.progress.bootstrap_env,
            model=run.model,
            runtime=run.progress.artifacts.runtime,
            fixed={
                v.AIDER_FSM_RUN_ID: run.run_id,
                v.AIDER_FSM_REPO_ROOT: str(self._root),
                v.AIDER_FSM_RUNNER_ROOT: str(Path(runner_env.guest.published.__path__[0])),
                v.AIDER_RUNTIME_ENV_PATH: str(self._root / RUNTIME_ENV_PATH),
                v.AIDER_EVAL_MODE: called.mode,
            },
            python=sys.executable,
            own=run.scratch.variables(run.box.tmp, inputs.settings.environ),
        )

    def _environment(self, stage: StageName, declared: Mapping[str, str]) -> Callable[[], Mapping[str, str]]:
        advice = self._advice if stage in v.MODEL_STAGES else {}
        environment = replace(self._ingredients(), advice=advice).stage(stage, declared, self._output_folder(stage))
        self._warn_of_short_secrets(environment)
        return lambda: environment

    @cached_property
    def _advice(self) -> Mapping[str, str]:
        from runner_env.hints import find_hints  # both load much, and few stages have use for it
        from runner_env.runs.advice import hint_variables

        return hint_variables(find_hints(self._root))

    def _output_folder(self, stage: StageName) -> Path:
        """Make the stage's own folder, never through a link that leaves the workspace."""
        with InsideWalk(self._root) as walk:
            enter_making(walk, f"{ARTIFACTS_PATH}/{self._run.run_id}/out/{stage.value}")
            return walk.here

    def _warn_of_short_secrets(self, environment: Mapping[str, str]) -> None:
        given = {name: value for name, value in environment.items() if (name, value) != (v.OPENAI_API_KEY, LOCAL_KEY)}
        known = self._run.progress.findings
        known += [note for note in not_masked(given, self._run.inputs.contract.security.secrets) if note not in known]

    def recall_bootstrap(self) -> None:
        """Set the variables of `bootstrap.yml` for every stage, without running it.

        Raises:
            ContractError: it cannot be used.
        """
        bootstrap = load_bootstrap(self._root)
        if bootstrap is not None:
            self._run.progress.bootstrap_env = expand_env(bootstrap.env, self._ingredients().base(), self._root)
            self._hide(self._run.progress.bootstrap_env)

    def _bootstrap(self) -> RunningStage | None:
        run = self._run
        try:
            bootstrap = load_bootstrap(self._root)
        except ContractError as error:
            return self._unusable(StageName.BOOTSTRAP, error)
        if bootstrap is None:
            return None
        env = expand_env(bootstrap.env, self._ingredients().base(), self._root)
        memory = BootstrapMemory(run.inputs.settings.home / "bootstrap", self._root, run.checks.tracked)
        done_by = memory.done_by(bootstrap, env)
        run.progress.bootstrap_env = env
        self._hide(env)
        run.progress.findings += bootstrap.notes
        if done_by:
            run.progress.plan.skip(StageName.BOOTSTRAP, f"unchanged since run {done_by}")
            return None
        self._publish_bootstrap(bootstrap, env)
        return self._run_bootstrap(bootstrap, env, memory)

    def _run_bootstrap(self, bootstrap: Bootstrap, env: Mapping[str, str], memory: BootstrapMemory) -> RunningStage:
        made = memory.made()
        wanted, before = fingerprint(bootstrap, self._root, env, made), listing(self._root)
        furnished = self._run.scratch.furnished()
        memory.forget()
        running = self._execute(as_stage(bootstrap), self._while_bootstrapping, folder="bootstrap")
        made = frozenset(path for path in made if path.exists()) | (listing(self._root) - before)
        lasting = running.run.ok and self._run.scratch.furnished() == furnished  # a run's own home ends with it
        memory.remember(wanted if lasting else "", self._run.run_id, made, self._run.inputs.ambient)
        return running

    def _while_bootstrapping(self) -> Mapping[str, str]:
        """As for every stage, but the runner's own interpreter stands in until the declared one exists."""
        env = dict(self._environment(StageName.BOOTSTRAP, {})())
        python = env[v.AIDER_FSM_PYTHON]
        if "/" in python and not Path(python).exists():
            env[v.AIDER_FSM_PYTHON] = sys.executable
        return env

    def _publish_bootstrap(self, bootstrap: Bootstrap, env: Mapping[str, str]) -> None:
        publisher = self._publisher("bootstrap")
        text = (self._root / bootstrap.file).read_text("utf-8", "backslashreplace")
        publisher.text("bootstrap.yml", self._masker.text(text))
        shown = {name: "***" if looks_secret(name) else self._masker.text(value) for name, value in env.items()}
        publisher.json("bootstrap_env.json", shown)
        if bootstrap.notes:
            publisher.json("bootstrap_parse_warnings.json", [str(note) for note in bootstrap.notes])

    def _unusable(self, stage: StageName, error: ContractError) -> RunningStage:
        found = (hidden_finding(self._masker, finding) for finding in error.findings)
        findings = tuple(replace(finding, stage=stage.value) for finding in found)
        self._publisher(stage.value).text(f"{stage}_parse_error.txt", "".join(f"{finding}\n" for finding in findings))
        started_at = self._run.inputs.ambient.timestamp()
        return RunningStage(StageRun(stage, (), findings, started_at, 0.0))

    def _actions(self) -> RunningStage | None:
        try:
            actions = load_actions(self._root, self._run.inputs.contract.file)
        except ContractError as error:
            return self._unusable(StageName.ACTIONS, error)
        return None if actions is None else self._run_actions(actions)

    def _run_actions(self, actions: Actions) -> RunningStage:
        publisher = self._publisher("actions")
        publisher.text("actions.yml", self._masker.text((self._root / actions.file).read_text("utf-8")))
        environment = self._environment(StageName.ACTIONS, {})
        empty = StageRun(StageName.ACTIONS, (), (), self._run.inputs.ambient.timestamp(), 0.0)

        items = [
            {"id": one.id, "kind": one.kind, "path": one.path, "content": _sha256(one.content)}
            for one in actions.actions
        ]
        self._run.run_dir.journal.append("actions_started", file=actions.file, sha256=actions.sha256, actions=items)

        def execute(spec: StageSpec, keep: bool, folder: str) -> RunningStage:
            return self._execute(spec, environment, keep=keep, folder=folder)

        contract = self._run.inputs.contract.file
        done = run_actions(actions, self._root, contract, execute, empty)
        publisher.summary(
            StageName.ACTIONS,
            ok=done.run.ok,
            failed_index=done.run.failed_index,
            total_results=len(done.run.commands),
            findings=done.run.findings,
        )
        if done.run.ok:
            self._put_away(actions, done)
        return done

    def _put_away(self, actions: Actions, done: RunningStage) -> None:
        removed = put_away(actions, self._root, self._run.checks.tracked)
        self._run.run_dir.journal.append("actions_done", file=actions.file, sha256=actions.sha256, removed=removed)
        if not removed:
            message = f"{actions.file} was carried out; git tracks it, so it stays and will be carried out again."
            hint = "Delete it, or let git ignore it."
            where, stage = Where(actions.file), StageName.ACTIONS.value
            note = Finding("actions_kept", message, where, hint, verdict=Verdict.PASSED, stage=stage)
            done.run = done.run.having(note)


def _sha256(text: str | None) -> str | None:
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


def _without_terminal(spec: StageSpec) -> Finding:
    message = f"`{spec.name}.interactive` has no effect: no stage is ever given a terminal, and it reads no input."
    hint = "Log in before the run, or with a command that takes its secret from a variable."
    code = "interactive_not_available"
    return Finding(code, message, spec.where, hint, verdict=Verdict.PASSED, stage=spec.name.value)
