"""What deploy hands to the later stages."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner_env.core import Where
from runner_env.evidence.rundir import RunDir
from runner_env.verification import check_runtime_env

if TYPE_CHECKING:
    from conftest import Bench

PATH = ".aider_fsm/runtime_env.json"


@pytest.mark.parametrize("value", [{}, {"service": {"base_url": "http://127.0.0.1:1"}}])
def test_any_object_will_do(bench: Bench, value: dict[str, object]) -> None:
    """No key is required; an empty object is fine."""
    context = bench.context()
    bench.write(PATH, value)
    verified = check_runtime_env(context)
    assert (verified.findings, verified.value) == ((), value)
    assert verified.claims[0].reference == "claims/deploy_setup/runtime_env.json"


def test_missing_file_is_a_finding_of_deploy_setup(bench: Bench) -> None:
    """Deploy must say where things are."""
    (finding,) = check_runtime_env(bench.context()).findings
    assert (finding.code, finding.stage, finding.where) == ("missing_runtime_env_json", "deploy_setup", Where(PATH))


def test_old_file_is_stale(bench: Bench) -> None:
    """A service of an earlier run is not this run's service."""
    bench.write(PATH, {})
    (finding,) = check_runtime_env(bench.context()).findings
    assert finding.code == "runtime_env_stale"


@pytest.mark.parametrize(("content", "code"), [("[]", "runtime_env_json_not_object"), ("{", "json_invalid")])
def test_malformed_file_is_refused(bench: Bench, content: str, code: str) -> None:
    """It must be a JSON object."""
    context = bench.context()
    bench.write(PATH, content)
    (finding,) = check_runtime_env(context).findings
    assert finding.code == code


def test_real_run_directory_takes_what_was_judged(bench: Bench, tmp_path: Path) -> None:
    """The store of a Context is the evidence room's, and both agree on the bytes."""
    run = RunDir.create(tmp_path / "runs", "20261122T021400Z-0123456789abcdef")
    context = replace(bench.context(), store=run.store_file)
    raw = bench.write(PATH, {"a": 1}).read_bytes()
    (claim,) = check_runtime_env(context).claims
    run.close()
    assert (run.path / str(claim.reference)).read_bytes() == raw
    assert (claim.size, claim.sha256) == (len(raw), hashlib.sha256(raw).hexdigest())
