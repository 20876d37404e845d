"""`runs list`, `resume` and `gc` from the command line: what they print, and how they end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner_env.cli.root import root

Make = Callable[..., Any]


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    with pytest.raises(SystemExit) as ended:
        root.main(list(arguments))
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def test_nothing_was_ever_run(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty home is listed and tidied up without complaint."""
    assert called(capsys, "runs", "list") == (0, "no runs\n", "")
    assert called(capsys, "runs", "list", "--json")[:2] == (0, "[]\n")
    assert called(capsys, "gc") == (0, "nothing to do\n", "")
    code, out, _ = called(capsys, "gc", "--json")
    report = {"format": "runner-env/gc@1", "ok": True, "dry_run": False, "runs": [], "removed": []}
    assert (code, json.loads(out)) == (0, report)


def test_a_run_is_listed(project: Make, scored: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """As a line and as an object."""
    result = project(evaluation=scored()).evaluate()
    assert f"{result.run_id}  " in called(capsys, "runs", "list")[1]
    [run] = json.loads(called(capsys, "runs", "list", "--json")[1])
    assert (run["run_id"], run["state"], run["score"]) == (result.run_id, "passed", 0.5)


@pytest.mark.parametrize(("named", "problem"), [("nothing", "run_not_found"), ("", "run_not_found"), ("2", "run_over")])
def test_what_cannot_be_resumed(
    project: Make, scored: Make, capsys: pytest.CaptureFixture[str], named: str, problem: str
) -> None:
    """Bad input, with its code."""
    project(evaluation=scored()).evaluate()
    code, out, _ = called(capsys, "resume", named, "--json")
    assert (code, json.loads(out)["code"]) == (2, problem)


def test_what_gc_cannot_do_is_its_exit_code(project: Make, scored: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """A lost run whose journal was changed is reported, and left."""
    run_dir: Path = project(evaluation=scored()).evaluate().run_dir
    (run_dir / "record.json").unlink()
    journal = run_dir / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"number":1', b'"number":2', 1))
    code, out, _ = called(capsys, "gc")
    assert code == 1
    assert "not done" in out
    assert "[journal_changed]" in out
