"""Variables in the `env` of a bootstrap."""

from __future__ import annotations

import re
from collections import ChainMap
from typing import TYPE_CHECKING

from runner_env.contract.variables import AIDER_FSM_PYTHON, AIDER_FSM_REPO_ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_REFERENCE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)\}|(?P<bare>[A-Za-z_][A-Za-z0-9_]*))")


def expand_env(raw: Mapping[str, str], base: Mapping[str, str], repo: Path) -> dict[str, str]:
    """The values of `raw` with their references replaced, in order.

    `${VAR}` and `$VAR` stand for an earlier entry of `raw`, else for `AIDER_FSM_REPO_ROOT`, else for a variable of
    `base`, else for nothing; `$$` is a dollar sign; any other dollar sign stays. The relative parts of `PATH`, and an
    `AIDER_FSM_PYTHON` that names a file, are made absolute to the repository. Links are not followed, because the link
    in a virtual environment is what makes its interpreter that environment's. Empty parts of `PATH`, which would mean
    the current directory, are dropped.

    Args:
        raw: as `Bootstrap.env`.
        base: the environment the bootstrap starts from.
        repo: the repository.
    """
    root = repo.absolute()
    expanded: dict[str, str] = {}
    known = ChainMap(expanded, {AIDER_FSM_REPO_ROOT: str(root)}, dict(base))
    for name, text in raw.items():
        expanded[name] = _anchored(name, _REFERENCE.sub(lambda match: _value(match, known), text), root)
    return expanded


def _value(match: re.Match[str], known: Mapping[str, str]) -> str:
    return "$" if match["dollar"] else known.get(match["braced"] or match["bare"], "")


def _anchored(name: str, value: str, root: Path) -> str:
    if name == "PATH":
        return ":".join(str(root / part) for part in value.split(":") if part)
    if name == AIDER_FSM_PYTHON and "/" in value:
        return str(root / value)
    return value
