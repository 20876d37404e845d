"""Limits besides time: the operator's bound, which the contract can only lower."""

from __future__ import annotations

import pytest

from runner_env.contract.model import Security
from runner_env.errors import OptionError
from runner_env.pipeline.resources import MIB, Resources, machine_memory


def of(security: Security = Security(), **environ: str) -> Resources:  # noqa: B008 - frozen
    """The limits on a machine of 1000 MiB."""
    return Resources.of(security, environ, lambda: 1000 * MIB)


def test_defaults() -> None:
    """Generous ones, of which memory is a share of the machine's."""
    found = of()
    assert found.memory_bytes == 900 * MIB
    assert (found.processes, found.disk_bytes, found.output_bytes) == (4096, 20_000 * MIB, 20 * MIB)
    assert (found.open_files, found.unobserved) == (65536, "")


def test_the_contract_lowers() -> None:
    """What a contract asks for holds where it is lower."""
    security = Security(max_memory_mb=100, max_processes=10, max_disk_mb=50, max_output_mb=1, max_open_files=64)
    found = of(security)
    assert (found.memory_bytes, found.processes, found.disk_bytes) == (100 * MIB, 10, 50 * MIB)
    assert (found.output_bytes, found.open_files) == (MIB, 64)


def test_the_contract_does_not_raise() -> None:
    """What is more than the operator's variable, or than the default without one, has no effect."""
    security = Security(max_memory_mb=5000, max_processes=10_000, max_disk_mb=30_000)
    assert of(security) == of()
    own = of(security, RUNNER_ENV_MAX_PROCESSES="20", RUNNER_ENV_MAX_DISK_MB="40000")
    assert (own.processes, own.disk_bytes) == (20, 30_000 * MIB)


def test_the_operator_may_raise() -> None:
    """A variable takes the place of a default in both directions."""
    found = of(RUNNER_ENV_MAX_MEMORY_MB="5000", RUNNER_ENV_MAX_OUTPUT_MB="7", RUNNER_ENV_MAX_OPEN_FILES="100000")
    assert (found.memory_bytes, found.output_bytes, found.open_files) == (5000 * MIB, 7 * MIB, 100_000)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RUNNER_ENV_MAX_MEMORY_MB", "0"),
        ("RUNNER_ENV_MAX_PROCESSES", "many"),
        ("RUNNER_ENV_MAX_DISK_MB", "-1"),
        ("RUNNER_ENV_MAX_OUTPUT_MB", "1.5"),
        ("RUNNER_ENV_MAX_OPEN_FILES", "63"),
        ("RUNNER_ENV_OBSERVE", "maybe"),
    ],
)
def test_unusable_variables(name: str, value: str) -> None:
    """A variable that is no limit is named, not ignored."""
    with pytest.raises(OptionError, match=name):
        of(**{name: value})


def test_observation_can_be_switched_off() -> None:
    """By the operator, and then the reason says so."""
    assert of(RUNNER_ENV_OBSERVE="off").unobserved == "RUNNER_ENV_OBSERVE=off"
    assert of(RUNNER_ENV_OBSERVE="on").unobserved == ""


def test_this_machine_has_memory() -> None:
    """At least what this test takes."""
    assert machine_memory() > 64 * MIB
