"""How a run was contained: `sandbox.json` in its run directory, and in `attempt_02` and so on where it was resumed.

Format `runner-env/sandbox@1` (our own). Each guarantee says how far it held in this very box, and what that rests on.
Its JSON Schema is `schemas/sandbox.schema.json`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

FORMAT: Final = "runner-env/sandbox@1"
EVENT = "sandboxed"
"""The journal's event that names the file and its SHA-256."""


@dataclass(frozen=True, slots=True)
class SandboxRecord:
    """How a run was contained.

    Attributes:
        level: the level at which commands ran: bwrap, landlock, docker or none.
        requested: the level that was asked for.
        fallback_reason: why it is another one than was tried first; empty if it is not.
        kernel: its release.
        landlock_abi: the version of Landlock in force; 0 for none.
        uid: who commands ran as.
        network: host or none, as asked for.
        guarantees: of each, `is`: enforced (the kernel sees to it), detected (noticed afterwards), best_effort or none;
            and `probe`: what it rests on.
    """

    level: str
    requested: str
    fallback_reason: str
    kernel: str
    landlock_abi: int
    uid: int
    network: Literal["host", "none"]
    guarantees: dict[str, dict[Literal["is", "probe"], str]]
    format: Literal["runner-env/sandbox@1"] = field(default=FORMAT)


def sandbox_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a sandbox file."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(SandboxRecord).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": FORMAT, **schema}
