"""`actions.yml`: things to do once, before anything else, in the order they are listed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from runner_env.contract.model import Action, Actions, StageName, StageSpec
from runner_env.core import Finding
from runner_env.errors import TargetError
from runner_env.pipeline.stage import RunningStage
from runner_env.pipeline.values import StageRun
from runner_env.targets.inside import InsideWalk, kind_of, shown
from runner_env.verification.started import enter_making

_WRITE = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Does not wait for the reader of a pipe, and empties nothing before it is known to be a file."""


def run_actions(
    actions: Actions,
    root: Path,
    pipeline_rel: str,
    execute: Callable[[StageSpec, bool, str], RunningStage],
    empty: StageRun,
) -> RunningStage:
    """Carry out `actions` until one does not end well.

    Args:
        actions: the parsed file.
        root: the workspace.
        pipeline_rel: the contract file, which no action may write.
        execute: runs one action's command as a stage: specification, whether to keep what it starts, folder.
        empty: the stage before anything was done.
    """
    done = RunningStage(empty)
    for number, action in enumerate(actions.actions, start=1):
        folder = f"actions_{number:02}_{action.id}"
        if action.command is None:
            step = _write(action, root, pipeline_rel, empty)
        else:
            step = execute(_spec(action), action.kind == "start_service", folder)
        done = done.joined(step)
        if not done.run.ok:
            break
    return done


def _spec(action: Action) -> StageSpec:
    commands = (action.command,) if action.command else ()
    return StageSpec(StageName.ACTIONS, commands, {}, None, action.timeout_s, action.retries, action.where)


def _write(action: Action, root: Path, pipeline_rel: str, empty: StageRun) -> RunningStage:
    """Write an action's file: inside the repository, to no protected place, whatever links lie on the way."""
    try:
        _write_text(root, action.path or "", pipeline_rel, action.content or "")
    except TargetError as error:
        return RunningStage(empty.having(_unusable(action, error.message, error.hint)))
    except OSError as error:
        return RunningStage(empty.having(_unusable(action, f"{error.strerror}.", None)))
    return RunningStage(empty)


def _write_text(root: Path, path: str, pipeline_rel: str, text: str) -> None:
    from runner_env.contract.actions import is_protected

    folder, _, name = path.rpartition("/")
    with InsideWalk(root) as walk:
        enter_making(walk, folder or ".")
        if is_protected(walk.name_of(name), pipeline_rel):
            raise TargetError("path_protected", f"Behind a link it is `{shown(walk.name_of(name))}`.")
        with os.fdopen(os.open(name, _WRITE, 0o644, dir_fd=walk.fd), "w", encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise TargetError("path_not_regular", f"It is {kind_of(mode)}.")
            file.truncate(0)
            file.write(text)


def _unusable(action: Action, why: str, hint: str | None) -> Finding:
    message = f"Action {action.id} cannot write `{shown(action.path or '')}`: {why}"
    return Finding("action_path_unusable", message, action.where, hint, stage=StageName.ACTIONS.value)


def put_away(actions: Actions, root: Path, is_tracked: Callable[[str], bool]) -> bool:
    """Remove the file once it was carried out, unless it is under version control; returns whether it was removed."""
    if is_tracked(actions.file):
        return False
    (root / actions.file).unlink(missing_ok=True)
    return True
