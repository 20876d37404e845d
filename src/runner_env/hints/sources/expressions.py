"""What the expressions of CI files can stand for, and where a condition lets a step run."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner_env.hints.sources.yamltext import Node

_MOST_COMBINATIONS = 256
_MOST_VALUES = 24
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_REFERENCE = re.compile(r"([A-Za-z_][\w-]*)((?:\.[\w-]+|\[\s*'[^']*'\s*\])*)")
_STRING = re.compile(r"'((?:[^']|'')*)'")
_SYSTEMS = {"win": "windows", "mac": "macos", "osx": "macos", "darwin": "macos", "xcode": "macos"}
_OTHER = re.compile(
    r"\b(windows|win|win32|win64|macos|mac|osx|darwin|xcode)\b|(windows|macos|osx|xcode)[-_\d]", re.IGNORECASE
)
_LINUX = re.compile(r"linux|ubuntu|debian|fedora|alpine|self-hosted", re.IGNORECASE)
_CONSTANTS = {
    "github.workspace": ".",
    "runner.os": "Linux",
    "runner.arch": "X64",
    "runner.temp": "/tmp",
    "strategy.job-index": "0",
}


def combinations(strategy: Node) -> list[dict[str, str]]:
    """What the cells of a GitHub `matrix` set, those for Linux first; keys of nested values are joined by dots.

    Args:
        strategy: the mapping under `matrix`: lists to be multiplied, `exclude` and `include`.
    """
    axes: dict[str, list[dict[str, str]]] = {}
    for key, node in strategy.entries.items():
        if key not in ("include", "exclude") and isinstance(node.value, list):
            axes[key] = [_flat(key, item) for item in node.items]
    cells: list[dict[str, str]] = []
    if axes:
        for number, parts in enumerate(product(*axes.values())):
            if number >= _MOST_COMBINATIONS:
                break
            cells.append({key: value for part in parts for key, value in part.items()})
    for excluded in (_flat("", item) for item in strategy.get("exclude").items):
        cells = [cell for cell in cells if not excluded.items() <= cell.items()]
    _include(cells, [_flat("", item) for item in strategy.get("include").items], tuple(axes))
    return sorted(cells, key=_preference)


def _include(cells: list[dict[str, str]], included: list[dict[str, str]], axes: tuple[str, ...]) -> None:
    """Adds what `include` says: to every cell that it does not contradict, or else as a cell of its own."""
    original = [dict(cell) for cell in cells]
    for extra in included:
        fitting = [
            cell
            for cell, first in zip(cells, original, strict=False)
            if all(first.get(key, value) == value for key, value in extra.items() if key.split(".")[0] in axes)
        ]
        for cell in fitting:
            cell.update(extra)
        if not fitting:
            cells.append(dict(extra))


def _flat(name: str, node: Node) -> dict[str, str]:
    if not node.entries:
        return {name: node.text} if isinstance(node.value, str) else {}
    found: dict[str, str] = {}
    for key, value in node.entries.items():
        found |= _flat(f"{name}.{key}" if name else key, value)
    return found


def _preference(cell: dict[str, str]) -> tuple[bool, bool]:
    values = " ".join(cell.values())
    odd = any("experimental" in key and value == "true" for key, value in cell.items())
    return bool(platform_of(values)), odd


def scope_of(cells: list[dict[str, str]], name: str = "matrix") -> dict[str, tuple[str, ...]]:
    """For each `matrix.key` its values, those of the best cell first."""
    found: dict[str, dict[str, None]] = {}
    for cell in cells:
        for key, value in cell.items():
            found.setdefault(f"{name}.{key}", {})[value] = None
    return {key: tuple(values)[:_MOST_VALUES] for key, values in found.items()}


def values_in(text: str, scope: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """For each `${{ … }}` of `text` that can be told, as written, what it can stand for.

    Args:
        text: of a step.
        scope: values of `matrix.x`, `inputs.x`, `env.x`, …
    """
    found: dict[str, tuple[str, ...]] = {}
    for match in _EXPRESSION.finditer(text):
        values = _evaluate(match[1], scope, 0)
        if values:
            found[match[0]] = values
    return found


def filled(text: str, scope: Mapping[str, tuple[str, ...]]) -> str | None:
    """`text` with the best value for every expression; None if one cannot be told."""
    values = values_in(text, scope)
    for written, choices in values.items():
        text = text.replace(written, choices[0])
    return None if "${{" in text else text


def _evaluate(expression: str, scope: Mapping[str, tuple[str, ...]], depth: int) -> tuple[str, ...]:
    if depth > 8:
        return ()
    choices: list[str] = []
    for alternative in expression.split("||"):
        # `a && b` stands for b, where it is not false
        operand = alternative.split("&&")[-1].strip().strip("()").strip()
        choices += _operand(operand, scope, depth)
    return tuple(dict.fromkeys(choices))


def _operand(operand: str, scope: Mapping[str, tuple[str, ...]], depth: int) -> Iterable[str]:
    if string := _STRING.fullmatch(operand):
        return (string[1].replace("''", "'"),)
    if re.fullmatch(r"-?\d+(\.\d+)?|true|false", operand):
        return (operand,)
    match = _REFERENCE.fullmatch(operand)
    if not match:
        return ()
    key = re.sub(r"\[\s*'([^']*)'\s*\]", r".\1", operand)
    if key in _CONSTANTS:
        return (_CONSTANTS[key],)
    values: list[str] = []
    for value in scope.get(key, ()):
        nested = _EXPRESSION.fullmatch(value)
        values += _evaluate(nested[1], scope, depth + 1) if nested else [] if "${{" in value else [value]
    return values


def platform_of(text: str) -> str:
    """The system a runner label, image or condition is for: `windows`, `macos`, or empty for Linux or any.

    >>> platform_of("windows-latest"), platform_of("ubuntu-22.04"), platform_of("[self-hosted, macos]")
    ('windows', '', '')
    """
    match = _OTHER.search(text)
    if not match or _LINUX.search(text):
        return ""
    word = match[0].lower()
    return next((system for start, system in _SYSTEMS.items() if word.startswith(start)), "")


def condition_platform(condition: str) -> str | None:
    """Where an `if:` lets a step run: a system as of `platform_of`, or empty for anywhere.

    Returns:
        None if it never runs, or only after a failure.
    """
    text = condition.strip().removeprefix("${{").removesuffix("}}").strip().lower()
    if text in ("false", "failure()", "cancelled()") or re.match(r"(failure|cancelled)\(\)\s*(&&|$)", text):
        return None
    if "!=" in text or "!" in text or "||" in text:
        return ""
    compared = re.findall(r"(?:runner\.os|os|image|platform|target|system)[\w.]*\s*==\s*'([^']*)'", text)
    compared += re.findall(r"(?:startswith|contains)\(\s*(?:matrix|runner)\.[\w.]*os[\w.]*\s*,\s*'([^']*)'", text)
    return next((platform_of(value) for value in compared if platform_of(value)), "")
