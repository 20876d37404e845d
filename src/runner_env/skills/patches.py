"""Settings from the environment, from `--set` and from flags, laid over the config file before it is checked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from runner_env.contract.document import Entry, Node
from runner_env.core import Where
from runner_env.skills.config_file import ConfigFile, ProviderFile
from runner_env.skills.fields import Strict
from runner_env.skills.reading import node_of, refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_PREFIX = "SKILLTEST_"
_UNIONS = (Union, UnionType)
_NOT_FROM_ENVIRONMENT = frozenset({"provider"})
"""`SKILLTEST_PROVIDER` names a provider's command to the reference tool's other faces, so it is no setting."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A value for the setting at `path`, and who says so."""

    path: tuple[str, ...]
    value: Any
    origin: str


def environment_patches(environ: Mapping[str, str]) -> list[Patch]:
    """The settings in `SKILLTEST_<PATH>` variables, levels separated by `__`; other variables are not looked at.

    Raises:
        DefinitionError: a value is not JSON where it has to be.
    """
    patches = []
    for path, is_text in sorted(_settings().items()):
        name = _PREFIX + "__".join(path).upper()
        if name in environ and ".".join(path) not in _NOT_FROM_ENVIRONMENT:
            text = environ[name]
            patches.append(Patch(path, _unquoted(text) if is_text else _json(text, path, name), name))
    return patches


def set_patches(assignments: Iterable[str]) -> list[Patch]:
    """The settings in the arguments of `--set`, each `PATH=JSON`, in their order.

    Raises:
        DefinitionError: there is no such setting, or a value is not JSON.
    """
    return [_assigned(assignment) for assignment in assignments]


def provider_patches(
    command: str | None, oneharness_bin: str | None, judge_harness: str | None, timeout_s: int | None
) -> list[Patch]:
    """The settings of the provider that have flags: `--provider`, `--oneharness-bin`, `--judge-harness`, `--timeout`.

    Args:
        command: a program and its arguments, separated by white space; it replaces the whole provider.
        oneharness_bin: the oneharness command.
        judge_harness: the agent program that judges.
        timeout_s: limit of each call in seconds.
    """
    given = (("--oneharness-bin", "bin", oneharness_bin), ("--judge-harness", "judge_harness", judge_harness))
    patches = [Patch(("provider", key), value, flag) for flag, key, value in given if value is not None]
    if command is not None:
        patches = [Patch(("provider",), {"kind": "command", "command": command.split()}, "--provider")]
    if timeout_s is not None:
        patches.append(Patch(("provider", "timeout_secs"), timeout_s, "--timeout"))
    return patches


def patched(root: Node | None, patches: Iterable[Patch]) -> Node:
    """`root` with `patches` laid over it in their order; each knows where it came from."""
    node = root if root is not None else Node({}, Where("built-in defaults"))
    for patch in patches:
        place = Where(patch.origin)
        node = _with(node, patch.path, node_of(patch.value, place), place)
    return node


def _assigned(assignment: str) -> Patch:
    name, equals, text = assignment.partition("=")
    path = tuple(name.split("."))
    place = Where(f"--set {name}")
    if not equals:
        raise refusal("empty_setting", f"`--set {assignment}` has no value.", place, "Write --set PATH=JSON.")
    if path not in _settings():
        import difflib

        known = [".".join(setting) for setting in _settings()]
        near = difflib.get_close_matches(name, known, 1)
        hint = f"Did you mean `{near[0]}`?" if near else f"Settings are {', '.join(known)}."
        raise refusal("unknown_setting", f"unknown config setting `{name}`", place, hint)
    return Patch(path, _json(text, path, str(place)), str(place))


def _unquoted(text: str) -> str:
    """The text itself, or, of a whole JSON string, what it says."""
    if not text.startswith('"'):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text


def _json(text: str, path: tuple[str, ...], origin: str) -> object:
    def constant(_: str) -> object:
        raise ValueError

    try:
        return json.loads(text, parse_constant=constant)
    except (ValueError, RecursionError):
        message = f"config setting `{'.'.join(path)}` needs a valid JSON value; got `{text[:200]}`"
        raise refusal("bad_json", message, Where(origin), 'Text is written in double quotes, as in "gpt-5".') from None


def _with(node: Node, path: tuple[str, ...], value: Node, place: Where) -> Node:
    key, rest = path[0], path[1:]
    old = node.entries.get(key)
    if rest:
        start = old.node if old and isinstance(old.node.value, dict) else _start(path, place)
        if path == ("provider", "kind"):
            start = _of_kind(start, value.value)
        value = _with(start, rest, value, place)
    return Node({**node.entries, key: Entry(old.where if old and rest else place, value)}, node.where)


def _start(path: tuple[str, ...], place: Where) -> Node:
    """What a section holds if only a setting inside it is given: a provider is by default that of oneharness."""
    if path[0] != "provider":
        return node_of({}, place)
    return node_of({"kind": "command" if path[1] == "command" else "oneharness"}, place)


def _of_kind(provider: Node, kind: object) -> Node:
    """The provider without what only another kind has, so that a layer above can switch the kind."""
    keys = next(
        (m.model_fields for m in _sections(ProviderFile) if kind in get_args(m.model_fields["kind"].annotation)), None
    )
    if keys is None:
        return provider
    return Node({key: entry for key, entry in provider.entries.items() if key in keys}, provider.where)


@cache
def _settings() -> dict[tuple[str, ...], bool]:
    """Every setting, and whether it is text."""
    found: dict[tuple[str, ...], bool] = {}
    for path, annotation in _walk(ConfigFile, ()):
        found[path] = found.get(path, True) and _is_text(annotation)
    return found


def _walk(model: type[Strict], prefix: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    for name, field in model.model_fields.items():
        yield (*prefix, name), field.annotation
        for inner in _sections(field.annotation):
            yield from _walk(inner, (*prefix, name))


def _sections(annotation: object) -> Iterator[type[Strict]]:
    """The models that a field may hold itself, not in a list or a mapping."""
    if isinstance(annotation, type):
        if issubclass(annotation, Strict):
            yield annotation
        return
    if getattr(annotation, "__origin__", None) not in {list, dict}:
        for part in get_args(annotation):
            yield from _sections(part)


def _is_text(annotation: object) -> bool:
    if get_origin(annotation) is Annotated:
        return _is_text(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return True
    parts = [part for part in get_args(annotation) if part is not type(None)]
    return annotation is str or (get_origin(annotation) in _UNIONS and all(_is_text(part) for part in parts))
