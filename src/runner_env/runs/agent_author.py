"""An agent program that writes the contract of a session, and repairs it after runs that failed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner_env.authoring.agent import Terms, write_contract
from runner_env.authoring.authored import Authored
from runner_env.authoring.brief import Brief, Purpose
from runner_env.authoring.contract_files import contract_hashes
from runner_env.authoring.copy import AgentCopy
from runner_env.authoring.provenance import authored_provenance
from runner_env.authoring.takeover import Undo, take_over
from runner_env.core import Finding, Verdict
from runner_env.errors import HarnessError, ScaffoldFailed, TargetError
from runner_env.evidence.publish import Publisher
from runner_env.evidence.rundir import RunDir
from runner_env.hints.find import find_hints
from runner_env.pipeline.hiding import secrets_in
from runner_env.runs.briefs import failed_run, told_by
from runner_env.runs.desk import Desk
from runner_env.runs.sources import USUAL
from runner_env.runs.told import Told
from runner_env.runs.written import Written, written_by_agent
from runner_env.text.masking import Masker
from runner_env.verification.model import ARTIFACTS_PATH

if TYPE_CHECKING:
    from runner_env.authoring.proposal import Proposal
    from runner_env.harnesses.model import Harness
    from runner_env.runs.inputs import SessionInputs
    from runner_env.runs.run import Run

_TURNS_VARIABLE = "AIDER_OPENCODE_SCAFFOLD_ATTEMPTS"
_TURNS = 5
_LONGEST_NUMBER = 9
_MODEL_VARIABLE = "OPENCODE_MODEL"


@dataclass(slots=True)
class AgentAuthor:
    """An agent for one session.

    Attributes:
        inputs: what the session is about.
        written: each change that is in place now, oldest first.
        on_trial: whether the whole contract is an agent's, and no run with it went well yet.
    """

    inputs: SessionInputs
    written: tuple[Written, ...] = ()
    on_trial: bool = False
    _desk: Desk = field(init=False)
    _undo: list[Undo] = field(default_factory=list)
    _rounds: int = 0
    _story: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._desk = Desk(self.inputs)

    def lacking(self) -> HarnessError | None:
        """What is missing for an agent to work here; None if nothing is known to be."""
        return self._desk.lacking()

    def scaffold(self) -> None:
        """Have a contract written where there is none, and put it in place, on trial.

        Raises:
            ScaffoldFailed: nothing came of it that can be used.
        """
        masker = Masker(secrets_in(self.inputs.settings.environ))
        run_id = self.inputs.ambient.new_run_id()
        folder, ambient = self.inputs.settings.authoring_dir, self.inputs.ambient
        with RunDir.create(folder, run_id, ambient=ambient, observer=self.inputs.observer) as run_dir:
            one, reason = self._write(self._brief(Purpose.SCAFFOLD), Told(run_dir, "scaffold", masker), "")
            run_dir.store_bytes(one.name, one.as_bytes())
        root = self.inputs.options.artifacts_dir or self.inputs.root / ARTIFACTS_PATH / run_id / "scaffold"
        publisher = Publisher(root, None if self.inputs.options.artifacts_dir else self.inputs.root)
        publisher.json(one.name, one.provenance)
        if reason is None:
            return
        text = f"scaffold_contract_failed: {reason.message}\nturns: {len(one.turns)}\nevidence: {run_dir.path}\n"
        publisher.text("scaffold_error.txt", text)
        message = f"No contract came of asking {one.harness} for one: {reason.message}"
        hint = " ".join(filter(None, (reason.hint, f"What it was told and said is in {run_dir.path}.")))
        raise ScaffoldFailed("scaffold_contract_failed", message, where=reason.where, hint=hint)

    def improve(self, run: Run) -> bool:
        """Have the contract changed after a run that failed.

        Returns:
            Whether another one is in place now. The run has been wound down.
        """
        run.wind_down()
        if run.cancel.is_set:
            return False
        self._rounds += 1
        anew = self.on_trial or not (self.inputs.root / USUAL).exists()
        purpose = Purpose.SCAFFOLD if anew and self.inputs.options.pipeline_rel == USUAL else Purpose.REPAIR
        brief = self._brief(purpose, failed=failed_run(run), earlier=tuple(self._story), **told_by(run))
        told = Told(run.run_dir, f"{purpose}_{self._rounds:02}", Masker(run.progress.secrets))
        one, reason = self._write(brief, told, run.run_id)
        publisher = Publisher(run.progress.publishing, run.progress.publish_below)
        publisher.json(f"{told.folder}/{one.name}", one.provenance)
        if reason is not None:
            one.accepted = False
            run.progress.written.append(one)
        run.progress.findings.append(_note(one, reason))
        return reason is None

    def settle(self, run: Run) -> None:
        """After the last run of a call: keep what is in place if the run went well, or else put back what was there."""
        decided = run.failed or not self.on_trial or run.progress.artifacts.evaluation is not None
        if not decided:
            return
        for one in self.written:
            if one.accepted is None:  # what was kept by an earlier call stays kept
                one.accepted = not run.failed
        if not run.failed:
            self._undo.clear()
            self.on_trial = False
        elif self._undo:
            run.wind_down()  # a teardown may need what is there now
            self._put_back()
            message = "What the agent wrote did not lead to a run that went well, so it was not kept."
            hint = "It is in the evidence, with what the agent was told and said."
            run.progress.findings.append(Finding("contract_put_back", message, hint=hint, verdict=Verdict.PASSED))

    def stop(self) -> None:
        """End what the agent does. Safe in a signal handler."""
        self._desk.stop()

    def close(self) -> None:
        """Take a contract away that is still on trial; end the agent program. Idempotent."""
        if self.on_trial:
            self._put_back()
        self._desk.close()

    def _brief(self, purpose: Purpose, **more: Any) -> Brief:  # noqa: ANN401 - fields of a brief
        return Brief(
            purpose,
            hints=find_hints(self.inputs.root),
            require_metrics=self.inputs.options.require_metrics,
            secrets=self.inputs.options.pass_env,
            max_chars=self.inputs.options.agent.max_prompt_chars,
            **more,
        )

    def _write(self, brief: Brief, told: Told, after: str) -> tuple[Written, Finding | None]:
        """Have an agent work, and put what it proposes in place; why nothing came of it, if nothing did."""
        terms, started = self._terms(brief.purpose), self.inputs.ambient.monotonic()
        journal, purpose = told.run_dir.journal, brief.purpose.value
        journal.append("authoring_started", purpose=purpose, harness=self._desk.name, model=terms["model"], after=after)
        authored = self._worked(brief, told, terms)
        reason, before = authored.reason, contract_hashes(self.inputs.root)
        if authored.proposal is not None:
            journal.append("contract_taken_over", files=sorted(authored.proposal.files), before=before)
            reason = self._take_over(authored.proposal)
        provenance = authored_provenance(
            [authored], before=before, after=contract_hashes(self.inputs.root), accepted=None, masker=told.masker
        )
        took = self.inputs.ambient.monotonic() - started
        one = written_by_agent(authored, reason, provenance, self._desk.sandbox, duration_s=took, after=after)
        if reason is None:
            self.written = (*self.written, one)
            self.on_trial = self.on_trial or brief.purpose is Purpose.SCAFFOLD
        self._story.append(_sentence(one))
        journal.append(
            "authoring_ended", purpose=purpose, reason=one.reason, duration_s=one.duration_s, turns=len(one.turns)
        )
        return one, reason

    def _worked(self, brief: Brief, told: Told, terms: Terms) -> Authored:
        """What came of asking an agent, in a copy that is gone afterwards."""
        with AgentCopy.make(self.inputs.root, self._desk.copies, settings=self.inputs.settings) as copy, told:

            async def task(harness: Harness) -> Authored:
                return await write_contract(harness, brief, copy, self.inputs.root, record=told, **terms)

            try:
                return self._desk.work(task)
            except asyncio.CancelledError:
                why = Finding("agent_interrupted", "It was told to stop.", hint="Run it again.")
                return Authored(brief.purpose, self._desk.name, {}, terms["model"], None, (), why)

    def _take_over(self, proposal: Proposal) -> Finding | None:
        try:
            self._undo.append(take_over(proposal, self.inputs.root))
        except TargetError as error:
            return Finding(error.code, error.message, error.where, error.hint)
        return None

    def _put_back(self) -> None:
        while self._undo:
            self._undo.pop().restore()
        self.written = ()
        self.on_trial = False

    def _terms(self, purpose: Purpose) -> Terms:
        agent, environ = self.inputs.options.agent, self.inputs.settings.environ
        repair = purpose is Purpose.REPAIR
        model = agent.repair_model if repair and agent.repair_model is not None else agent.model
        timeout_s = agent.repair_timeout_seconds if repair else None
        return {
            "model": model or environ.get(_MODEL_VARIABLE, ""),
            "attempts": _turns(environ),
            "timeout_s": timeout_s or agent.timeout_seconds,
            "shell": agent.scaffold_bash == "full" and not repair,
        }


def _turns(environ: Mapping[str, str]) -> int:
    """Turns for a new contract: what the variable says, as far as it says a number; the author keeps to its bounds."""
    text = environ.get(_TURNS_VARIABLE, "").strip()[:_LONGEST_NUMBER]
    return int(text) if text.isdecimal() else _TURNS


def _sentence(one: Written) -> str:
    what = ", ".join(one.files) or "nothing"
    return f"{one.purpose}: the agent changed {what}{f'; not used: {one.reason}' if one.reason else ''}."


def _note(one: Written, reason: Finding | None) -> Finding:
    """What is said in the run that failed; its own failure stays first, unless the agent overstepped."""
    if reason is None:
        files = ", ".join(one.files)
        message = f"{one.harness} changed the contract ({files}); it is run again with that."
        return Finding(
            "contract_changed_by_agent", message, hint="The next run says what came of it.", verdict=Verdict.PASSED
        )
    verdict = Verdict.FAILED if reason.code == "agent_escaped" else Verdict.PASSED
    return Finding(
        reason.code, f"The contract was not repaired: {reason.message}", reason.where, reason.hint, (), verdict
    )
