"""`runner-env schema`."""

from __future__ import annotations

import json
from collections.abc import Callable

from click.testing import Result

from runner_env.reporting.schemas import NAMES

Cli = Callable[..., Result]


def test_names(cli: Cli) -> None:
    """Without a name, all names are listed."""
    assert cli("schema").stdout.split() == list(NAMES)


def test_a_schema(cli: Cli) -> None:
    """With a name, that schema and nothing else is printed."""
    assert json.loads(cli("schema", "run-record").stdout)["$id"] == "runner-env/run-record@1"


def test_unknown_name(cli: Cli) -> None:
    """A mistyped name is bad input, and the nearest one is named."""
    result = cli("schema", "pipline")
    assert result.exit_code == 2
    assert "Did you mean pipeline?" in result.stderr
    assert "Known names: pipeline, bootstrap" in cli("schema", "zzz").stderr
