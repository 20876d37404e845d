"""The contract a repository owns: `pipeline.yml`, `.aider_fsm/bootstrap.yml`, `.aider_fsm/actions.yml`.

    bytes ─ source ─▶ text ─ document ─▶ Node tree with places ─ schema + problems ─▶ findings, or
    pipeline | bootstrap | actions ─▶ Contract | Bootstrap | Actions

Values and names are here at once; whatever reads YAML or checks it is loaded when first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from runner_env.contract.model import (
    Action,
    ActionKind,
    Actions,
    Bootstrap,
    CommandSpec,
    Contract,
    KubectlDump,
    MetricsSpec,
    Security,
    StageName,
    StageSpec,
    TeardownPolicy,
)
from runner_env.contract.paths import link_problem
from runner_env.contract.variables import VARIABLES, Variable, variables_markdown

if TYPE_CHECKING:
    from runner_env.contract.actions import load_actions
    from runner_env.contract.advice import lint
    from runner_env.contract.bootstrap import load_bootstrap
    from runner_env.contract.expansion import expand_env
    from runner_env.contract.jsonschema import contract_schemas
    from runner_env.contract.pipeline import load_contract
    from runner_env.contract.starter import starter_files

_LAZY = {
    "contract_schemas": "jsonschema",
    "expand_env": "expansion",
    "lint": "advice",
    "load_actions": "actions",
    "load_bootstrap": "bootstrap",
    "load_contract": "pipeline",
    "starter_files": "starter",
}

__all__ = [
    "VARIABLES",
    "Action",
    "ActionKind",
    "Actions",
    "Bootstrap",
    "CommandSpec",
    "Contract",
    "KubectlDump",
    "MetricsSpec",
    "Security",
    "StageName",
    "StageSpec",
    "TeardownPolicy",
    "Variable",
    "contract_schemas",
    "expand_env",
    "link_problem",
    "lint",
    "load_actions",
    "load_bootstrap",
    "load_contract",
    "starter_files",
    "variables_markdown",
]


def __getattr__(name: str) -> object:
    if name in _LAZY:
        return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
