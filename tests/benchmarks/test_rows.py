"""The benchmarks can be run; nothing here is timed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
Load = Callable[[str], ModuleType]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Loads a benchmark by its name."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(BENCHMARKS)
    yield import_module
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and BENCHMARKS in Path(str(sys.modules[name].__file__)).parents:
            del sys.modules[name]


def test_every_module_has_rows(load: Load) -> None:
    """What `make bench` names is there and can measure."""
    assert all(callable(load(name).rows) for name in load("run").MODULES)


def test_a_run_of_the_benchmark_contract_passes(load: Load, tmp_path: Path) -> None:
    """The nine commands make a run that passes; otherwise it would measure something else."""
    project, overhead = load("_project"), load("overhead")
    target = project.make_project(tmp_path / "target", git=False)
    overhead._run(target, "none")
    assert (target / ".aider_fsm" / "metrics.json").exists()


def test_a_miss_is_printed_and_is_no_error(
    load: Load, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missed goal is told clearly, what was not measured is no miss, and the exit code is 0 all the same."""
    row = load("_row").Row
    run = load("run")
    rows = [row("a", "<= 1", "2", ok=False), row("b", "<= 1", "not measured: why", ok=None)]
    monkeypatch.setattr(load("samples"), "rows", lambda: rows)
    assert run.main(["--only", "samples"]) == 0
    out = capsys.readouterr().out
    assert "MISSED: a: 2, the goal is <= 1" in out
    assert out.count("MISS") == 2
