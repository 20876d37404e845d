"""What an agent is told and says, on the disk before anybody reads it: one JSON object a line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_env.runs.written import EVENT
from runner_env.text.masking import Masker

if TYPE_CHECKING:
    from types import TracebackType

    from runner_env.authoring.authored import Recorded
    from runner_env.evidence.capture import CaptureFile
    from runner_env.evidence.rundir import RunDir

NAME = "agent.jsonl"


@dataclass(slots=True)
class Told:
    """A recorder for one task. A context manager, at whose end the journal names the file and its hash.

    Attributes:
        run_dir: where it is kept.
        folder: in it, POSIX.
        masker: of the secrets that must not be kept.
    """

    run_dir: RunDir
    folder: str
    masker: Masker
    _capture: CaptureFile | None = None

    def __enter__(self) -> Told:
        self._capture = self.run_dir.capture(f"{self.folder}/{NAME}", masker=Masker({}))  # each line is masked whole
        return self

    def __call__(self, one: Recorded) -> None:
        """Keep one thing."""
        assert self._capture is not None
        line = {"turn": one.attempt, "kind": one.kind, "name": one.name, "text": one.text}
        masked = {key: self.masker.text(value) if isinstance(value, str) else value for key, value in line.items()}
        self._capture.write(json.dumps(masked).encode() + b"\n")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._capture is not None
        capture = self._capture.close()
        self.run_dir.journal.append(EVENT, reference=capture.reference, sha256=capture.sha256)
