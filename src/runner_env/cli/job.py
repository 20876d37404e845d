"""The main job, from the options of `runner-env run` to its record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner_env.cli.env_file import parse_assignments, read_env_file
from runner_env.cli.output import complain
from runner_env.errors import EvidenceError
from runner_env.reporting.findings import render_findings
from runner_env.reporting.records import load_record
from runner_env.session import EnvSession, open_session
from runner_env.settings import Settings
from runner_env.targets.address import without_credentials
from runner_env.targets.fetch import is_remote

if TYPE_CHECKING:
    from runner_env.formats.record import RunRecord
    from runner_env.reporting.progress import Progress
    from runner_env.runs.results import CallResult

_SETUP = (
    "clones_dir", "pipeline_rel", "unattended", "require_metrics", "pass_env", "workspace", "sandbox", "network",
    "scaffold", "harness", "opencode_model", "opencode_url",
)  # fmt: skip
_CALL = ("mode", "artifacts_dir", "repair_iters")


def perform(target: str, llm: str, given: Mapping[str, Any], progress: Progress) -> RunRecord:
    """Open the target, roll out, evaluate, close; then read what was recorded.

    Args:
        target: directory or git URL.
        llm: model id or directory.
        given: the options by name; None where one was not given.
        progress: sees every event.

    Raises:
        RunnerEnvError: as `setup()`, `rollout()` and `evaluate()`; `EvidenceError` if the record cannot be read.
    """
    setup = {name: given[name] for name in _SETUP if given[name] is not None}
    call = {name: given[name] for name in _CALL if given[name] is not None}
    from_file = read_env_file(Path(given["env_file"])) if given["env_file"] else {}
    call["env_overrides"] = from_file | parse_assignments(given["env"])
    if is_remote(target, Settings.from_environ()):
        progress.fetching(without_credentials(target))
    with open_session(target, setup, progress) as session:
        result = _run(session, llm, call, require_samples=given["require_samples"])
    try:
        return load_record(result.run_dir)
    except EvidenceError:
        complain(render_findings(result.findings))
        raise


def _run(session: EnvSession, llm: str, call: dict[str, Any], *, require_samples: bool) -> CallResult:
    # evaluate() alone does everything, and also serves a contract without a rollout; only rollout() can demand samples.
    if require_samples:
        rollout = session.rollout(llm, require_samples=True, **call)
        if not rollout.ok:
            return rollout
    return session.evaluate(llm, **call)
