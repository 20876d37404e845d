"""Who writes and changes the contract of a session: rules, an agent program, or nobody.

no contract ─ begin ─▶ on trial ─ a run ─ changed ─▶ kept | changed, run anew | taken away
a contract ─ a run that failed ─ changed ─▶ repaired, run anew | left as it was
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.core import Finding
from runner_env.errors import ContractMissing
from runner_env.runs.sources import USUAL

if TYPE_CHECKING:
    from runner_env.runs.agent_author import AgentAuthor
    from runner_env.runs.authored import Trial
    from runner_env.runs.inputs import SessionInputs
    from runner_env.runs.run import Run
    from runner_env.runs.written import Written


class Authors:
    """Decides, after each run of a session, what becomes of its contract. What it needs is loaded when it is needed.

    Args:
        inputs: what the session is about.
    """

    def __init__(self, inputs: SessionInputs) -> None:
        self._inputs = inputs
        self._trial: Trial | None = None
        self._made: AgentAuthor | None = None
        self._missing: ContractMissing | None = None
        self._rounds = 0

    @property
    def written(self) -> tuple[Written, ...]:
        """How the contract of the next run came to be, as far as an agent had a hand in it."""
        return self._made.written if self._made else ()

    @property
    def unsettled(self) -> bool:
        """Whether `close` has something to do: a contract is on trial, or an agent program may be running."""
        return self._made is not None or (self._trial is not None and not self._trial.decided)

    def begin(self, missing: ContractMissing) -> None:
        """Write the contract of a repository that has none; it is on trial until a run with it went well.

        Args:
            missing: what is raised where nobody may or can.

        Raises:
            ContractMissing: nobody may write one, rules can write none, and no agent program is at hand; it says why.
            ScaffoldFailed: an agent tried, and nothing came of it.
            OptionError: the files cannot be written.
        """
        scaffold, why = self._inputs.options.scaffold, ""
        if scaffold == "off" or self._inputs.options.pipeline_rel != USUAL:
            raise missing
        self._missing = missing
        if scaffold != "agent":
            from runner_env.runs.authored import begin

            self._trial = begin(self._inputs.root)
            if self._trial is not None:
                return
            why = "rules can write none, because the repository states no command that tests or evaluates it"
            if scaffold == "rules":
                raise _because(missing, why, missing.hint)
        lacking = self._agent.lacking()
        if lacking is not None:
            raise _because(missing, " and ".join(filter(None, (why, _lowered(lacking.message)))), lacking.hint)
        self._agent.scaffold()

    def begin_call(self) -> None:
        """Count repairs afresh.

        Raises:
            ContractMissing: the contract that was on trial has been taken away.
        """
        self._rounds = 0
        if self._missing is not None and not (self._inputs.root / USUAL).is_file():
            raise _because(self._missing, "what was written in its place gave no score and was not kept", None)

    def changed(self, run: Run) -> bool:
        """Decide about the contract of a run that was carried out as far as it went, and is not finished.

        Returns:
            Whether another contract is in its place now, with which to run anew; this run has been wound down then.
        """
        trial = self._trial
        if run.cancel.is_set:
            return False
        if trial is not None and not trial.decided:
            if trial.judge(run):
                return True
            if trial.accepted or run.cancel.is_set or self._inputs.options.scaffold != "auto":
                return False
            return self._asked(run, note=False)
        return run.failed and self._asked(run, note=True)

    def settle(self, run: Run) -> None:
        """Keep the contract if this last run of a call went well, or else put back what was there before.

        A contract on trial is kept once it has been evaluated.
        """
        if self._made is not None:
            self._made.settle(run)

    def stop(self) -> None:
        """End what an agent does. Safe in a signal handler."""
        if self._made is not None:
            self._made.stop()

    def close(self) -> None:
        """Take a contract away that is still on trial, and end the agent program. Idempotent."""
        if self._trial is not None:
            self._trial.abandon()
        if self._made is not None:
            self._made.close()
            self._made = None

    def _asked(self, run: Run, *, note: bool) -> bool:
        """Have an agent change the contract, if it may and can."""
        from runner_env.runs.repairable import beyond_repair, unavailable

        if not run.progress.called.repair_iters or beyond_repair(run.progress):
            return False
        lacking = self._agent.lacking()
        if lacking is not None:
            run.progress.findings += [unavailable(lacking)] if note else []
            return False
        self._rounds += 1
        return self._rounds <= run.progress.called.repair_iters and self._agent.improve(run)

    @property
    def _agent(self) -> AgentAuthor:
        if self._made is None:
            from runner_env.runs.agent_author import AgentAuthor

            self._made = AgentAuthor(self._inputs)
        return self._made


def _because(missing: ContractMissing, why: str, hint: str | None) -> ContractMissing:
    first, *others = missing.findings
    message = f"{first.message.rstrip('.')}, and {why.rstrip('.')}."
    hints = dict.fromkeys(filter(None, (hint, first.hint)))
    return ContractMissing([Finding(first.code, message, first.where, " ".join(hints)), *others])


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:]
