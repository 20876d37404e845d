"""From a node tree and a model to typed values, or to every problem with its place, in words for a person."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, TypeVar, get_args

from pydantic import ValidationError

from runner_env.contract.document import Node
from runner_env.contract.places import file_order, shown
from runner_env.contract.schema import Strict
from runner_env.core import Finding
from runner_env.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic_core import ErrorDetails

    from runner_env.core import Where

MAX_FINDINGS = 50
_Model = TypeVar("_Model", bound=Strict)
_Loc = tuple[str | int, ...]

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}
_HINTS = {
    "bad_name": "Begin with a letter or _, as in MY_NAME.",
    "bad_path": "Write something like `.aider_fsm/metrics.json`.",
    "bad_pattern": "Correct the expression, or delete it; to match a character such as ( write \\(.",
    "bad_value": "Correct it, or delete the line to get the default.",
    "bad_version": "Write `version: 1`.",
    "empty_command": "Write the command, or delete the line.",
    "path_escapes": "Write a relative path inside the repository.",
    "too_long": "Put it in a file of the repository.",
    "wrong_type": "Write a single value.",
}
_BOUNDS = {
    "greater_than": "greater than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than_equal": "at most {le:g}",
    "finite_number": "a finite number",
    "too_short": "a list of {min_length}",
    "too_long": "a list of {max_length}",
    "string_pattern_mismatch": "1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or digit",
    "literal_error": "{expected}",
}


def validated(root: Node, model: type[_Model], found: Sequence[Finding] = ()) -> _Model:
    """The values of `root` as `model`.

    Args:
        root: the document.
        model: what it must be.
        found: problems found before, reported together with the new ones.

    Raises:
        ContractError: with every problem, in file order, at most 50.
    """
    problems = [*found, *_ambiguous(root, model)]
    try:
        value = model.model_validate(root.plain())
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        details.sort(key=lambda detail: _place_order(root, detail["loc"]))
        problems += [_finding(root, model, detail) for detail in details[: MAX_FINDINGS + 1]]
    else:
        if not problems:
            return value
    raise ContractError(_capped(problems))


def given(section: Node, names: Sequence[str]) -> list[str]:
    """Those of `names` that `section` has with a value other than null or an empty list."""
    return [name for name in names if (node := section.get(name)) is not None and node.value != ()]


def _capped(problems: list[Finding]) -> list[Finding]:
    problems.sort(key=file_order)
    if len(problems) <= MAX_FINDINGS:
        return problems
    rest = Finding("more_problems", f"There are more than {MAX_FINDINGS} problems; the rest is left out.")
    return [*problems[:MAX_FINDINGS], rest]


def _ambiguous(node: Node, model: type[Strict]) -> Iterator[Finding]:
    for names in model.SAME:
        if len(used := given(node, names)) > 1:
            message = f"{' and '.join(f'`{name}`' for name in used)} name the same thing."
            yield Finding("ambiguous_keys", message, node.where_of(used[-1]), f"Keep `{names[0]}` alone.")
    for name, field in model.model_fields.items():
        if (inner := _model_in(field.annotation)) and (section := node.get(name)):
            for part in section.items or (section,):
                yield from _ambiguous(part, inner)


def _finding(root: Node, model: type[Strict], detail: ErrorDetails) -> Finding:
    loc: _Loc = tuple(step for step in detail["loc"] if step != "[key]")
    is_key = loc != detail["loc"]
    kind, context = detail["type"], detail.get("ctx", {})
    where, node = _find(root, loc)
    name = f"A key of {_name(loc[:-1])}" if is_key else _capital(_name(loc))
    if kind == "extra_forbidden":
        return _unknown_key(model, loc, where)
    if kind == "missing":
        owner = f"{_capital(_name(loc[:-1]))} has no `{loc[-1]}`"
        return Finding("missing_key", f"{owner}, which it must have.", where, f"Add `{loc[-1]}`.")
    if kind in _EXPECTED:
        return Finding(
            "wrong_type",
            f"{name} must be {_EXPECTED[kind]}, not {_described(node)}.",
            where,
            _type_hint(kind, model, loc, node),
        )
    if kind in _BOUNDS and "text" not in context:
        bound = _BOUNDS[kind].format(**context)
        return Finding("bad_value", f"{name} must be {bound}, not {_described(node)}.", where, _HINTS["bad_value"])
    if "text" in context:
        return Finding(kind, f"{name} {context['text']}.", where, _HINTS.get(kind))
    return Finding("bad_value", f"{name}: {detail['msg']}.", where, _HINTS["bad_value"])


def _unknown_key(model: type[Strict], loc: _Loc, where: Where) -> Finding:
    key = str(loc[-1])
    owner = _model_at(model, loc[:-1])
    message = f"{shown(key)} is not a key of {_name(loc[:-1])}."
    return Finding("unknown_key", message, where, _key_hint(key, model, owner))


def _key_hint(key: str, model: type[Strict], owner: type[Strict]) -> str:
    if key == "<<":
        return "YAML 1.2 has no merge keys; write the keys out."
    if near := difflib.get_close_matches(key[:64].lower(), owner.model_fields, 1):
        return f"Did you mean `{near[0]}`?"
    if homes := [name for name, section in _sections(model) if key in section.model_fields and section is not owner]:
        return f"`{key}` belongs under {' or '.join(f'`{home}`' for home in homes)}."
    return f"Valid keys are {', '.join(owner.model_fields)}."


def _type_hint(kind: str, model: type[Strict], loc: _Loc, node: Node) -> str:
    owner, key = _model_at(model, loc[:-1]), str(loc[-1]) if loc else ""
    if kind == "string_type":
        return _text_hint(owner, key, node)
    if kind == "list_type" and isinstance(node.value, str):
        return "Write a list, even of one: a line that begins with `- `."
    if kind in {"int_type", "float_type"} and isinstance(node.value, str):
        return "Write the number without quotes and unit."
    if kind in {"model_type", "dict_type"}:
        return f"Write indented `key: value` lines below `{key}:`." if loc else "Write `key: value` lines."
    return _HINTS["bad_value"]


def _text_hint(owner: type[Strict], key: str, node: Node) -> str:
    if isinstance(node.value, bool | int | float):
        return f'Put it in quotes: "{node.text}".'
    if node.entries:
        return "Text that contains `: ` must be in quotes."
    return f"Use `{key}s` for a list." if node.items and f"{key}s" in owner.model_fields else _HINTS["wrong_type"]


def _described(node: Node) -> str:
    if isinstance(node.value, str):
        return f"the text {shown(node.value)}"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, tuple):
        return f"a list of {len(node.items)}"
    return "a mapping" if isinstance(node.value, dict) else shown(node.text)[1:-1]


def _name(loc: _Loc) -> str:
    """`("tests", "cmds", 1)` as "item 2 of `tests.cmds`"."""
    if not loc:
        return "the file"
    if isinstance(loc[-1], int):
        return f"item {loc[-1] + 1} of {_name(loc[:-1])}"
    keys = [str(step) if not isinstance(step, int) else str(step + 1) for step in loc]
    return f"`{shown('.'.join(keys))[1:-1]}`"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _find(root: Node, loc: _Loc) -> tuple[Where, Node]:
    """The key (or item) that `loc` leads to and its value; as far as there is one."""
    where, node = root.where, root
    for step in loc:
        if isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            where = node.where
        elif isinstance(step, str) and step in node.entries:
            where, node = node.entries[step].where, node.entries[step].node
    return where, node


def _place_order(root: Node, loc: _Loc) -> tuple[int, int]:
    where, _ = _find(root, loc)
    return where.line or 0, where.column or 0


def _model_at(model: type[Strict], loc: _Loc) -> type[Strict]:
    for step in loc:
        field = model.model_fields.get(step) if isinstance(step, str) else None
        model = (_model_in(field.annotation) if field else None) or model
    return model


def _model_in(annotation: object) -> type[Strict] | None:
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)


def _sections(model: type[Strict]) -> Iterator[tuple[str, type[Strict]]]:
    for name, field in model.model_fields.items():
        if section := _model_in(field.annotation):
            yield name, section
