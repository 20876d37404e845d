"""`AIDER_FSM_REQUIRE_HINTS`: whether an evaluation used a command that its repository states.

What programs ran is the runner's own observation. Only where that could not be observed do the files count in which a
target says it itself.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

from runner_env.contract.model import StageName
from runner_env.contract.variables import AIDER_FSM_REQUIRE_HINTS
from runner_env.core import Finding, Where
from runner_env.errors import EvidenceError, TargetError
from runner_env.formats.trace import ImageEvent, read_trace
from runner_env.hints.runners import direct_call
from runner_env.hints.selection import meaning
from runner_env.hints.shelltext import words_of
from runner_env.hints.unwrap import is_python, unwrap
from runner_env.targets.inside import open_inside
from runner_env.verification.strict_json import JsonTrouble, parse_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from runner_env.contract.model import CommandSpec
    from runner_env.hints.model import Hint
    from runner_env.pipeline.values import StageRun

VARIABLE = AIDER_FSM_REQUIRE_HINTS
_USED = ".aider_fsm/hints_used.json"
_RUN = ".aider_fsm/hints_run.json"
_STAGE = StageName.EVALUATION.value
_MOST_BYTES = 1 << 20
_INTERPRETERS = frozenset(("node", "bash", "sh", "dash", "ruby", "perl", "php"))
_NAMED = 3


def unmet(
    run: StageRun, hints: Sequence[Hint], root: Path, run_dir: Path, own: CommandSpec | None
) -> tuple[Finding, ...]:
    """Why the demand is not met; nothing if it is.

    Args:
        run: the evaluation, ended.
        hints: what the repository states.
        root: the workspace.
        run_dir: the evidence.
        own: the hint that the runner ran itself, if it did.
    """
    where = Where(run.commands[-1].command.where.file) if run.commands else None
    advice = f"Let the evaluation run one of them, or `evaluation.hint: auto`; unset {VARIABLE} to do without."
    if not hints:
        message = f"{VARIABLE} demands a command that the repository states, and it states none."
        return (Finding("hints_requirement_failed", message, where, advice, stage=_STAGE),)
    seen = [*_observed(run, run_dir), *([words_of(own.text)] if own else [])]
    if any(_is_use(words, hint) for words in seen for hint in hints):
        return ()
    if not _was_observed(run):
        return _claimed(root, hints, where, advice)
    named = ", ".join(f"`{hint.command}`" for hint in hints[:_NAMED])
    message = f"{VARIABLE} demands a command that the repository states ({named}), and none of them was seen to run."
    return (Finding("hints_requirement_failed", message, where, advice, stage=_STAGE),)


def _was_observed(run: StageRun) -> bool:
    """Whether the traces tell of every program that the stage ran."""
    return not run.unobserved and all(
        command.trace is not None and not command.trace.missing and not command.trace.dropped
        for command in run.commands
    )


def _observed(run: StageRun, run_dir: Path) -> Iterator[tuple[str, ...]]:
    """The programs that ran, each as a person would have typed it."""
    for command in run.commands:
        if command.trace is None:
            continue
        try:
            _, events = read_trace(run_dir / command.trace.reference)
        except EvidenceError:  # what cannot be read proves nothing
            continue
        for event in events:
            if isinstance(event, ImageEvent) and not event.forged and event.argv:
                yield _typed(event.program, event.argv)


def _typed(program: str, argv: tuple[str, ...]) -> tuple[str, ...]:
    """A script that its interpreter runs stands for itself.

    >>> _typed("/usr/bin/python3.11", ("python", "/x/venv/bin/pytest", "-q"))
    ('pytest', '-q')
    """
    name = os.path.basename(program)  # noqa: PTH119 - text of a trace, not a path to be opened
    rest = argv[1:]
    if not (is_python(name) or name in _INTERPRETERS):
        return (os.path.basename(argv[0]) if argv[0] else name, *rest)  # noqa: PTH119 - as above
    if rest and not rest[0].startswith("-"):
        script = os.path.basename(rest[0])  # noqa: PTH119 - as above
        known = script.removesuffix(".js").removesuffix(".mjs").removesuffix(".cjs")
        if direct_call((known, *rest[1:])) is not None:
            return (known, *rest[1:])
        if name in _INTERPRETERS and name != "node":
            return (script, *rest[1:])
    return ("python" if is_python(name) else name, *rest)


def _is_use(words: tuple[str, ...], hint: Hint) -> bool:
    """Whether a program that ran is a use of a stated command."""
    stated = unwrap(words_of(hint.command))
    inner = unwrap(words)
    if not stated or not inner:
        return False
    call = direct_call(inner)
    if call is not None and call.purpose is not None and call.runner and call.runner == hint.runner:
        return True
    mine, theirs = meaning(words), meaning(stated)
    return bool(mine) and mine == theirs and (call is None or call.purpose is not None)


def _claimed(root: Path, hints: Sequence[Hint], where: Where | None, advice: str) -> tuple[Finding, ...]:
    """What the target says itself, where nothing else is known."""
    stated = {hint.command for hint in hints}
    used, run = _document(root, _USED), _document(root, _RUN)
    reason = _used_problem(used)
    if reason:
        message = f"{VARIABLE}: which programs ran was not observed, and {_USED} does not tell: {reason}."
        return (Finding("hints_requirement_failed", message, where, advice, stage=_STAGE),)
    reason = _run_problem(run, stated)
    if reason:
        message = f"{VARIABLE}: which programs ran was not observed, and {_RUN} does not tell: {reason}."
        return (Finding("hints_run_requirement_failed", message, where, advice, stage=_STAGE),)
    return ()


def _document(root: Path, name: str) -> dict[str, Any] | None:
    try:
        fd = open_inside(root, name)
    except TargetError:  # not there, or nothing to be read
        return None
    with os.fdopen(fd, "rb") as file:
        data = file.read(_MOST_BYTES)
    try:
        found = parse_document(data)
    except JsonTrouble:
        return None
    return found if isinstance(found, dict) else None


def _used_problem(found: dict[str, Any] | None) -> str:
    if found is None:
        return "there is no such object"
    if found.get("ok") is not True:
        return "`ok` is not true"
    anchors, commands = found.get("used_anchors"), found.get("commands")
    named = [item for part in (anchors, commands) if isinstance(part, list) for item in part if isinstance(item, str)]
    return "" if any(item.strip() for item in named) else "it names no command"


def _run_problem(found: dict[str, Any] | None, stated: set[str]) -> str:
    if found is None or found.get("ok") is not True:
        return "there is no such object, or its `ok` is not true"
    chosen = found.get("chosen_command")
    if not isinstance(chosen, str) or not chosen.strip():
        return "it names no command"
    if not any(_same(chosen, command) for command in stated):
        return "its command is none that the repository states"
    attempts, score = found.get("executed_attempts"), found.get("score")
    if not isinstance(attempts, int) or isinstance(attempts, bool) or attempts < 1:
        return "nothing was executed"
    if not isinstance(score, int | float) or isinstance(score, bool) or not math.isfinite(score) or not 0 <= score <= 1:
        return "its score is no number from 0 to 1"
    return ""


def _same(one: str, other: str) -> bool:
    return meaning(words_of(one)) == meaning(words_of(other))
