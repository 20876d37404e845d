"""A contract that asks for containment, and an operator who does."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner_env.core import Verdict
from runner_env.errors import ContractError, OptionError

Make = Callable[..., Any]


@pytest.fixture
def without_bwrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PATH on which there is no bwrap, docker or podman."""
    folder = tmp_path / "few"
    folder.mkdir()
    for program in ("sh", "cat", "touch", "git"):
        (folder / program).symlink_to(f"/usr/bin/{program}")
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.usefixtures("without_bwrap")
@pytest.mark.parametrize("security", [{"sandbox": "bwrap"}, {"sandbox": "docker", "network": "none"}])
def test_a_required_sandbox_that_is_not_there_is_an_error(project: Make, scored: Make, security: Any) -> None:
    """Nothing is run at a weaker level than the contract requires; the reason and what to do are said."""
    made = project(security={**security, "sandbox_required": True}, evaluation=scored("touch ran"))
    with pytest.raises(ContractError, match="not installed") as refused:
        made.evaluate()
    assert refused.value.code == "sandbox_not_available"
    assert refused.value.hint
    assert not made.exists("ran")


@pytest.mark.usefixtures("without_bwrap")
def test_a_level_that_the_operator_names_must_hold(project: Make, scored: Make) -> None:
    """An explicit level is never replaced by another."""
    made = project(evaluation=scored("touch ran"))
    with pytest.raises(OptionError, match="bwrap is not installed") as refused:
        made.evaluate(sandbox="bwrap")
    assert refused.value.code == "sandbox_not_available"
    assert not made.exists("ran")


def test_no_network_at_a_level_that_has_no_means_is_an_error(project: Make, scored: Make) -> None:
    """network="none" must hold as well."""
    made = project(evaluation=scored("touch ran"))
    with pytest.raises(OptionError, match="does not keep the network away"):
        made.evaluate(sandbox="none", network="none")
    assert not made.exists("ran")


@pytest.mark.usefixtures("without_bwrap")
def test_a_wish_for_containment_is_answered_by_a_note(project: Make, scored: Make) -> None:
    """A request that is not fulfilled shows in the result with the reason, and changes no verdict."""
    result = project(security={"sandbox": "bwrap"}, evaluation=scored()).evaluate()
    [found] = [finding for finding in result.findings if finding.code == "sandbox_not_available"]
    assert found.verdict is Verdict.PASSED
    assert "bwrap is not installed" in found.message
    assert result.ok
    said = json.loads((Path(result.run_dir) / "sandbox.json").read_text())
    assert (said["requested"], said["level"]) == ("bwrap", "landlock")
    assert "bwrap is not installed" in said["fallback_reason"]


def test_a_wish_that_cannot_be_tried_at_the_operators_level_is_a_note(project: Make, scored: Make) -> None:
    """No network was asked for by the contract, and level none has no means."""
    result = project(security={"network": "none"}, evaluation=scored()).evaluate(sandbox="none")
    assert [finding.code for finding in result.findings] == ["sandbox_not_available"]
    assert result.ok


def test_level_none_can_be_required(project: Make, scored: Make) -> None:
    """A contract cannot loosen: requiring `none` leaves the operator's level as it is, without a note."""
    result = project(security={"sandbox": "none", "sandbox_required": True}, evaluation=scored()).evaluate()
    assert result.ok
    assert result.findings == ()
    assert json.loads((Path(result.run_dir) / "sandbox.json").read_text())["level"] != "none"


@pytest.mark.parametrize(("variable", "value"), [("SANDBOX", "jail"), ("NETWORK", "off")])
def test_a_variable_with_an_unknown_value_is_an_error(
    project: Make, scored: Make, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """A typo never means less containment than was meant."""
    monkeypatch.setenv(f"RUNNER_ENV_{variable}", value)
    with pytest.raises(OptionError, match=f"RUNNER_ENV_{variable} is '{value}'"):
        project(evaluation=scored()).evaluate()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'bwrap: No permissions to create new namespace' >&2; exit 1", "No permissions to create new namespace"),
        ('while [ "$1" != -- ]; do shift; done; shift; exec "$@"', "processes outside can be seen"),
    ],
)
def test_a_level_that_does_not_hold_is_replaced_by_the_next(
    project: Make, scored: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    """User namespaces that are blocked, and a program that only claims to contain: `auto` goes on, and says why."""
    (tmp_path / "first").mkdir()
    program = tmp_path / "first/bwrap"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/first:{os.environ['PATH']}")
    result = project(evaluation=scored()).evaluate()
    assert result.ok
    said = json.loads((Path(result.run_dir) / "sandbox.json").read_text())
    assert (said["level"], said["requested"]) == ("landlock", "auto")
    assert reason in said["fallback_reason"]
    with pytest.raises(OptionError, match=reason):
        project(evaluation=scored()).evaluate(sandbox="bwrap")
