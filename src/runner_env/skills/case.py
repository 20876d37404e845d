"""From case files to cases."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner_env.core import Where
from runner_env.errors import DefinitionError
from runner_env.skills.case_file import BooleanFile, CalledFile, CaseFile, NumericFile
from runner_env.skills.mocks import declared, matchers
from runner_env.skills.problems import validated
from runner_env.skills.reading import as_written, json_root, node_of, plain, read_text, refusal, yaml_root
from runner_env.skills.values import BooleanEval, CallsEval, Case, Eval, NumericEval, SimulatedUser

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_env.contract.document import Node
    from runner_env.skills.case_file import CalledFile as _Called
    from runner_env.skills.case_file import EvalFile, NotCalledFile

_TEXTS: Mapping[str, Any] = {"name": {}, "skill": {}, "input": {}, "user": {"persona": {}, "done_when": {}}}
_EMPTY_HINT = "A case has at least `skill`, `input` and `evals`."


def load_case(file: str, cwd: Path) -> Case:
    """The case in the YAML file `file`, a path as given, relative to `cwd`.

    Raises:
        DefinitionError: it cannot be read or is no case; with every problem and its place.
    """
    root = yaml_root(read_text(cwd / file, file), file)
    if root is None:
        raise refusal("empty_file", "The file is empty.", Where(file, 1, 1), _EMPTY_HINT)
    return _case(as_written(root, _TEXTS), Path(file).stem, os.path.dirname(file), cwd)  # noqa: PTH120 - path as given


def load_case_json(file: str, cwd: Path) -> list[Case]:
    """The cases in the JSON file `file`: an object, or an array of them. Skills are relative to `cwd`.

    Raises:
        DefinitionError: it cannot be read or holds something else; with every problem and its place.
    """
    text = read_text(cwd / file, file)
    root = json_root(text, file)
    try:
        return _cases(root, cwd)
    except DefinitionError as error:
        # JSON is YAML, and as YAML its nodes have lines: read again only where somebody has to find a mistake.
        if len(text) > 1 << 20:
            raise
        try:
            placed = yaml_root(text, file)
        except DefinitionError:
            raise error from None
        return _cases(placed or root, cwd)


def case_of(value: Mapping[str, Any], *, cwd: Path, origin: str = "case") -> Case:
    """A case made in code: the same keys as in a file; `skill` is relative to `cwd`.

    Raises:
        DefinitionError: it is no case; with every problem.
    """
    return _case(node_of(dict(value), Where(origin)), "case", str(cwd), cwd)


def _cases(root: Node, cwd: Path) -> list[Case]:
    nodes = root.items if isinstance(root.value, tuple) else (root,)
    return [_case(node, "case", str(cwd), cwd) for node in nodes]


def _case(root: Node, stem: str, base: str, cwd: Path) -> Case:
    if not isinstance(root.value, dict):
        raise refusal("wrong_type", "A case is a mapping.", root.where, _EMPTY_HINT)
    value = validated(root, CaseFile)
    skill = os.path.join(base, value.skill)  # noqa: PTH118 - a report shows the path as it was put together
    canonical = json.dumps(plain(root), sort_keys=True, ensure_ascii=False)
    return Case(
        name=value.name or stem,
        skill=skill,
        skill_dir=cwd / skill,
        input=value.input,
        evals=tuple(_eval(item) for item in value.evals),
        user=SimulatedUser(value.user.persona, value.user.done_when, value.user.max_turns) if value.user else None,
        mocks=declared(value.mocks, root.get("mocks")),
        spy=value.spy,
        origin=root.where,
        sha256=hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest(),
    )


def _eval(item: EvalFile) -> Eval:
    if isinstance(item, BooleanFile):
        return BooleanEval(item.criterion, item.expected, item.name)
    if isinstance(item, NumericFile):
        return NumericEval(item.criterion, item.min, item.max, item.threshold, item.comparator, item.name)
    return _calls(item)


def _calls(item: _Called | NotCalledFile) -> CallsEval:
    where = matchers(item.where) if item.where else None
    if isinstance(item, CalledFile):
        return CallsEval(item.mock, times=item.times, where=where, name=item.name)
    return CallsEval(item.mock, negated=True, where=where, name=item.name)
