"""A contract that asks for containment, on a runner that has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runner_env.core import Verdict
from runner_env.errors import ContractError


@pytest.mark.parametrize("security", [{}, {"sandbox": "auto"}, {"sandbox": "bwrap", "network": "none"}])
def test_a_required_sandbox_that_is_not_there_is_an_error(
    project: Callable[..., Any], scored: Callable[..., Any], security: dict[str, str]
) -> None:
    """Nothing is run at a weaker level than the contract requires."""
    made = project(security={**security, "sandbox_required": True}, evaluation=scored("touch ran"))
    with pytest.raises(ContractError) as refused:
        made.evaluate()
    assert refused.value.code == "sandbox_not_available"
    assert not made.exists("ran")


@pytest.mark.parametrize("security", [{"sandbox": "landlock"}, {"network": "none"}])
def test_a_wish_for_containment_is_answered_by_a_note(
    project: Callable[..., Any], scored: Callable[..., Any], security: dict[str, str]
) -> None:
    """A request that nothing fulfils shows in the result, and changes no verdict."""
    result = project(security=security, evaluation=scored()).evaluate()
    found = {finding.code: finding.verdict for finding in result.findings}
    assert found["sandbox_not_available"] is Verdict.PASSED
    assert result.ok


def test_level_none_can_be_required(project: Callable[..., Any], scored: Callable[..., Any]) -> None:
    """A contract that requires what there is runs, without a note."""
    result = project(security={"sandbox": "none", "sandbox_required": True}, evaluation=scored()).evaluate()
    assert result.ok
    assert result.findings == ()
