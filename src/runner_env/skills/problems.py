"""From a node tree and a model to typed values, or to every problem with its place, in words for a person."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, TypeVar, get_args

from pydantic import ValidationError

from runner_env.contract.places import file_order, shown
from runner_env.core import Finding
from runner_env.errors import DefinitionError
from runner_env.skills.fields import Strict
from runner_env.skills.reading import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

    from runner_env.contract.document import Node
    from runner_env.core import Where

_Model = TypeVar("_Model", bound=Strict)
_Loc = tuple[str | int, ...]
_MAX_FINDINGS = 50

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_BOUNDS = {
    "greater_than": "greater than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than_equal": "at most {le:g}",
    "finite_number": "a finite number",
    "literal_error": "{expected}",
    "enum": "{expected}",
    "union_tag_invalid": "one of {expected_tags}",
}


def validated(root: Node, model: type[_Model]) -> _Model:
    """The values of `root` as `model`.

    Raises:
        DefinitionError: with every problem, in file order, at most 50.
    """
    try:
        return model.model_validate(plain(root))
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    findings = sorted((_finding(root, model, detail) for detail in details), key=file_order)
    raise DefinitionError(findings[:_MAX_FINDINGS])


def _finding(root: Node, model: type[Strict], detail: ErrorDetails) -> Finding:  # noqa: PLR0911 - a table
    loc, where, node = _find(root, detail["loc"], missing=detail["type"] == "missing")
    kind, context = detail["type"], detail.get("ctx", {})
    name = spelled(loc)
    if kind == "extra_forbidden":
        fields = _fields(model, detail["loc"][:-1])
        owner = f"of {spelled(loc[:-1])}" if len(loc) > 1 else "here"
        return Finding("unknown_key", f"`{_shown(loc[-1])}` is not a key {owner}.", where, _near(str(loc[-1]), fields))
    if kind == "missing":
        owner = f"{spelled(loc[:-1])} has" if len(loc) > 1 else "There is"
        return Finding("missing_key", f"{owner} no `{loc[-1]}`.", where, f"Add `{loc[-1]}`.")
    if kind == "union_tag_not_found":
        tag = str(context["discriminator"]).strip("'")
        return Finding("missing_key", f"{name} has no `{tag}`.", where, f"Add `{tag}`.")
    if kind in _EXPECTED:
        hint = f'Put it in quotes: "{node.text}".' if _is_bare(kind, node) else None
        return Finding("wrong_type", f"{name} must be {_EXPECTED[kind]}, not {_described(node)}.", where, hint)
    if "text" in context:
        return Finding(kind, f"{name} {context['text']}.", where)
    if kind == "too_short":
        return Finding("bad_value", f"{name} must list at least {context['min_length']}.", where)
    if kind in _BOUNDS:
        if kind == "union_tag_invalid":
            tag = str(context["discriminator"]).strip("'")
            where, node, name = _under(node, where, tag), node.get(tag) or node, f"{name}.{tag}"
        bound = _BOUNDS[kind].format(**context)
        return Finding("bad_value", f"{name} must be {bound}, not {_described(node)}.", where)
    return Finding("bad_value", f"{name}: {detail['msg']}.", where)


def spelled(loc: _Loc) -> str:
    """`("evals", 0, "name")` as "`evals[0].name`"."""
    if not loc:
        return "the document"
    parts = "".join(f"[{step}]" if isinstance(step, int) else f".{_shown(step)}" for step in loc)
    return f"`{parts.removeprefix('.')}`"


def _find(root: Node, loc: _Loc, *, missing: bool) -> tuple[_Loc, Where, Node]:
    """The part of `loc` that is in the document (tags of unions are not), the place of its key, and its value."""
    where, node, steps = root.where, root, list[str | int]()
    tagged: Node | None = None
    for number, step in enumerate(loc):
        if node is not tagged and step == _tag(node):
            tagged = node
            continue  # the step names the union's member, even if there is a key of that name
        if isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            where = node.where
        elif isinstance(step, str) and step in node.entries:
            where, node = node.entries[step].where, node.entries[step].node
        elif not (missing and number == len(loc) - 1):
            continue
        steps.append(step)
    return tuple(steps), where, node


def _tag(node: Node) -> object:
    """What says which member of a union `node` is."""
    told = node.get("kind") or node.get("type")
    return told.value if told else None


def _under(node: Node, where: Where, key: str) -> Where:
    return node.entries[key].where if key in node.entries else where


def _is_bare(kind: str, node: Node) -> bool:
    return kind == "string_type" and isinstance(node.value, bool | float)


def _described(node: Node) -> str:
    if isinstance(node.value, str):
        return f"the text {shown(node.value)}"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, tuple):
        return f"a list of {len(node.items)}"
    return "a mapping" if isinstance(node.value, dict) else node.text


def _shown(step: object) -> str:
    return shown(str(step))[1:-1]


def _near(key: str, fields: list[str]) -> str:
    if near := difflib.get_close_matches(key[:64].lower(), fields, 1):
        return f"Did you mean `{near[0]}`?"
    return f"Valid keys are {', '.join(fields)}."


def _fields(model: type[Strict], loc: _Loc) -> list[str]:
    """The keys of the mapping at `loc`."""
    models = [model]
    for step in loc:
        if isinstance(step, int):
            continue
        fields = [m.model_fields[step] for m in models if step in m.model_fields]
        if fields:
            models = [inner for field in fields for inner in _models_in(field.annotation)]
        else:
            models = [m for m in models if step in _tags(m)] or models
    return list(dict.fromkeys(name for m in models for name in m.model_fields))


def _tags(model: type[Strict]) -> list[object]:
    tags = (model.model_fields[name].annotation for name in ("type", "kind") if name in model.model_fields)
    return [value for tag in tags for value in get_args(tag)]


def _models_in(annotation: object) -> Iterator[type[Strict]]:
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
