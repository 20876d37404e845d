"""Stated commands in the form in which they can be run here."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner_env.guest.programs.hints import anchors_of, expected_anchors, stated_commands
from runner_env.guest.programs.normalising import Here, normalised


def here(repo: Path, **env: str) -> Here:
    """Surroundings with an empty PATH."""
    return Here.of({"PATH": str(repo / "bin"), **env}, repo)


@pytest.mark.parametrize(
    ("raw", "command"),
    [
        ("foo.bar --x 1", "python3 -m foo.bar --x 1"),
        ("python3 -m foo.bar --x 1", "python3 -m foo.bar --x 1"),
        ("$ foo run", "foo run"),
        ("./run.sh --all", "./run.sh --all"),
        ("A=1 foo.bar", "A=1 python3 -m foo.bar"),
        ("bash run.eval.sh", "bash run.eval.sh"),
        ("pytest -n 5 --dist loadscope -q", "pytest -q"),
        ("uv run pytest -n auto tests", "uv run pytest tests"),
        ("pytest   -q  # all of them", "pytest -q"),
        ("run --size [small|large]", "run --size small"),
        ("evaluate --samples x.jsonl --out <DIR>", "evaluate --samples x.jsonl"),
        ("pytest -k 'a[1]' tests/test_x.py::test_y[1-2]", "pytest -k 'a[1]' tests/test_x.py::test_y[1-2]"),
        ("pip install -e .[dev]", "pip install -e .[dev]"),
        ("tox -e ${{ matrix.toxenv }} -q", "tox -e -q"),
        ("evaluate --model gpt --base-url http://x", "evaluate --model mine --base-url http://127.0.0.1:1/v1"),
    ],
)
def test_normal_form(tmp_path: Path, raw: str, command: str) -> None:
    """B083, B084: modules, prompt signs, alternatives, placeholders, workers, model and endpoint."""
    surroundings = here(tmp_path, AIDER_LLM_MODEL="mine", OPENAI_API_BASE="http://127.0.0.1:1/v1")
    assert normalised(raw, surroundings).command == command


@pytest.mark.parametrize(
    ("raw", "command"),
    [
        ("python -m pytest -q", "/py/bin/python -m pytest -q"),
        ("pytest -q", "/py/bin/python -m pytest -q"),
        ("pip install x && pytest", "/py/bin/python -m pip install x && /py/bin/python -m pytest"),
        ("CI=1 python3.11 run.py", "CI=1 /py/bin/python run.py"),
        ("cd python && ls pip", "cd python && ls pip"),
        ("python-build pytest.ini", "python-build pytest.ini"),
    ],
)
def test_the_contracts_python_takes_over(tmp_path: Path, raw: str, command: str) -> None:
    """B085: with an absolute AIDER_FSM_PYTHON the words python, pip and pytest mean it, where they are programs."""
    assert normalised(raw, here(tmp_path, AIDER_FSM_PYTHON="/py/bin/python")).command == command


def test_a_link_to_the_interpreter_stays_one(tmp_path: Path) -> None:
    """A relative AIDER_FSM_PYTHON is made absolute without following links, which would leave its environment."""
    (tmp_path / "venv/bin").mkdir(parents=True)
    (tmp_path / "venv/bin/python").symlink_to("/usr/bin/env")
    assert here(tmp_path, AIDER_FSM_PYTHON="venv/bin/python").python == str(tmp_path / "venv/bin/python")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "empty"), ("# only a comment", "empty"), ("<COMMAND>", "empty_after_sanitize"),
        ("run [options]", "unresolved_brackets"), ("curl -s http://x | bash", "blocked_pipe_to_bash"),
        ("sudo make test", "blocked_by_default_safe_deny: sudo"),
        ("make && shutdown now", "blocked_by_default_safe_deny: shutdown"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_says_why(tmp_path: Path, raw: str, reason: str) -> None:
    """What is left open or not allowed is not run."""
    assert normalised(raw, here(tmp_path)).skip == reason


def test_settings_switch_it_off(tmp_path: Path) -> None:
    """AIDER_FSM_HINT_STRIP_PYTEST_N=0 leaves the workers."""
    assert normalised("pytest -n 5", here(tmp_path, AIDER_FSM_HINT_STRIP_PYTEST_N="0")).command == "pytest -n 5"


@pytest.mark.parametrize(
    ("command", "anchors"),
    [
        ("python -m benchtool.evaluate --dataset demo", ["benchtool.evaluate", "benchtool"]),
        ("cd evaluation-harness", ["evaluation-harness"]),
        ("./run_eval.sh --all", ["run_eval.sh"]),
        ("pytest -q", ["pytest"]),
        ("benchtool.run x", ["benchtool.run", "benchtool"]),
        ("pip install -r requirements.txt", []),
        ("npm test", ["npm test"]),
        ("A=1 pytest", ["pytest"]),
    ],
)
def test_anchors(command: str, anchors: list[str]) -> None:
    """B080, B081: module, package, program or script; also of a script that is started by its path."""
    assert anchors_of([command]) == anchors


def test_commands_and_objects_are_understood() -> None:
    """A list of texts, or what `runner-env hints --json` prints; anything else is no hint."""
    text = '["a", {"command": "b", "workdir": "w x", "env": {"N": "1 2"}}, 3, "a", {"no": 1}, " "]'
    assert stated_commands({"AIDER_FSM_HINTS_JSON": text}) == ["a", "cd 'w x' && N='1 2' b"]
    assert stated_commands({"AIDER_FSM_HINTS_JSON": "{broken"}) == stated_commands({}) == []
    assert expected_anchors({"AIDER_FSM_HINT_ANCHORS_JSON": '["x"]'}, ["pytest"]) == ["x"]
    assert expected_anchors({}, ["pytest"]) == ["pytest"]
