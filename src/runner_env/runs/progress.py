"""What a run has come to so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from runner_env.core import Finding, Verdict
from runner_env.formats.sandbox import SandboxRecord
from runner_env.pipeline.checks import Artifacts
from runner_env.pipeline.plan import Plan
from runner_env.pipeline.stage import RunningStage
from runner_env.runs.options import CallOptions
from runner_env.runs.written import Written


@dataclass(slots=True)
class Progress:
    """What a run has come to so far.

    Attributes:
        plan: every declared stage.
        artifacts: what the stages handed in.
        stages: every stage that was started, in order.
        findings: of the run itself, apart from its stages'.
        called: what was asked for last.
        artifacts_dir: the published copy of the last call.
        publishing: the published copy that stages go to now; the teardown has its own.
        publish_below: the folder below which no link is followed on the way to that; None for the usual one.
        changed: tracked files whose content the run changed.
        bootstrap_env: what `bootstrap.yml` sets for every stage.
        secrets: values that must not be recorded, by name.
        sandbox: how commands are contained, once that is known.
        written: how the contract came to be, where it is not the repository's own.
    """

    plan: Plan
    artifacts: Artifacts
    stages: list[RunningStage] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    called: CallOptions = field(default_factory=CallOptions)
    artifacts_dir: Path = Path()
    publishing: Path = Path()
    publish_below: Path | None = None
    changed: tuple[str, ...] = ()
    bootstrap_env: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    sandbox: SandboxRecord | None = None
    written: list[Written] = field(default_factory=list)

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

    @property
    def score(self) -> float | None:
        """The verified score of a run that has passed so far; None otherwise."""
        score = (self.artifacts.metrics or {}).get("score") if self.verdict is Verdict.PASSED else None
        return None if score is None else float(score)
