"""Tidying up after lost runs: what they still owe is done, what they left is removed, their evidence stays."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Final, Literal

from runner_env.contract.model import StageName, TeardownPolicy
from runner_env.core import Ambient, Finding, Verdict
from runner_env.errors import RunError, RunnerEnvError, WorkspaceBusy
from runner_env.evidence.rundir import JOURNAL, RunDir
from runner_env.evidence.workspace_lock import WorkspaceLock
from runner_env.formats.disk import TEMPORARY_PREFIX
from runner_env.runs import conclusion
from runner_env.runs.carried import asides, finished_stages
from runner_env.runs.continuing import Continued, carried_progress
from runner_env.runs.gc_journal import gc_journal
from runner_env.runs.history import History
from runner_env.runs.inputs import RunInputs
from runner_env.runs.reopened import missing_variables, stored_call, stored_inputs, stored_model
from runner_env.runs.resume import Given, seal_orphan
from runner_env.runs.run import Run
from runner_env.runs.scratch import Scratch
from runner_env.settings import Settings
from runner_env.targets.clones import UNFINISHED
from runner_env.targets.copies import unused_copies
from runner_env.targets.repository import SCRATCH
from runner_env.targets.temporary import abandoned, remove_abandoned

FORMAT: Final = "runner-env/gc@1"
GONE = ".gone-"
"""How the name of a directory begins that is being removed: a crash leaves no half of anything under its own name."""

Tell = Callable[[str, Path], int]
_DAY_S = 86_400.0
_BEING_MADE_S = 60.0
_DUE = frozenset({TeardownPolicy.ALWAYS, TeardownPolicy.ON_FAILURE})
"""A lost run is no success."""


@dataclass(frozen=True, slots=True)
class TidiedRun:
    """What was done, or with `--dry-run` would be done, about one lost run.

    Attributes:
        run_id: the run.
        did: `sealed` (its record was whole but for the seal), `teardown`, `restored` (files that were moved aside),
            `removed` (unfinished files, or a directory in which nothing was begun), in order.
        ok: whether nothing is left to do.
        findings: what stood in the way, and notes.
    """

    run_id: str
    did: tuple[str, ...] = ()
    ok: bool = True
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class GcReport:
    """What came of tidying up.

    Attributes:
        ok: whether nothing is left to do.
        dry_run: whether it was only looked at.
        runs: lost runs about which there was something to do.
        removed: paths of leftovers of no run, and of what was too old.
    """

    ok: bool
    dry_run: bool
    runs: tuple[TidiedRun, ...]
    removed: tuple[str, ...]
    format: Literal["runner-env/gc@1"] = field(default=FORMAT)


@dataclass(frozen=True, slots=True)
class GcOptions:
    """What is asked for.

    Attributes:
        dry_run: look, and do nothing.
        older_than_days: also remove evidence, clones, caches and copies that nobody has used for so many days; None
            keeps them.
        given: variables for the teardowns.
    """

    dry_run: bool = False
    older_than_days: float | None = None
    given: Given = field(default_factory=Given)


def collect(settings: Settings, options: GcOptions | None = None) -> GcReport:
    """Tidy up after every lost run. A run that is going on is never touched; killed, this can be run again.

    Raises:
        RunError: `gc_busy`: another one is at it.
        EvidenceError: what is done cannot be written down.
    """
    options = options or GcOptions()
    if options.dry_run:
        return _collect(settings, options, lambda _event, _path: 0)
    with gc_journal(settings.home) as journal:
        return _collect(settings, options, lambda event, path: journal.append(event, path=str(path)))


def _collect(settings: Settings, options: GcOptions, tell: Tell) -> GcReport:
    folders = sorted(path for path in _folders(settings.runs_dir) if not path.name.startswith(GONE))
    runs = [tidied for path in folders if (tidied := _tidy(path, settings, options, tell)) is not None]
    removed = list(_remove_leftovers(settings, options, tell))
    if options.older_than_days is not None:
        removed += _remove_old(settings, options, tell)
    ok = all(run.ok for run in runs)
    return GcReport(ok, options.dry_run, tuple(runs), tuple(map(str, removed)))


def _tidy(path: Path, settings: Settings, options: GcOptions, tell: Tell) -> TidiedRun | None:
    """Tidy up after one run; None if there is nothing to do about it."""
    try:
        if RunDir.is_live(path):
            return None
        if not (path / JOURNAL).exists() or not (path / JOURNAL).stat().st_size:
            return _remove_empty(path, options, tell)
        history = History.read(path)
        if history.sealed or (history.tidied and not list(_unfinished(path))):
            return None
        if history.orphan_record() is not None:
            if not options.dry_run:
                seal_orphan(history)
            return TidiedRun(path.name, ("sealed",))
        return _settle(history, settings, options)
    except (RunnerEnvError, OSError) as error:
        return TidiedRun(path.name, (), ok=False, findings=(conclusion.trouble(error),))


def _settle(history: History, settings: Settings, options: GcOptions) -> TidiedRun:
    if history.opening and not history.tidied and _owes(history):
        inputs = stored_inputs(history, settings, options.given.pass_env, options.given.observer)
        due = tuple(_due(history, inputs))
        if due:
            return _settle_in_box(history, inputs, options, due)
    did = ("removed",) if any(_unfinished(history.path)) else ()
    if not options.dry_run:
        with RunDir.reopen(history.path, history.attempts + 1) as run_dir:
            run_dir.journal.append("tidying_started", attempt=run_dir.attempt, due=list(did))
            _remove_unfinished(history.path)
            run_dir.journal.append("tidied", findings=[])
    return TidiedRun(history.run_id, did)


def _settle_in_box(history: History, inputs: RunInputs, options: GcOptions, due: tuple[str, ...]) -> TidiedRun:
    """Let a further attempt at the run do nothing but what it still owes."""
    call = stored_call(history, options.given.env_overrides)
    findings = list(_without(missing_variables(history, inputs, call))) if "teardown" in due else []
    if options.dry_run:
        return TidiedRun(history.run_id, due, findings=tuple(findings))
    inputs.check(call)
    finished = finished_stages(history)
    if not history.torn_down:
        finished.pop(StageName.DEPLOY_TEARDOWN, None)
    progress = carried_progress(history, inputs, finished)
    progress.called = call
    progress.findings.append(conclusion.interrupted("it was lost"))
    known = progress.all_findings
    run = Run(inputs, stored_model(history), Continued.of(history, progress, "tidying_started", due=list(due)))
    run.recall_bootstrap()
    ok = run.tidy()
    findings += [finding for finding in run.progress.all_findings if finding not in known]
    _remove_unfinished(history.path)
    return TidiedRun(history.run_id, due, ok, tuple(findings))


def _due(history: History, inputs: RunInputs) -> Iterator[str]:
    declared = StageName.DEPLOY_TEARDOWN in history.declared
    if declared and not history.torn_down and inputs.contract.teardown_policy in _DUE:
        yield "teardown"
    if _moved(history, inputs.checkout.root):
        yield "restored"


def _owes(history: History) -> bool:
    return history.any_command or any(history.of("set_aside"))


def _moved(history: History, root: Path) -> bool:
    """Whether something that git tracks was moved aside and is not back."""
    moved = (one for of_stage in asides(history).values() for one in of_stage)
    return any(one.tracked and not os.path.lexists(root / one.relative) for one in moved)


def _without(missing: list[str]) -> Iterator[Finding]:
    if missing:
        message = f"The teardown runs without variables that the run was given: {', '.join(missing)}."
        yield Finding("teardown_without_variables", message, hint="Give them to `gc`.", verdict=Verdict.PASSED)


def _remove_empty(path: Path, options: GcOptions, tell: Tell) -> TidiedRun | None:
    """A directory in which nothing was begun, unless it may be in the making this moment."""
    if time.time() - path.stat().st_mtime < _BEING_MADE_S:
        return None
    _remove(path, options, tell)
    return TidiedRun(path.name, ("removed",))


def _unfinished(run_dir: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(run_dir):
        yield from (Path(folder, name) for name in names if name.startswith(TEMPORARY_PREFIX))


def _remove_unfinished(run_dir: Path) -> None:
    for path in _unfinished(run_dir):
        path.unlink(missing_ok=True)


def _remove_leftovers(settings: Settings, options: GcOptions, tell: Tell) -> Iterator[Path]:
    """Half clones, throw-away git directories, and what an earlier tidying was removing."""
    for prefix, parent in ((UNFINISHED, settings.targets_dir), (SCRATCH, None)):
        for path in abandoned(prefix, parent):
            if not options.dry_run:
                tell("removing", path)
                remove_abandoned(path)
            yield path
    for path in _lost_scratch(settings):
        if not options.dry_run and not _remove_scratch(path, settings, tell):
            continue
        yield path
    for parent in (settings.runs_dir, settings.targets_dir, settings.cache_dir, *_folders(settings.workspaces_dir)):
        for path in _folders(parent):
            if path.name.startswith(GONE):
                if not options.dry_run:
                    shutil.rmtree(path, ignore_errors=True)
                yield path


def _lost_scratch(settings: Settings) -> Iterator[Path]:
    """The folders of runs that are not going on."""
    for path in _folders(settings.scratch_dir):
        run_id = Scratch(path, settings.cache_dir).run_id
        run_dir = settings.runs_dir / run_id if run_id else None
        if run_dir is not None and run_dir.is_dir():
            if not RunDir.is_live(run_dir):
                yield path
        elif time.time() - path.stat().st_mtime > _BEING_MADE_S:
            yield path


def _remove_scratch(path: Path, settings: Settings, tell: Tell) -> bool:
    """Remove the folders of a lost run, unless a run has its workspace, for that has the same; whether it was done."""
    scratch = Scratch(path, settings.cache_dir)
    with ExitStack() as held:
        with suppress(RunnerEnvError, OSError, KeyError):  # nothing is known of the workspace, or it is gone as well
            workspace = Path(History.read(settings.runs_dir / scratch.run_id).opening["workspace"])
            if workspace.is_dir():
                try:
                    held.enter_context(WorkspaceLock.acquire(workspace, scratch.run_id, Ambient()))
                except WorkspaceBusy:
                    return False
        tell("removing", path)
        scratch.remove()
    return True


def _remove_old(settings: Settings, options: GcOptions, tell: Tell) -> Iterator[Path]:
    """Evidence, clones, caches and copies that nobody has used for so many days."""
    assert options.older_than_days is not None
    before = time.time() - options.older_than_days * _DAY_S
    for path in _folders(settings.runs_dir):
        journal = path / JOURNAL
        if not path.name.startswith(GONE) and journal.exists() and journal.stat().st_mtime < before and _over(path):
            _remove(path, options, tell)
            yield path
    for path in _folders(settings.targets_dir):
        if not path.name.startswith((GONE, UNFINISHED)) and _used(path) < before and not WorkspaceLock.is_held(path):
            _remove(path, options, tell)
            yield path
    for path in chain(_old_caches(settings, before), unused_copies(settings.workspaces_dir, before)):
        _remove(path, options, tell)
        yield path


def _old_caches(settings: Settings, before: float) -> Iterator[Path]:
    """Caches of targets of which no run has begun since then, and none is going on."""
    for path in _folders(settings.cache_dir):
        if path.name.startswith(GONE) or path.stat().st_mtime >= before:
            continue
        run_id = Scratch.of_cache(path, settings).run_id
        if not run_id or not RunDir.is_live(settings.runs_dir / run_id):
            yield path


def _over(path: Path) -> bool:
    """Whether a run is over: it has its record, or nothing is left to do about it."""
    try:
        if RunDir.is_live(path):
            return False
        history = History.read(path)
    except RunnerEnvError:  # damaged: whoever asks to remove what is old means that too
        return True
    return history.sealed or history.tidied


def _used(clone: Path) -> float:
    with suppress(OSError):
        return (clone / ".aider_fsm" / "artifacts" / ".lock").stat().st_mtime
    return clone.stat().st_mtime


def _remove(path: Path, options: GcOptions, tell: Tell) -> None:
    if options.dry_run:
        return
    tell("removing", path)
    gone = path.with_name(f"{GONE}{path.name}")
    try:
        path.rename(gone)
    except OSError as error:
        raise RunError("gc_failed", f"{path} cannot be removed: {error.strerror}.") from error
    shutil.rmtree(gone, ignore_errors=True)


def _folders(parent: Path) -> list[Path]:
    return [path for path in parent.iterdir() if path.is_dir() and not path.is_symlink()] if parent.is_dir() else []
