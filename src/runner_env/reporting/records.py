"""Reading a run record from where the run left it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.errors import EvidenceError
from runner_env.formats.record import RunRecord, read_record

if TYPE_CHECKING:
    from pathlib import Path

RECORD = "record.json"


def load_record(run_dir: Path) -> RunRecord:
    """The record of a run that is over.

    Raises:
        EvidenceError: there is none, or it cannot be read.
    """
    path = run_dir / RECORD
    try:
        data = path.read_bytes()
    except OSError as error:
        message = f"The run has no readable record at {path}: {error.strerror or error}."
        hint = (
            "The disk may have been full when the run ended; journal.jsonl beside it has what was recorded until then."
        )
        raise EvidenceError("record_missing", message, hint=hint) from error
    return read_record(data)
