"""The record of a run: `record.json` in its run directory, and what `runner-env run --json` prints.

Format `runner-env/run-record@1` (our own). It is derived: everything in it can be read again from the journal and the
captures beside it, whose last hash it names. Its JSON Schema is `schemas/run-record.schema.json`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from runner_env.core import Finding, Outcome, Usage, Verdict
from runner_env.core.outcome import Capture
from runner_env.errors import EvidenceError

FORMAT: Final = "runner-env/run-record@1"

_LONE_SURROGATE = re.compile(rb"(?<!\\)\\u(d[89a-f][0-9a-f]{2})")
"""The only escapes of this kind that canonical JSON has; JSON readers refuse them."""

SEAL = "record_written"
"""The journal's last event: it names the SHA-256 of `record.json`, which itself names the journal's head before it."""


@dataclass(frozen=True, slots=True)
class RevisionRecord:
    """Exactly which state of the target was run.

    Attributes:
        source: `path` for a directory in place, `git` for a clone.
        kind: `git`; `none` where the target is not under version control; `unknown` where its `.git` cannot be read.
        commit: full commit id.
        ref: branch or tag, if one was asked for or is checked out.
        dirty: whether tracked files differed from the commit before the run.
        url: where it came from, credentials removed.
    """

    source: str
    kind: str
    commit: str | None
    ref: str | None
    dirty: bool | None
    url: str | None


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """The model of the run, as `llm=` named it."""

    kind: str
    name: str
    path: str | None


@dataclass(frozen=True, slots=True)
class ContractRecord:
    """The contract files, by SHA-256."""

    file: str
    sha256: str
    bootstrap_sha256: str | None


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """A declared stage: `status` is `run` or `skipped`; `reason` says why it was skipped, or that it broke off."""

    stage: str
    status: Literal["run", "skipped"]
    reason: str
    ok: bool | None
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class TraceRecord:
    """Which programs an attempt executed, as `runner_env.formats.trace` describes it.

    Attributes:
        reference: the file, POSIX, relative to the run directory.
        sha256: of the file.
        programs: how many programs ran.
        events: how many events are in the file.
        dropped: events beyond what is kept of one command.
        missing: why the file does not tell of all that ran; empty if it does, but for `dropped`.
    """

    reference: str
    sha256: str
    programs: int
    events: int
    dropped: int
    missing: str


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """One attempt at one command, with its recorded output, and, if it was observed, which programs it executed."""

    number: int
    attempt: int
    command: str
    where: str
    outcome: Outcome
    stdout: Capture
    stderr: Capture
    trace: TraceRecord | None = None


@dataclass(frozen=True, slots=True)
class StageRecord:
    """One executed stage. `ended` counts processes that were ended with it, `kept` those that stayed as services.

    `observed` says whether the trace of each command that ran tells of all its programs, `unobserved` why not.
    """

    stage: str
    ok: bool
    started_at: str
    duration_s: float
    ended: int
    kept: int
    commands: tuple[CommandRecord, ...]
    observed: bool = False
    unobserved: str = ""


@dataclass(frozen=True, slots=True)
class ClaimRecord:
    """A file that the target wrote, taken in; `reference` is None where only its hash was kept."""

    name: str
    reference: str | None
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """One turn of an agent that was to write or repair a contract.

    Attributes:
        number: from 1.
        duration_s: seconds, retries included.
        usage: of the model, as the agent program reports it.
        failure: the class of the failure, a value of `FailureKind`; empty if the turn ended well.
        tool_calls: how many the agent reported; None: it does not report them.
        refused: files that it changed and may not, which were put back.
        problems: codes of what was wrong with its proposal.
    """

    number: int
    duration_s: float
    usage: Usage
    failure: str
    tool_calls: int | None
    refused: tuple[str, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuthoringRecord:
    """How the contract of this run was written or changed, or was tried to be, by others than the repository's owners.

    Attributes:
        purpose: `scaffold` where there was none, `repair` after a run that failed.
        author: `rules` or `agent`.
        accepted: whether a run with it went well; None while it has not been run.
        reason: why nothing came of it; empty if something did.
        harness: the agent program; empty for rules.
        model: as it was asked for; empty: the harness's own choice.
        turns: of the agent, oldest first; for rules none.
        files: of the contract that were changed, POSIX, relative to the repository.
        duration_s: seconds that the writing took.
        after: the run whose failure led to it; empty if it was none.
        sandbox: the level at which the agent program ran; empty where it runs elsewhere, or nothing does.
        fallback_reason: why the level is another one than was tried first; empty if it is not.
        provenance: the file that tells all of it, POSIX, relative to the run directory.
        sha256: of that file.
    """

    purpose: Literal["scaffold", "repair"]
    author: Literal["rules", "agent"]
    accepted: bool | None
    reason: str
    harness: str
    model: str
    turns: tuple[TurnRecord, ...]
    files: tuple[str, ...]
    duration_s: float
    after: str
    sandbox: str
    fallback_reason: str
    provenance: str
    sha256: str


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run, from its first stage to its teardown.

    Attributes:
        run_id: sorts by time.
        target: what the caller named.
        verdict: passed, failed or unscored.
        ok: whether the verdict is `passed`.
        score: `metrics["score"]` of a run that produced one.
        failed_stage: where it went wrong, if it did.
        findings: everything found out, notes included.
        metrics: the verified metrics.
        usage: of the model.
        plan: every declared stage.
        stages: every executed stage.
        claims: files that the target wrote, with their hashes.
        changed_tracked: files under version control whose content the run changed.
        revision: of the target.
        contract: its files.
        model: the model of the run.
        mode: smoke or full.
        options: what the caller asked for.
        versions: of the runner, Python, the platform.
        sandbox: the level at which commands ran.
        started_at: RFC 3339, UTC.
        ended_at: RFC 3339, UTC.
        duration_s: seconds on the monotonic clock.
        workspace: the directory the run happened in.
        run_dir: where the evidence is.
        artifacts_dir: where the published copy of the last call is.
        journal_head: hash of the journal's last line before this record was written.
        journal_entries: number of its lines until then.
        network: `host` or `none`, as asked for.
        fallback_reason: why the level is another one than was tried first; empty if it is not.
        guarantees: how far each held, by name; `sandbox.json` says what that rests on.
        authoring: how the contract came to be, oldest first; empty where it is the repository's own.
    """

    run_id: str
    target: str
    verdict: Verdict
    ok: bool
    score: float | None
    failed_stage: str | None
    findings: tuple[Finding, ...]
    metrics: dict[str, Any] | None
    usage: Usage
    plan: tuple[PlanRecord, ...]
    stages: tuple[StageRecord, ...]
    claims: tuple[ClaimRecord, ...]
    changed_tracked: tuple[str, ...]
    revision: RevisionRecord
    contract: ContractRecord
    model: ModelRecord | None
    mode: str
    options: dict[str, Any]
    versions: dict[str, str]
    sandbox: str
    started_at: str
    ended_at: str
    duration_s: float
    workspace: str
    run_dir: str
    artifacts_dir: str
    journal_head: str
    journal_entries: int
    network: str = "host"
    fallback_reason: str = ""
    guarantees: dict[str, str] = field(default_factory=dict)
    authoring: tuple[AuthoringRecord, ...] = ()
    format: Literal["runner-env/run-record@1"] = field(default=FORMAT)


def record_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a run record."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(RunRecord).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": FORMAT, **schema}


def read_record(data: bytes) -> RunRecord:
    """Read a stored record. Bytes of a path that are not UTF-8 read as the six characters of their escape.

    Raises:
        EvidenceError: it is not a record, or of a version that this program does not know.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(RunRecord).validate_json(_LONE_SURROGATE.sub(rb"\\\\u\1", data))
    except ValidationError as error:
        raise EvidenceError(
            "bad_record", f"This is no run record of format {FORMAT}: {error.errors()[0]['msg']}"
        ) from error
