"""The public API: `setup(target)` opens an environment, its session rolls out and evaluates."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self, Unpack

from runner_env.contract.model import StageName
from runner_env.core import ModelRef
from runner_env.errors import ContractMissing, OptionError, RunnerEnvError
from runner_env.pipeline.bootstrap import BootstrapMemory
from runner_env.pipeline.plan import BEFORE_EVALUATION, EVALUATION
from runner_env.runs.authors import Authors
from runner_env.runs.conclusion import trouble
from runner_env.runs.inputs import Observer, RunInputs, SessionInputs
from runner_env.runs.keywords import CallKeywords, RolloutKeywords, SetupKeywords, known
from runner_env.runs.model import resolve_model
from runner_env.runs.options import CallOptions, SetupOptions, call_options, setup_options
from runner_env.runs.results import EvaluationCallResult, RolloutCallResult, evaluation_result, rollout_result
from runner_env.runs.run import Run
from runner_env.runs.signals import INTERRUPTION
from runner_env.runs.sources import contract_of
from runner_env.settings import Settings
from runner_env.targets import Checkout, fetch
from runner_env.targets.address import without_credentials
from runner_env.targets.copies import WorkspaceCopy

if TYPE_CHECKING:
    from runner_env.contract.model import Contract

__all__ = ["EnvSession", "SetupKeywords", "setup"]


def setup(target: str | Path, **keywords: Unpack[SetupKeywords]) -> EnvSession:
    """Open a target: find the repository, read its contract. Nothing of it is run yet.

    Args:
        target: a directory; a git URL or `owner/repo` on GitHub, each with `@ref` (branch, tag or commit) if wanted;
            an archive, by path or URL; or the URL of a dataset on the Hugging Face Hub.
        **keywords: see `SetupKeywords`.

    Returns:
        A session; use it as a context manager, or call `close()`.

    Raises:
        OptionError: an empty target or an unusable keyword value.
        TargetNotFound: nothing is at that path.
        TargetError: the repository cannot be had.
        ContractMissing: it has no contract, it is no skills repository (a directory with `skilltest.yaml`), and
            neither rules nor an agent program could write one.
        ScaffoldFailed: an agent program tried, and nothing that can be used came of it.
        ContractError: its contract cannot be used; `findings` has every problem with its place.
        DefinitionError: it is a skills repository whose config, cases or skills cannot be used; likewise.
        TypeError: an unknown keyword.
    """
    return open_session(target, keywords)


def open_session(target: str | Path, keywords: Mapping[str, object], observer: Observer | None = None) -> EnvSession:
    """As `setup()`, for callers that want to watch.

    Args:
        target: as for `setup()`.
        keywords: those of `setup()`.
        observer: called with every event that a run records, after it was recorded.
    """
    known("setup", keywords, SetupKeywords)
    options = setup_options(keywords)
    settings = Settings.from_environ()
    checkout = fetch(target, settings=settings, clones_dir=options.clones_dir)
    copy = _copy(checkout, settings) if options.workspace == "copy" else None
    checkout = replace(checkout, root=copy.root) if copy else checkout
    authors = Authors(SessionInputs(checkout.root, options, settings, observer=observer))
    try:
        contract = _contract(checkout.root, options, authors)
    except BaseException:
        authors.close()
        raise
    named = without_credentials(str(target))
    inputs = RunInputs(named, checkout, contract, options, settings, observer=observer, written=authors.written)
    return EnvSession(inputs, authors, copy)


def _contract(root: Path, options: SetupOptions, authors: Authors) -> Contract:
    try:
        return contract_of(root, options.pipeline_rel)
    except ContractMissing as missing:
        stop = _stopping(authors)
        INTERRUPTION.watch(stop)
        try:
            with INTERRUPTION:
                authors.begin(missing)
        finally:
            INTERRUPTION.unwatch(stop)
        return contract_of(root, options.pipeline_rel)


def _stopping(authors: Authors) -> Callable[[str], None]:
    return lambda _: authors.stop()


def _copy(checkout: Checkout, settings: Settings) -> WorkspaceCopy:
    def made(root: Path) -> frozenset[Path]:
        return BootstrapMemory(settings.home / "bootstrap", root, lambda _: False).made()

    return WorkspaceCopy.make(checkout.root, settings.workspaces_dir, made)


class EnvSession:
    """An opened environment.

    `rollout()` begins a run; `evaluate()` completes it, or does everything where no run is open. Services that a
    rollout deployed stay up for the evaluation; the teardown runs after the evaluation, after a failure, when the
    session closes, when the program ends, and on Ctrl-C, SIGTERM and SIGHUP, as the contract's `teardown_policy`
    has it (signals only where the main thread has begun a run, and the program handles them in no way of its own).

    Threads may share a session; its calls are made one after the other.
    """

    def __init__(self, inputs: RunInputs, authors: Authors | None = None, copy: WorkspaceCopy | None = None) -> None:
        """Over opened inputs.

        Args:
            inputs: the opened target.
            authors: who has written its contract and may change it; None: the contract is the repository's own.
            copy: the copy that it is in, which the session gives back when it is closed.
        """
        self._inputs = inputs
        self._authors = authors or Authors(inputs.session)
        self._copy = copy
        self._model: ModelRef | None = None
        self._run: Run | None = None
        self._current: Run | None = None
        self._turn = threading.RLock()
        if self._authors.unsettled:
            _OPEN.add(self)

    @property
    def repo(self) -> Path:
        """The directory the stages run in."""
        return self._inputs.checkout.root

    def rollout(self, llm: str | Path, **keywords: Unpack[RolloutKeywords]) -> RolloutCallResult:
        """Run bootstrap, auth, tests, deploy and rollout; a deployed service stays up for `evaluate()`.

        Args:
            llm: a model id, a model directory or a `Path`.
            **keywords: `mode` ("smoke"), `require_samples` (False), `env_overrides` (None), `artifacts_dir` (None),
                `repair_iters` (3).

        Raises:
            InputError: an unusable model or keyword.
            WorkspaceBusy: another run holds the workspace.
            EvidenceError: the evidence cannot be begun.
        """
        known("rollout", keywords, RolloutKeywords)
        call = call_options(keywords)
        model = resolve_model(llm)
        self._inputs.check(call)
        with self._turn, INTERRUPTION:
            self._finish()
            self._model = model
            started = self._inputs.ambient.monotonic()
            self._authors.begin_call()
            run = self._begin()
            run = self._stand(run, "rollout", call, BEFORE_EVALUATION, scored=False)
            if run.failed:
                self._finish()
            return rollout_result(run, self._inputs.ambient.monotonic() - started)

    def evaluate(self, llm: str | Path | None = None, **keywords: Unpack[CallKeywords]) -> EvaluationCallResult:
        """Complete the open run with evaluation and benchmark, or run everything where none is open; then tear down.

        Args:
            llm: as for `rollout()`; the session's own by default. Another model than that of the open run, or another
                mode, begins a new one.
            **keywords: `mode` (that of the open run, or else "smoke"), `env_overrides` (None), `artifacts_dir` (None),
                `repair_iters` (3).

        Raises:
            InputError: no model was ever named (a due teardown runs all the same), or an unusable model or keyword.
            WorkspaceBusy: another run holds the workspace.
            EvidenceError: the evidence cannot be begun.
        """
        known("evaluate", keywords, CallKeywords)
        waiting = self._run
        if waiting is not None and not waiting.cancel.is_set:
            keywords = {"mode": waiting.progress.called.mode, **keywords}
        call = call_options(keywords)
        model = None if llm is None else resolve_model(llm)
        self._inputs.check(call)
        with self._turn, INTERRUPTION:
            model = model or self._model
            if model is None:
                raise self._missing_model()
            stages: tuple[StageName, ...] = EVALUATION
            kind = "evaluation"
            if self._run is None or not self._run.can_be_completed(model, call):
                self._finish()
                self._model = model
                kind, stages = "rollout_evaluation", (*BEFORE_EVALUATION, *EVALUATION)
            started = self._inputs.ambient.monotonic()
            self._authors.begin_call()
            run = self._run or self._begin()
            run = self._stand(run, kind, call, stages, scored=True)
            self._finish()
            return evaluation_result(run, self._inputs.ambient.monotonic() - started)

    def close(self) -> None:
        """End the open run, if there is one: tear down if it is due, end every process, complete the evidence.

        A call that another thread is in the middle of is told to stop first.
        """
        if not self._turn.acquire(blocking=False):
            self._stop("the session was closed")
            self._turn.acquire()
        try:
            with INTERRUPTION:
                self._finish()
                self._authors.close()
                _OPEN.discard(self)
        finally:
            if self._copy is not None:
                self._copy.close()
            self._turn.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _stand(self, run: Run, kind: str, call: CallOptions, stages: tuple[StageName, ...], *, scored: bool) -> Run:
        """Carry a run out; as long as it does not stand and its contract can be changed, carry out another one."""
        self._perform(run, kind, call, stages, scored=scored)
        while self._run is run and (scored or run.failed) and self._decided(run, self._authors.changed):
            self._finish()
            contract = contract_of(self._inputs.checkout.root, self._inputs.options.pipeline_rel)
            self._inputs = replace(self._inputs, contract=contract, written=self._authors.written)
            run = self._begin()
            if scored:
                kind, stages = "rollout_evaluation", (*BEFORE_EVALUATION, *EVALUATION)
            self._perform(run, kind, call, stages, scored=scored)
        if self._run is run:
            self._decided(run, self._authors.settle)
        return run

    def _decided(self, run: Run, decide: Callable[[Run], object]) -> bool:
        """Ask about a contract; trouble of the runner itself becomes a finding of the run."""
        try:
            return bool(decide(run))
        except (RunnerEnvError, OSError) as error:
            run.progress.findings.append(trouble(error))
        except BaseException:
            self._finish()
            raise
        return False

    def _missing_model(self) -> OptionError:
        error = OptionError("missing_llm", "evaluate() has no model", hint="Pass llm=..., or call rollout() first.")
        run = self._begin()
        run.progress.findings.append(trouble(error))
        self._finish()
        return error

    def _begin(self) -> Run:
        INTERRUPTION.watch(self._stop)
        try:
            run = Run(self._inputs, self._model)
        except BaseException:
            INTERRUPTION.unwatch(self._stop)
            raise
        self._run = self._current = run
        _OPEN.add(self)
        if INTERRUPTION.received:
            run.stop(INTERRUPTION.received)
        return run

    def _perform(self, run: Run, kind: str, call: CallOptions, stages: tuple[StageName, ...], *, scored: bool) -> None:
        try:
            run.perform(kind, call, stages)
            if not run.cancel.is_set:
                run.conclude(scored=scored)
        except BaseException:
            self._finish()
            raise
        if run.cancel.is_set:
            self._finish()

    def _finish(self) -> None:
        """End the open run, if there is one. A signal that arrives meanwhile cuts its teardown short."""
        if self._run is None:
            return
        try:
            self._run.finish()
        finally:
            self._run = None
            if not self._authors.unsettled:
                _OPEN.discard(self)
            INTERRUPTION.unwatch(self._stop)

    def _stop(self, reason: str) -> None:
        self._authors.stop()
        if self._current is not None:
            self._current.stop(reason)


_OPEN: set[EnvSession] = set()
"""Sessions with an open run, a contract on trial or an agent: they live until that is ended, at the latest when the
program ends."""


@atexit.register
def _close_all() -> None:
    try:
        with INTERRUPTION, ExitStack() as each:
            for session in list(_OPEN):
                each.callback(session.close)
    except (KeyboardInterrupt, SystemExit) as signalled:
        INTERRUPTION.die(signalled)  # at this point the exception alone would not change the exit code


os.register_at_fork(after_in_child=_OPEN.clear)
