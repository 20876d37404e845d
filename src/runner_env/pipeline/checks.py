"""What is done about a stage's artifacts: put the old ones aside before, check the new ones after."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from runner_env.contract.model import Contract, MetricsSpec, StageName
from runner_env.core import Finding, Usage, Verdict
from runner_env.errors import EvidenceError
from runner_env.evidence.rundir import RunDir
from runner_env.pipeline.hiding import SecretFree, has_secret, hidden, hidden_finding, masked_copy
from runner_env.text.masking import Masker
from runner_env.verification import (
    Aside,
    Claim,
    Context,
    Started,
    Verified,
    check_metrics,
    check_rollout,
    check_runtime_env,
    claimed_usage,
    restore,
    set_aside,
)

_KEPT_BYTES = 1 << 30
_CHECKED = frozenset({StageName.DEPLOY_SETUP, StageName.ROLLOUT, StageName.EVALUATION, StageName.BENCHMARK})


@dataclass(slots=True)
class Artifacts:
    """What a run's stages have handed in so far.

    Attributes:
        runtime: the object in `runtime_env.json`.
        rollout: the verified `rollout.json`.
        evaluation: the verified metrics of the evaluation.
        benchmark: the verified metrics of the benchmark.
        claims: every file taken in.
        usage: of the model, as the rollout claims it.
        aside_of: what earlier runs had left, by the stage that was about to write it.
    """

    runtime: dict[str, Any] = field(default_factory=dict)
    rollout: dict[str, Any] | None = None
    evaluation: dict[str, Any] | None = None
    benchmark: dict[str, Any] | None = None
    claims: list[Claim] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    aside_of: dict[StageName, tuple[Aside, ...]] = field(default_factory=dict)

    @property
    def aside(self) -> tuple[Aside, ...]:
        """What earlier runs had left, in the order in which it was put aside."""
        return tuple(one for moved in self.aside_of.values() for one in moved)

    @property
    def metrics(self) -> dict[str, Any] | None:
        """The metrics that count: the evaluation's, or the benchmark's where there is no evaluation."""
        return self.evaluation if self.evaluation is not None else self.benchmark


@dataclass(frozen=True, slots=True)
class Checks:
    """Checks the artifacts of one run's stages.

    Attributes:
        root: the workspace.
        contract: what is declared.
        run_dir: where claims are taken in.
        require_metrics: whether a run without a score can pass.
        artifacts: what was handed in.
        tracked: whether git tracks a path.
    """

    root: Path
    contract: Contract
    run_dir: RunDir
    require_metrics: bool
    artifacts: Artifacts
    tracked: Callable[[str], bool]

    def before(self, stage: StageName, masker: Masker) -> Started | None:
        """Put aside what earlier runs left where `stage` writes; returns the moment it starts if that matters.

        What is not under version control is kept without the secrets in it.
        """
        paths = [spec.path for spec in self._metrics_of(stage) if spec.path]
        announce = partial(self._announce, stage)
        set_aside(self.root, stage.value, paths, partial(self._keep, masker), self.tracked, announce)
        return Started.now(self.root) if stage in _CHECKED else None

    def after(
        self, stage: StageName, started: Started | None, masker: Masker, *, require_samples: bool, limit: int
    ) -> tuple[Finding, ...]:
        """Check what `stage`, which began at `started`, wrote; secrets in it are not recorded.

        Of a dataset, the rollout was asked to attempt `limit` items.
        """
        if started is None:
            return ()
        store = SecretFree(self.run_dir.store_file, masker)
        context = Context(repo=self.root, started=started, store=store, limit=limit)
        verified = self._verify(stage, context, masker, require_samples=require_samples)
        self.artifacts.claims += verified.claims
        for claim in verified.claims:
            self.run_dir.journal.note("claim", stage=stage, **asdict(claim))
        moved = self._not_written_again(stage)
        return (*(hidden_finding(masker, finding) for finding in verified.findings), *store.notes(stage.value), *moved)

    def restore(self) -> tuple[str, ...]:
        """Put back files under version control that were put aside and not written again; returns them."""
        tracked = [one.relative for one in self.artifacts.aside if one.tracked]
        if not tracked:
            return ()
        self.run_dir.journal.append("restore_started", paths=tracked)
        restored = restore(self.root, self.artifacts.aside, self.run_dir.path)
        self.run_dir.journal.note("restored", paths=list(restored))
        return restored

    def _announce(self, stage: StageName, one: Aside) -> None:
        self.run_dir.journal.append("set_aside", stage=stage, **asdict(one))
        self.artifacts.aside_of[stage] = (*self.artifacts.aside_of.get(stage, ()), one)

    def _not_written_again(self, stage: StageName) -> tuple[Finding, ...]:
        return tuple(
            Finding(
                "earlier_output_moved",
                f"What an earlier run left at {one.relative} was moved to {one.stored_at}, and not written again.",
                hint="Only what this run writes counts.",
                verdict=Verdict.PASSED,
                stage=stage.value,
            )
            for one in self.artifacts.aside_of.get(stage, ())
            if not os.path.lexists(self.root / one.relative)
        )

    def _keep(self, masker: Masker, relative: str, fd: int) -> str:
        reference = f"previous/{len(self.artifacts.aside):02}/{relative}"
        if self.tracked(relative) or not has_secret(masker, fd):
            stored = self.run_dir.store_file(fd, reference, _KEPT_BYTES)
        else:
            with masked_copy(masker, fd) as copy:
                stored = self.run_dir.store_file(copy.fileno(), reference, _KEPT_BYTES)
        if stored is None:
            raise EvidenceError("aside_failed", f"What an earlier run left in {relative} is too large to keep.")
        return stored.reference

    def _verify(self, stage: StageName, context: Context, masker: Masker, *, require_samples: bool) -> Verified:
        artifacts = self.artifacts
        verified = Verified()
        if stage is StageName.DEPLOY_SETUP:
            verified = check_runtime_env(context)
            artifacts.runtime = verified.value or {}
        elif stage is StageName.ROLLOUT:
            verified = check_rollout(context, require_samples=require_samples)
            artifacts.rollout = verified.value
            artifacts.usage = claimed_usage(verified.value or {})
        for spec in self._metrics_of(stage):
            evaluated = self.contract.evaluation_metrics
            alone = stage is StageName.EVALUATION or evaluated is None or evaluated.path is None
            required = self.require_metrics and alone
            verified = check_metrics(context, spec, stage.value, required=required)
            if stage is StageName.EVALUATION:
                artifacts.evaluation = hidden(masker, verified.value)
            else:
                artifacts.benchmark = hidden(masker, verified.value)
        return verified

    def _metrics_of(self, stage: StageName) -> tuple[MetricsSpec, ...]:
        spec = {
            StageName.EVALUATION: self.contract.evaluation_metrics,
            StageName.BENCHMARK: self.contract.benchmark_metrics,
        }.get(stage)
        return (spec,) if spec is not None and spec.path else ()
