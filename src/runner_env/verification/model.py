"""What a check is given, and what it hands back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner_env.core import Finding
    from runner_env.verification.samples import SamplesReport
    from runner_env.verification.started import Started

RUNTIME_ENV_PATH = ".aider_fsm/runtime_env.json"
ROLLOUT_PATH = ".aider_fsm/rollout.json"
ARTIFACTS_PATH = ".aider_fsm/artifacts"
DEFAULT_LIMIT = 8
"""Items of a dataset that a rollout attempts in `smoke`."""


class Stored(Protocol):
    """A file taken into the run directory."""

    @property
    def reference(self) -> str:
        """POSIX, relative to the run directory."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def sha256(self) -> str:
        """Hexadecimal, of the stored bytes."""


@dataclass(frozen=True, slots=True)
class Context:
    """Where to look, since when, and where to keep what was seen.

    Attributes:
        repo: the repository's directory.
        started: when the stage that makes the artifact began.
        store: copies the file behind a descriptor to a path relative to the run directory, unless it has more bytes
            than the limit, in which case it returns None; raises `EvidenceError`.
        limit: how many items of a dataset the rollout was asked to attempt, at least 1.
    """

    repo: Path
    started: Started
    store: Callable[[int, str, int], Stored | None]
    limit: int = DEFAULT_LIMIT


@dataclass(frozen=True, slots=True)
class Claim:
    """A file that a stage made and the run took in.

    Attributes:
        name: `metrics.json`, `runtime_env.json`, `rollout.json` or `samples.jsonl`, whatever the file is called.
        reference: the copy, POSIX, relative to the run directory; None if it was too large to keep.
        size: bytes.
        sha256: hexadecimal, of the bytes that were judged.
    """

    name: str
    reference: str | None
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Verified:
    """The result of one check.

    Attributes:
        findings: what is wrong, and notes (verdict `passed`); empty if all is well.
        value: the artifact's JSON object; None if there is none that could be read. Strings in it may hold lone
            surrogates, as JSON allows: escape them on output.
        claims: what was taken in.
        samples: what the samples file holds, if it was read.
    """

    findings: tuple[Finding, ...] = ()
    value: dict[str, Any] | None = None
    claims: tuple[Claim, ...] = ()
    samples: SamplesReport | None = None
