"""Is a stored run still what was recorded? Needs nothing but its run directory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from runner_env.core import Finding, Verdict, Where
from runner_env.errors import EvidenceError
from runner_env.formats import journal
from runner_env.formats.record import SEAL, RunRecord, read_record
from runner_env.formats.sandbox import EVENT
from runner_env.formats.skill import TRIAL_EVENT
from runner_env.runs.written import EVENT as AUTHORING

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of checking a run directory.

    Attributes:
        record: the run record; None if it cannot be read.
        entries: lines of the journal.
        files: captures and artifacts whose hash is right.
        problems: what is not as it was recorded; empty if the proof holds.
    """

    record: RunRecord | None
    entries: int
    files: int
    problems: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether everything is as it was recorded."""
        return not self.problems


def check_proof(run_dir: Path) -> Proof:
    """Check the journal's chain, the record against the journal, and every kept file against the record.

    Whoever can write the run directory can forge all of it consistently; this finds everything less than that.

    Args:
        run_dir: a run's directory, as `result.run_dir` names it.

    Raises:
        EvidenceError: there is no run there.
    """
    if not (run_dir / "journal.jsonl").is_file():
        hint = "`runner-env runs list --json` names the directory of every run."
        raise EvidenceError("run_missing", f"{run_dir} is not a run directory: it has no journal.jsonl.", hint=hint)
    report = journal.verify(run_dir / "journal.jsonl")
    try:
        data = (run_dir / "record.json").read_bytes()
        record = read_record(data)
    except (OSError, EvidenceError) as error:
        problem = _problem("record_missing", f"The run has no readable record: {error}", "record.json")
        if isinstance(error, FileNotFoundError):
            hint = f"It is going on, or it was lost: `runner-env resume {run_dir.name}` goes on with a lost run."
            problem = replace(problem, message="The run has no record.", hint=hint)
        return Proof(None, report.entries, 0, (*report.problems, problem))
    sealed = tuple(_seal_problems(run_dir, record, data)) if not report.problems else ()
    kept = (*_kept(record), *_of_the_journal(run_dir, report.problems))
    checked = [_file_problem(run_dir, reference, sha256) for reference, sha256 in kept]
    wrong = tuple(found for found in checked if found is not None)
    files = len(checked) - len(wrong)
    return Proof(record, report.entries, files, (*report.problems, *sealed, *wrong))


def _seal_problems(run_dir: Path, record: RunRecord, data: bytes) -> Iterator[Finding]:
    entries = list(journal.read(run_dir / "journal.jsonl"))
    before = entries[record.journal_entries - 1] if 0 < record.journal_entries <= len(entries) else None
    if before is None or before.hash != record.journal_head:
        yield _problem("record_changed", "The record does not belong to this journal.", "record.json")
    last = entries[-1]
    if last.event != SEAL or last.n != record.journal_entries + 1:
        yield _problem("journal_changed", "The journal does not end with the record.", "journal.jsonl")
    elif last.data.get("sha256") != hashlib.sha256(data).hexdigest():
        yield _problem("record_changed", "The record is not as the journal says it was written.", "record.json")


def _of_the_journal(run_dir: Path, problems: Sequence[Finding]) -> Iterator[tuple[str, str]]:
    """What the journal alone names: how attempts were contained, the order of output, trials, what agents said.

    Of a journal that was changed nothing is believed.
    """
    for entry in () if problems else journal.read(run_dir / "journal.jsonl"):
        if entry.event in (EVENT, TRIAL_EVENT, AUTHORING):
            yield str(entry.data["reference"]), str(entry.data["sha256"])
        elif entry.event == "output_recorded" and entry.data.get("merged"):
            yield str(entry.data["merged"]["reference"]), str(entry.data["merged"]["sha256"])


def _kept(record: RunRecord) -> Iterator[tuple[str, str]]:
    """Every file that the record names, with its hash."""
    for written in record.authoring:
        yield written.provenance, written.sha256
    for claim in record.claims:
        if claim.reference is not None:
            yield claim.reference, claim.sha256
    for stage in record.stages:
        for command in stage.commands:
            for capture in (command.stdout, command.stderr):
                if capture.error is None and capture.sha256:  # no hash: the run broke off while it was written
                    yield capture.reference, capture.sha256
            if command.trace is not None and command.trace.sha256:
                yield command.trace.reference, command.trace.sha256


def _file_problem(run_dir: Path, reference: str, sha256: str) -> Finding | None:
    path = run_dir / reference
    if not path.resolve().is_relative_to(run_dir.resolve()) or not path.is_file():
        return _problem("evidence_missing", f"{reference} is missing.", reference)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    if digest.hexdigest() != sha256:
        return _problem("evidence_changed", f"{reference} is not as it was recorded.", reference)
    return None


def _problem(code: str, message: str, file: str) -> Finding:
    hint = "Do not rely on this run; run it again."
    return Finding(code, message, Where(file), hint, verdict=Verdict.UNSCORED)
