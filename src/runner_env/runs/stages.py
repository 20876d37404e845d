"""How each kind of stage of a run is prepared, run and checked."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import runner_env.guest
from runner_env.contract import expand_env, load_actions, load_bootstrap
from runner_env.contract import variables as v
from runner_env.contract.model import Actions, Bootstrap, StageName, StageSpec
from runner_env.core import Finding, Verdict
from runner_env.errors import ContractError
from runner_env.evidence.publish import Publisher
from runner_env.execution import Cancel
from runner_env.execution.policy import Policy, PolicyOptions
from runner_env.formats.plain import plain
from runner_env.pipeline.bootstrap import BootstrapMemory, fingerprint, listing
from runner_env.pipeline.environment import Ingredients, granted
from runner_env.pipeline.limits import TimeLimits
from runner_env.pipeline.stage import RunningStage, StageContext, StageRunner
from runner_env.pipeline.values import StageRun
from runner_env.runs.actions import put_away, run_actions
from runner_env.text.masking import Masker, looks_secret

if TYPE_CHECKING:
    from runner_env.runs.run import Run

_SERVICES = StageName.DEPLOY_SETUP


class Stages:
    """Runs stages of one run under one `Cancel`."""

    def __init__(self, run: Run, cancel: Cancel, *, deadline_from: float) -> None:
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
        inputs, overrides = run.inputs, run.progress.called.env_overrides
        declared = tuple(spec.env for spec in inputs.contract.stages.values())
        self._masker = Masker(secrets(inputs.settings.environ, overrides, *declared))
        security = inputs.contract.security
        self._policy = Policy(
            PolicyOptions(security.mode, security.allowlist, security.denylist, inputs.options.unattended)
        )
        environments = (inputs.settings.environ, overrides, *declared)
        self._limits = TimeLimits.of(security, environments, inputs.ambient.monotonic, deadline_from)

    def run(self, stage: StageName) -> RunningStage | None:
        """Run one declared stage and check what it wrote; None if there was nothing to do."""
        how = {StageName.BOOTSTRAP: self._bootstrap, StageName.ACTIONS: self._actions}.get(stage)
        running = how() if how else self._declared(self._run.inputs.contract.stages[stage])
        if running is not None:
            self._run.progress.stages.append(running)
            self._run.progress.plan.ran(running.run)
            self._run.run_dir.journal.append(
                "stage_ended",
                stage=stage,
                ok=running.run.ok,
                duration_s=running.run.duration_s,
                findings=plain(running.run.findings),
            )
        return running

    def _declared(self, spec: StageSpec) -> RunningStage:
        checks, stage = self._run.checks, spec.name
        started = checks.before(stage)
        running = self._execute(spec, self._environment(stage, spec.env), keep=stage is _SERVICES)
        if running.run.ok:
            findings = checks.after(stage, started, require_samples=self._run.progress.called.require_samples)
            running.run = running.run.having(*findings)
            self._publish_artifacts(stage, findings)
        return running

    def _publish_artifacts(self, stage: StageName, findings: tuple[Finding, ...]) -> None:
        publisher = Publisher(self._run.progress.publishing)
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
        self, spec: StageSpec, environment: Callable[[], Mapping[str, str]], *, keep: bool = False, folder: str = ""
    ) -> RunningStage:
        run = self._run
        context = StageContext(
            root=self._root,
            box=run.box,
            cancel=self._cancel,
            run_dir=run.run_dir,
            masker=self._masker,
            policy=self._policy,
            limits=self._limits,
            ambient=run.inputs.ambient,
            publisher=Publisher(run.progress.publishing / folder),
        )
        place = "/".join(filter(None, (f"stages/{len(run.progress.stages) + 1:02}_{spec.name}", folder)))
        return StageRunner(context, place).run(spec, environment, keep=keep)

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
                v.AIDER_FSM_RUNNER_ROOT: str(Path(runner_env.guest.__path__[0])),
                v.AIDER_RUNTIME_ENV_PATH: str(self._root / ".aider_fsm" / "runtime_env.json"),
                v.AIDER_EVAL_MODE: called.mode,
            },
            python=sys.executable,
        )

    def _environment(self, stage: StageName, declared: Mapping[str, str]) -> Callable[[], Mapping[str, str]]:
        folder = self._root / ".aider_fsm" / "artifacts" / self._run.run_id / "out" / stage.value
        folder.mkdir(parents=True, exist_ok=True)
        environment = self._ingredients().stage(stage, declared, folder)
        return lambda: environment

    def _bootstrap(self) -> RunningStage | None:
        run = self._run
        try:
            bootstrap = load_bootstrap(self._root)
        except ContractError as error:
            return self._unusable(StageName.BOOTSTRAP, error)
        if bootstrap is None:
            return None
        env = expand_env(bootstrap.env, self._ingredients().base(), self._root)
        memory = BootstrapMemory(run.inputs.settings.home / "bootstrap", self._root)
        done_by = memory.done_by(bootstrap, env)
        run.progress.bootstrap_env = env
        run.progress.findings += bootstrap.notes
        if done_by:
            run.progress.plan.skip(StageName.BOOTSTRAP, f"unchanged since run {done_by}")
            return None
        self._publish_bootstrap(bootstrap, env)
        return self._run_bootstrap(bootstrap, env, memory)

    def _run_bootstrap(self, bootstrap: Bootstrap, env: Mapping[str, str], memory: BootstrapMemory) -> RunningStage:
        made = memory.made()
        wanted, before = fingerprint(bootstrap, self._root, env, made), listing(self._root)
        memory.forget()
        spec = StageSpec(
            name=StageName.BOOTSTRAP,
            commands=bootstrap.commands,
            env={},
            workdir=bootstrap.workdir,
            timeout_s=bootstrap.timeout_s,
            retries=bootstrap.retries,
            where=bootstrap.where,
        )
        running = self._execute(spec, self._while_bootstrapping, folder="bootstrap")
        if running.run.ok:
            still_there = frozenset(path for path in made if path.exists())
            memory.remember(
                wanted, self._run.run_id, still_there | (listing(self._root) - before), self._run.inputs.ambient
            )
        return running

    def _while_bootstrapping(self) -> Mapping[str, str]:
        """As for every stage, but the runner's own interpreter stands in until the declared one exists."""
        env = dict(self._environment(StageName.BOOTSTRAP, {})())
        if not Path(env[v.AIDER_FSM_PYTHON]).exists():
            env[v.AIDER_FSM_PYTHON] = sys.executable
        return env

    def _publish_bootstrap(self, bootstrap: Bootstrap, env: Mapping[str, str]) -> None:
        publisher = Publisher(self._run.progress.publishing / "bootstrap")
        publisher.file("bootstrap.yml", self._root / bootstrap.file)
        shown = {name: "***" if looks_secret(name) else self._masker.text(value) for name, value in env.items()}
        publisher.json("bootstrap_env.json", shown)
        if bootstrap.notes:
            publisher.json("bootstrap_parse_warnings.json", [str(note) for note in bootstrap.notes])

    def _unusable(self, stage: StageName, error: ContractError) -> RunningStage:
        findings = tuple(replace(finding, stage=stage.value) for finding in error.findings)
        publisher = Publisher(self._run.progress.publishing / stage.value)
        publisher.text(f"{stage}_parse_error.txt", "".join(f"{finding}\n" for finding in findings))
        started_at = self._run.inputs.ambient.timestamp()
        return RunningStage(StageRun(stage, (), findings, started_at, 0.0))

    def _actions(self) -> RunningStage | None:
        try:
            actions = load_actions(self._root, self._run.inputs.contract.file)
        except ContractError as error:
            return self._unusable(StageName.ACTIONS, error)
        return None if actions is None else self._run_actions(actions)

    def _run_actions(self, actions: Actions) -> RunningStage:
        environment = self._environment(StageName.ACTIONS, {})
        empty = StageRun(StageName.ACTIONS, (), (), self._run.inputs.ambient.timestamp(), 0.0)

        def execute(spec: StageSpec, keep: bool, folder: str) -> RunningStage:
            return self._execute(spec, environment, keep=keep, folder=folder)

        done = run_actions(actions, self._root, execute, empty)
        if done.run.ok:
            removed = put_away(actions, self._root, self._run.checks.tracked)
            self._run.run_dir.journal.append("actions_done", file=actions.file, sha256=actions.sha256, removed=removed)
        return done


def secrets(*environments: Mapping[str, str]) -> dict[str, str]:
    """Every value that must not be recorded: those whose name says that they are secret."""
    return {name: value for env in environments for name, value in env.items() if looks_secret(name)}
