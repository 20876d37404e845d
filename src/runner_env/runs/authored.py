"""A contract by rules on trial: it is written, run, changed by what the run said, and kept only if it gave a score."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner_env.authoring.amend import Said, amended, incomplete
from runner_env.authoring.provenance import provenance
from runner_env.authoring.render import render
from runner_env.authoring.rules import propose
from runner_env.contract.model import StageName
from runner_env.core import Ending, Finding, Verdict
from runner_env.errors import OptionError
from runner_env.evidence.publish import Publisher
from runner_env.runs.outputs import ends
from runner_env.runs.written import EVENT, Written

if TYPE_CHECKING:
    from pathlib import Path

    from runner_env.authoring.model import Recipe
    from runner_env.pipeline.values import CommandRun
    from runner_env.runs.run import Run

_MOST_ATTEMPTS = 7
_MOST_SECONDS = 1200.0
_HEAD, _TAIL = 200_000, 400_000


def begin(root: Path) -> Trial | None:
    """Write the contract that rules propose for a repository that has none; None if they can propose none.

    Raises:
        OptionError: the files cannot be written.
    """
    recipe = propose(root)
    if recipe is None:
        return None
    trial = Trial(root, recipe)
    trial.write()
    return trial


@dataclass(slots=True)
class Trial:
    """A contract by rules that has still to prove itself.

    Attributes:
        root: the repository.
        recipe: what the contract is made of now.
        attempts: how often it was run.
        spent: seconds that those runs took.
        decided: whether it was kept or taken away.
        accepted: whether it was kept.
    """

    root: Path
    recipe: Recipe
    attempts: int = 0
    spent: float = 0.0
    decided: bool = False
    accepted: bool = False
    _written: dict[str, str] = field(default_factory=dict)

    def write(self) -> None:
        """Put the contract in place of the one before it; a file that is not ours is left alone.

        Raises:
            OptionError: a file cannot be written.
        """
        files = render(self.recipe)
        try:
            for name in [name for name in self._written if name not in files]:
                (self.root / name).unlink(missing_ok=True)
                del self._written[name]
            for name, text in files.items():
                path = self.root / name
                if path.exists() and name not in self._written:
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
                self._written[name] = text
        except OSError as error:
            message = f"{error.filename} cannot be written: {error.strerror}."
            raise OptionError("cannot_write", message, hint="Name a target that you may write to.") from error

    def judge(self, run: Run) -> bool:
        """Decide, from a run that has not been finished, what becomes of the contract, and say it in the run.

        Returns:
            Whether there is another contract to try, which is in place then.
        """
        self.attempts += 1
        self.spent += sum(stage.run.duration_s for stage in run.progress.stages)
        scored = run.progress.artifacts.evaluation is not None and not run.failed
        if run.cancel.is_set:
            return False
        barren = scored and _nothing_passed(run)
        said = self._said(run, scored=scored and not barren)
        new = amended(self.recipe, self.root, said) if said else None
        if new is not None and self.attempts < _MOST_ATTEMPTS and self.spent < _MOST_SECONDS:
            self._note(run, "scaffold_amended", f"The contract by rules is changed and run again: {new.amended[-1]}.")
            self._keep_evidence(run, accepted=False)
            self.recipe = new
            self.write()
            return True
        lacking = incomplete(self.recipe, self.root, said.output) if said else ()
        if scored and not barren and new is not None:  # what a run with a score still wants is something that it lacked
            lacking = lacking or (new.amended[-1].removeprefix("install "),)
        accepted = scored and not lacking and not barren
        if accepted:
            self._note(run, "scaffold_accepted", "The contract was written by rules, and has given this score.")
        elif scored:
            why = f"{', '.join(lacking)} could not be installed" if lacking else "not one test passed"
            message = f"The score is not that of the repository: {why}."
            hint = "Install what the tests need in `.aider_fsm/bootstrap.yml`."
            run.progress.findings.append(Finding("environment_incomplete", message, None, hint, (), Verdict.UNSCORED))
        else:
            message = "The contract that rules wrote gave no score, so it was not kept."
            self._note(run, "scaffold_not_accepted", message, "Write one; `init --from-hints` gives it as a start.")
        self._keep_evidence(run, accepted=accepted)
        self.decided, self.accepted = True, accepted
        if not accepted:
            self._take_away()
        return False

    def abandon(self) -> None:
        """Take a contract away that was never run to an end."""
        if not self.decided:
            self.decided = True
            self._take_away()

    def _take_away(self) -> None:
        for name, text in self._written.items():
            path = self.root / name
            if path.is_file() and path.read_text("utf-8", "replace") == text:
                path.unlink()
        self._written = {}

    def _note(self, run: Run, code: str, message: str, hint: str | None = None) -> None:
        run.progress.findings.append(Finding(code, message, None, hint, verdict=Verdict.PASSED))

    def _keep_evidence(self, run: Run, *, accepted: bool) -> None:
        told = provenance(self.recipe, self._written, accepted=accepted)
        reason = "" if accepted else "its run gave no score"
        one = Written("scaffold", "rules", told, tuple(sorted(self._written)), accepted, reason)
        run.progress.written.append(one)
        for name, text in self._written.items():
            stored = run.run_dir.store_bytes(f"scaffold/{name.replace('/', '_').lstrip('.')}", text.encode())
            run.run_dir.journal.append(EVENT, reference=stored.reference, sha256=stored.sha256)
        Publisher(run.progress.publishing, run.progress.publish_below).json(one.name, one.provenance)

    def _said(self, run: Run, *, scored: bool) -> Said | None:
        """What ended the run, or, of a run with a score that is not full, what its tests said."""
        stages = [stage.run for stage in run.progress.stages if stage.run.commands]
        last = stages[-1] if stages else None
        if last is None or last.stage not in (StageName.BOOTSTRAP, StageName.EVALUATION):
            return None
        command = last.commands[-1]
        if command.outcome.ending is not Ending.EXITED:
            return None
        if scored and not command.outcome.exit_code:
            return None
        return Said(last.stage.value, command.command.text, _output(run.run_dir.path, command), scored)


def _nothing_passed(run: Run) -> bool:
    """Whether there were tests, and not one of them passed: so fails a whole environment, not a project."""
    counts = (run.progress.artifacts.evaluation or {}).get("counts")
    return isinstance(counts, dict) and counts.get("passed") == 0 and not counts.get("xfailed")


def _output(run_dir: Path, command: CommandRun) -> str:
    """What a command wrote: the beginning and the end of either stream."""
    parts = []
    for capture in (command.stdout, command.stderr):
        first, last, _ = ends(run_dir / capture.reference, _HEAD, _TAIL)
        parts.append((first + b"\n" + last if last else first).decode("utf-8", "replace"))
    return "\n".join(parts)
