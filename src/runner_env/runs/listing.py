"""Which runs there are, from their directories alone; a directory that is damaged is listed as such."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from runner_env.core import Finding, Verdict, Where
from runner_env.errors import EvidenceError, RunError
from runner_env.evidence.places import plain_bytes
from runner_env.evidence.rundir import JOURNAL, RECORD, RunDir
from runner_env.formats import record as record_format
from runner_env.formats.journal import decode
from runner_env.runs.history import History, seal_of

FORMAT: Final = "runner-env/run-summary@1"

State = Literal["running", "interrupted", "passed", "failed", "unscored"]
_VERDICTS: tuple[State, ...] = ("passed", "failed", "unscored")
_SECOND = len("20261122T021400Z")
"""So much of a run id says when it began; of two in the same second the milliseconds decide."""

_SEAL_BYTES = 4096
_HINT = "The rest of the directory may still be readable; do not rely on its verdict."


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One stored run in a line.

    Attributes:
        run_id: the name of its directory.
        state: `running` while its lock is held; `interrupted` if it was lost before its record was complete;
            otherwise the verdict.
        started_at: RFC 3339, UTC; None if that was not recorded.
        target: what the caller named; None likewise.
        model: its name; None if there is none.
        mode: smoke or full; None before the first call.
        score: the verified score of a run that passed.
        duration_s: seconds; None while there is no record.
        stage: where a run without a record stands or stood, or where a failed one went wrong.
        workspace: the directory the run happens or happened in.
        run_dir: its directory.
        findings: what is wrong with the directory itself; empty for a sound one.
    """

    run_id: str
    state: State
    started_at: str | None
    target: str | None
    model: str | None
    mode: str | None
    score: float | None
    duration_s: float | None
    stage: str | None
    workspace: str | None
    run_dir: str
    findings: tuple[Finding, ...] = ()
    format: Literal["runner-env/run-summary@1"] = field(default=FORMAT)


def list_runs(runs_dir: Path) -> list[RunSummary]:
    """Every run, newest first.

    Args:
        runs_dir: the folder of all run directories; it need not exist.

    Raises:
        EvidenceError: the folder cannot be read.
    """
    try:
        folders = [path for path in runs_dir.iterdir() if path.is_dir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        message = f"The runs in {runs_dir} cannot be listed: {error.strerror}."
        hint = "Check its owner and permissions, or name another directory in RUNNER_ENV_HOME."
        raise EvidenceError("evidence_io", message, hint=hint) from error
    found = [summary(path) for path in folders]
    return sorted(found, key=lambda one: (one.run_id[:_SECOND], one.started_at or "", one.run_id), reverse=True)


def summary(run_dir: Path) -> RunSummary:
    """What a run directory says of its run; never fails, whatever is in it."""
    try:
        live = RunDir.is_live(run_dir)
        if not live and os_lexists(run_dir / RECORD):
            return _recorded(run_dir)
        return _unrecorded(run_dir, "running" if live else "interrupted")
    except (EvidenceError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return _damaged(run_dir, error)


def find_run(runs_dir: Path, named: str) -> Path:
    """The directory of a run that is named by its id, the beginning of its id, or its directory.

    Raises:
        RunError: `run_not_found` or `run_ambiguous`.
    """
    if named and (Path(named) / JOURNAL).is_file():
        return Path(named).resolve()
    ids = sorted(path.name for path in runs_dir.iterdir() if path.is_dir()) if runs_dir.is_dir() else []
    found = [run_id for run_id in ids if run_id == named] or [i for i in ids if named and i.startswith(named)]
    if len(found) == 1:
        return runs_dir / found[0]
    if found:
        some = ", ".join(found[:5]) + (", …" if len(found) > 5 else "")
        raise RunError(
            "run_ambiguous", f"{len(found)} runs begin with {named!r}: {some}.", hint="Write more of the id."
        )
    hint = "`runner-env runs list` shows every run."
    raise RunError("run_not_found", f"There is no run {named!r} in {runs_dir}.", hint=hint)


def os_lexists(path: Path) -> bool:
    """Whether anything is at `path`, a link that leads nowhere included."""
    return path.is_symlink() or path.exists()


def _recorded(run_dir: Path) -> RunSummary:
    seal, data = _seal(run_dir), plain_bytes(run_dir / RECORD)
    if seal is None:
        return _unrecorded(run_dir, "interrupted")
    if seal != seal_of(data):
        raise ValueError("it is not the record that the journal names")
    record = json.loads(data)
    if record["format"] != record_format.FORMAT or record["verdict"] not in _VERDICTS:
        raise ValueError(f"it is no run record of format {record_format.FORMAT}")
    return RunSummary(
        run_id=run_dir.name,
        state=record["verdict"],
        started_at=_text(record, "started_at"),
        target=_text(record, "target"),
        model=_text(record["model"] or {}, "name"),
        mode=_text(record, "mode"),
        score=None if record["score"] is None else float(record["score"]),
        duration_s=float(record["duration_s"]),
        stage=_text(record, "failed_stage"),
        workspace=_text(record, "workspace"),
        run_dir=str(run_dir),
    )


def _seal(run_dir: Path) -> str | None:
    """The hash of the record, by the journal's last line; None if that is no seal. The other lines are not read."""
    lines = plain_bytes(run_dir / JOURNAL, _SEAL_BYTES).splitlines(keepends=True)
    try:
        last = decode(lines[-1])
    except (IndexError, ValueError):
        return None
    return str(last.data["sha256"]) if last.event == record_format.SEAL else None


def _unrecorded(run_dir: Path, state: State) -> RunSummary:
    history = History.read(run_dir)
    opening, calls = history.opening, history.calls
    return RunSummary(
        run_id=run_dir.name,
        state=state,
        started_at=history.entries[0].at if history.entries else None,
        target=_text(opening, "target"),
        model=_text(opening.get("model") or {}, "name"),
        mode=_text(calls[-1]["options"], "mode") if calls else None,
        score=None,
        duration_s=None,
        stage=history.stood_at or None,
        workspace=_text(opening, "workspace"),
        run_dir=str(run_dir),
    )


def _damaged(run_dir: Path, error: Exception) -> RunSummary:
    state: State = "unscored" if os_lexists(run_dir / RECORD) else "interrupted"
    if isinstance(error, EvidenceError):
        finding = Finding(error.code, error.message, error.where, error.hint or _HINT, verdict=Verdict.UNSCORED)
    else:
        message = f"What was recorded cannot be read: {type(error).__name__}: {error}"
        finding = Finding("run_damaged", message, Where(run_dir.name), _HINT, verdict=Verdict.UNSCORED)
    return RunSummary(run_dir.name, state, None, None, None, None, None, None, None, None, str(run_dir), (finding,))


def _text(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    return None if value is None else str(value)
