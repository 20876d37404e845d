"""`actions.yml`: things to do once, before anything else, in the order they are listed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from runner_env.contract.model import Action, Actions, StageName, StageSpec
from runner_env.core import Finding
from runner_env.errors import TargetError
from runner_env.pipeline.stage import RunningStage
from runner_env.pipeline.values import StageRun
from runner_env.targets.inside import resolve_inside


def run_actions(
    actions: Actions, root: Path, execute: Callable[[StageSpec, bool, str], RunningStage], empty: StageRun
) -> RunningStage:
    """Carry out `actions` until one does not end well.

    Args:
        actions: the parsed file.
        root: the workspace.
        execute: runs one action's command as a stage: specification, whether to keep what it starts, folder.
        empty: the stage before anything was done.
    """
    done = RunningStage(empty)
    for number, action in enumerate(actions.actions, start=1):
        folder = f"actions_{number:02}_{action.id}"
        if action.command is None:
            step = _write(action, root, empty)
        else:
            step = execute(_spec(action), action.kind == "start_service", folder)
        done = done.joined(step)
        if not done.run.ok:
            break
    return done


def _spec(action: Action) -> StageSpec:
    commands = (action.command,) if action.command else ()
    return StageSpec(StageName.ACTIONS, commands, {}, None, action.timeout_s, action.retries, action.where)


def _write(action: Action, root: Path, empty: StageRun) -> RunningStage:
    """Write an action's file, never through a link that leaves the repository."""
    relative = Path(action.path or "")
    try:
        folder = _made(root, relative.parent)
    except TargetError as error:
        message = f"Action {action.id} cannot write {relative}: {error.message}"
        finding = Finding("action_path_unusable", message, action.where, error.hint, stage=StageName.ACTIONS.value)
        return RunningStage(empty.having(finding))
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(folder / relative.name, flags, 0o644), "w", encoding="utf-8") as file:
            file.write(action.content or "")
    except OSError as error:
        message = f"Action {action.id} cannot write {relative}: {error.strerror}."
        finding = Finding("action_path_unusable", message, action.where, stage=StageName.ACTIONS.value)
        return RunningStage(empty.having(finding))
    return RunningStage(empty)


def _made(root: Path, relative: Path) -> Path:
    folder = root
    for part in relative.parts:
        folder = (
            resolve_inside(root, str(folder.relative_to(root) / part))
            if (folder / part).exists()
            else _new(folder / part)
        )
    return folder


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def put_away(actions: Actions, root: Path, is_tracked: Callable[[str], bool]) -> bool:
    """Remove the file once it was carried out, unless it is under version control; returns whether it was removed."""
    if is_tracked(actions.file):
        return False
    (root / actions.file).unlink(missing_ok=True)
    return True
