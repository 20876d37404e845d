"""Which levels are tried: the stricter of operator and contract."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.errors import OptionError
from runner_env.execution.levels import RANK, Wanted, find_level

LEVELS = st.sampled_from(["auto", *RANK])
NETWORKS = st.sampled_from(["host", "none"])


@pytest.mark.parametrize(
    ("operator", "contract", "required", "levels", "least"),
    [
        ("auto", None, False, ("bwrap", "landlock", "none"), 0),
        ("auto", None, True, ("bwrap", "landlock", "none"), 1),
        ("auto", "none", True, ("bwrap", "landlock", "none"), 0),
        ("auto", "bwrap", True, ("bwrap", "landlock", "none"), 2),
        ("auto", "docker", False, ("docker", "bwrap", "landlock", "none"), 0),
        ("none", "bwrap", False, ("bwrap", "none"), 0),
        ("none", "bwrap", True, ("bwrap", "none"), 2),
        ("bwrap", "landlock", True, ("bwrap",), 2),
        ("landlock", None, False, ("landlock",), 1),
    ],
)
def test_levels_to_try(
    operator: str, contract: str | None, required: bool, levels: tuple[str, ...], least: int
) -> None:
    """What is tried in which order, and what is too weak."""
    wanted = Wanted.of((operator, "host"), (contract, None), required=required)
    assert (wanted.levels, wanted.least) == (levels, least)


@given(LEVELS, NETWORKS, st.one_of(st.none(), LEVELS), st.one_of(st.none(), NETWORKS), st.booleans())
def test_a_contract_never_loosens(
    level: str, network: str, asked: str | None, asked_network: str | None, required: bool
) -> None:
    """Whatever the contract says, nothing weaker is accepted than without it, and no network comes back."""
    operator = (level, "none" if network == "none" else "host")
    alone = Wanted.of(operator)  # type: ignore[arg-type]
    both = Wanted.of(operator, (asked, asked_network), required=required)  # type: ignore[arg-type]
    assert both.least >= alone.least
    assert set(alone.levels) <= set(both.levels)
    assert not (alone.network == "none" and both.network == "host")
    assert both.network_insisted >= alone.network_insisted


def test_unknown_level() -> None:
    """It is refused, with the known ones in the hint."""
    with pytest.raises(OptionError, match="bwrap"):
        find_level("jail")
