"""Whole runs in a sandbox: what honest contracts need is there, what hostile ones want is not; the record says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import runner_env
from runner_env.reporting.records import load_record
from runner_env.reporting.terminal import render
from runner_env.runs.proof import check_proof

Make = Callable[..., Any]
every = pytest.mark.parametrize("level", ["bwrap", "landlock", "none"])
SERVE = (
    '"$AIDER_FSM_PYTHON" -m http.server --bind 127.0.0.1 {port} >/dev/null 2>&1 & echo $! > pid; '
    "echo '{{}}' > .aider_fsm/runtime_env.json"
)
ASK = (
    '"$AIDER_FSM_PYTHON" -c "\nimport time, urllib.request as u\nfor _ in range(200):\n'
    " try: u.urlopen('http://127.0.0.1:{port}/'); break\n except OSError: time.sleep(0.05)\n"
    'else: raise SystemExit(1)"'
)


def sandbox(result: Any) -> Any:
    """What the run says about its sandbox."""
    return json.loads((Path(result.run_dir) / "sandbox.json").read_text())


@every
def test_the_record_says_how_a_run_was_contained(project: Make, scored: Make, level: str) -> None:
    """File, record, report and proof agree; a changed file is noticed."""
    result = project(evaluation=scored()).evaluate(sandbox=level)
    assert result.ok, result.findings
    said, run_dir = sandbox(result), Path(result.run_dir)
    assert (said["format"], said["level"], said["requested"]) == ("runner-env/sandbox@1", level, level)
    assert said["uid"] == os.getuid()
    assert all(set(one) == {"is", "probe"} for one in said["guarantees"].values())
    expected = "none" if level == "none" else "enforced"
    assert said["guarantees"]["fs_write"]["is"] == said["guarantees"]["fs_read_secrets"]["is"] == expected
    record = load_record(run_dir)
    assert (record.sandbox, record.network, record.guarantees["fs_write"]) == (level, "host", expected)
    words = "your own rights" if level == "none" else "writes contained, secrets hidden, network open, cleanup enforced"
    assert words in render(record)
    assert check_proof(run_dir).ok
    (run_dir / "sandbox.json").write_text(json.dumps({**said, "level": "bwrap!"}))
    assert [problem.code for problem in check_proof(run_dir).problems] == ["evidence_changed"]


@every
def test_homes_and_temporary_files_are_the_runs_own(project: Make, scored: Make, home: Path, level: str) -> None:
    """What one stage leaves there the next one finds; afterwards it is gone; the cache stays."""
    made = project(
        tests={"cmds": ['echo a > "$HOME/a"; echo b > "$TMPDIR/b"; echo c > "$XDG_CACHE_HOME/c"']},
        evaluation=scored('test "$(cat ~/a $TMPDIR/b)" = "$(printf "a\\nb")" && echo "$HOME" > where && '
                          'printf \'{"ok": true, "score": 1}\' > .aider_fsm/metrics.json'),
    )  # fmt: skip
    assert made.evaluate(sandbox=level).ok
    where = Path(made.read("where").strip())
    assert where != Path.home()
    assert not where.exists()
    assert [path.read_text() for path in (home / "cache").glob("*/c")] == ["c\n"]


@pytest.mark.parametrize(
    ("level", "network", "port"), [("bwrap", "host", 18731), ("bwrap", "none", 18731), ("landlock", "host", 18732)]
)
def test_services_live_until_the_teardown(project: Make, scored: Make, level: str, network: str, port: int) -> None:
    """A server of deploy.setup answers in later stages, with and without a network, and its pid file is right."""
    made = project(
        deploy={
            "setup_cmds": [SERVE.format(port=port)],
            "health_cmds": [ASK.format(port=port)],
            "teardown_cmds": ["kill $(cat pid) && touch torn"],
        },
        evaluation=scored(
            f'{ASK.format(port=port)} && printf \'{{"ok": true, "score": 1}}\' > .aider_fsm/metrics.json'
        ),
    )
    result = made.evaluate(sandbox=level, network=network)
    assert result.ok, result.findings
    assert made.exists("torn")


@pytest.mark.parametrize("place", ["tmp", "home"])
@pytest.mark.parametrize("level", ["bwrap", "landlock"])
def test_the_interpreter_may_lie_in_a_hidden_folder(
    project: Make, scored: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, level: str
) -> None:
    """A virtual environment in /tmp or in the home, named or first on the PATH, works in a box."""
    base = tmp_path / place
    base.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", base / "venv"], check=True)
    if place == "home":
        monkeypatch.setenv("HOME", str(base))
        (base / ".ssh").mkdir()
        (base / ".ssh/id").write_text("private")
    monkeypatch.setenv("PATH", f"{base}/venv/bin:{os.environ['PATH']}")
    check = f"test \"$(command -v python)\" = {base}/venv/bin/python && python -c 'import ssl' && ! cat {base}/.ssh/id"
    result = project(tests={"cmds": [check]}, evaluation=scored()).evaluate(sandbox=level)
    assert result.ok, result.findings


@pytest.mark.parametrize("level", ["bwrap", "landlock"])
def test_git_works_in_a_linked_working_tree(project: Make, scored: Make, tmp_path: Path, level: str) -> None:
    """The git directory outside is readable, and not writable."""
    made = project(evaluation=scored())
    made.commit()
    made.git("worktree", "add", "-q", str(tmp_path / "tree"))
    text = json.dumps({"version": 1, "tests": {"cmds": ["git log -1 --format=%H", "! git commit --allow-empty -qm x"]},
                       "evaluation": scored()})  # fmt: skip
    (tmp_path / "tree/pipeline.yml").write_text(text)
    (tmp_path / "tree/.aider_fsm").mkdir(exist_ok=True)
    with runner_env.setup(tmp_path / "tree", sandbox=level) as session:
        result = session.evaluate("a-model")
    assert result.ok, result.findings


@pytest.mark.programs
def test_a_git_file_cannot_name_any_folder(project: Make, scored: Make, tmp_path: Path) -> None:
    """A `.git` file of the target makes nothing visible that does not say itself to be its git directory."""
    private = tmp_path / "private"
    (private / "objects").mkdir(parents=True)
    (private / "HEAD").write_text("ref: refs/heads/main\n")
    made = project(tests={"cmds": [f"! cat {private}/HEAD"]}, evaluation=scored())
    (made.root / ".git").write_text(f"gitdir: {private}\n")
    result = made.evaluate(sandbox="bwrap")
    assert result.ok, result.findings


@pytest.mark.programs
def test_variables_choose_and_keywords_win(project: Make, scored: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Precedence: default, variable, keyword; and a contract can only tighten."""
    made = project(evaluation=scored(), security={"sandbox": "none"})
    assert sandbox(made.evaluate())["level"] == "bwrap"
    monkeypatch.setenv("RUNNER_ENV_SANDBOX", "landlock")
    monkeypatch.setenv("RUNNER_ENV_NETWORK", "none")
    by_variable = sandbox(made.evaluate())
    assert (by_variable["level"], by_variable["network"]) == ("landlock", "none")
    by_keyword = sandbox(made.evaluate(sandbox="none", network="host"))
    assert (by_keyword["level"], by_keyword["network"]) == ("none", "host")


def test_a_contract_takes_the_network_away(project: Make, scored: Make) -> None:
    """What the contract asks for is stricter, so it holds."""
    made = project(security={"network": "none"}, evaluation=scored())
    said = sandbox(made.evaluate(network="host"))
    assert (said["network"], said["guarantees"]["net"]["is"]) == ("none", "enforced")


@every
def test_mirrors_are_known_and_tokens_are_not(
    project: Make, scored: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    """The run's home has the settings of installers, but no line that may be secret."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/.npmrc").write_text("registry=https://mirror.invalid/\n//mirror.invalid/:_authToken=abc-def\n")
    monkeypatch.setenv("HOME", str(tmp_path / "mine"))
    check = "grep -q mirror.invalid ~/.npmrc && ! grep -q abc-def ~/.npmrc"
    result = project(tests={"cmds": [check]}, evaluation=scored()).evaluate(sandbox=level)
    assert result.ok, result.findings


@pytest.mark.network
@pytest.mark.parametrize("level", ["bwrap", "landlock"])
def test_installers_work(project: Make, scored: Make, level: str) -> None:
    """Both venv with pip, and npm, fetch, cache and install inside the box."""
    npm = "echo '{}' > package.json && npm install --no-fund --no-audit is-number"
    pip = '"$AIDER_FSM_PYTHON" -m venv .venv && .venv/bin/pip install -q six && .venv/bin/python -c "import six"'
    result = project(tests={"cmds": [pip, npm]}, evaluation=scored()).evaluate(sandbox=level)
    assert result.ok, result.findings
