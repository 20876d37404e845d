"""Outputs that real runs left, with what they state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

OUTPUTS = Path(__file__).parent / "outputs"
NAMES = sorted(path.stem for path in OUTPUTS.glob("*.txt"))
FIELDS = ("passed", "failed", "errors", "skipped", "xfailed", "xpassed", "deselected", "total", "ok", "score")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each output."""
    if "output_name" in metafunc.fixturenames:
        metafunc.parametrize("output_name", NAMES)


@pytest.fixture
def output(output_name: str) -> bytes:
    """What the run printed, or the report that it wrote."""
    return (OUTPUTS / f"{output_name}.txt").read_bytes()


@pytest.fixture
def stated(output_name: str) -> Mapping[str, Any]:
    """What it states, and how the run ended (`exit_code`)."""
    expected: dict[str, Any] = json.loads((OUTPUTS / f"{output_name}.json").read_text("utf-8"))
    return expected
