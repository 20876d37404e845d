"""Every published JSON Schema by name: the contract's files, and what `--json` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CONTRACT = ("pipeline", "bootstrap", "actions")
_SKILL = ("skill-config", "skill-case", "skill-report", "skill-validation", "skill-error")
NAMES = (
    *_CONTRACT,
    *_SKILL,
    "run-record",
    "trace",
    "sandbox",
    "provenance",
    "proof",
    "error",
    "check",
    "doctor",
    "runs",
    "gc",
    "provider-protocol",
)
"""What `published_schema` knows; `schemas/<name>.schema.json` is where each is published."""


def published_schema(name: str) -> Mapping[str, Any]:
    """The JSON Schema (draft 2020-12) of that name, one of `NAMES`.

    Raises:
        KeyError: there is none.
    """
    if name in _CONTRACT:
        from runner_env.contract import contract_schemas

        return contract_schemas()[name]
    if name in _SKILL:
        from runner_env.skills.schemas import skill_schema

        return skill_schema(name.removeprefix("skill-"))
    return _output_schemas()[name]()


def _output_schemas() -> dict[str, Callable[[], dict[str, Any]]]:
    from runner_env.formats.provenance import provenance_schema
    from runner_env.formats.record import record_schema
    from runner_env.formats.sandbox import sandbox_schema
    from runner_env.formats.trace import trace_schema
    from runner_env.providers.protocol_schema import protocol_schema
    from runner_env.reporting.check import check_schema
    from runner_env.reporting.doctor import doctor_schema
    from runner_env.reporting.error import error_schema
    from runner_env.reporting.gc import gc_schema
    from runner_env.reporting.proof import proof_schema
    from runner_env.reporting.runs import runs_schema

    return {
        "run-record": record_schema,
        "trace": trace_schema,
        "sandbox": sandbox_schema,
        "provenance": provenance_schema,
        "proof": proof_schema,
        "error": error_schema,
        "check": check_schema,
        "doctor": doctor_schema,
        "runs": runs_schema,
        "gc": gc_schema,
        "provider-protocol": protocol_schema,
    }
