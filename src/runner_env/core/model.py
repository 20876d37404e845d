"""Which model a run is about."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class ModelKind(StrEnum):
    """How the model is reached; the values are those of `AIDER_LLM_KIND`."""

    REMOTE = "remote"
    LOCAL_HF = "local_hf"


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model id at an endpoint, or a model directory on this machine.

    Attributes:
        kind: remote or local directory.
        name: the model id; for a directory its base name.
        path: the absolute directory, for a local model only.
    """

    kind: ModelKind
    name: str
    path: Path | None = None
