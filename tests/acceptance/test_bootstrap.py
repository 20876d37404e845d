"""`.aider_fsm/bootstrap.yml` through the public API: what it sets, when it runs, when it is not run again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner_env.core import Verdict
from runner_env.runs.results import CallResult

Make = Callable[..., Any]
BOOT = ".aider_fsm/bootstrap.yml"
METRICS = 'printf \'{"ok": true, "score": 0.5}\' > .aider_fsm/metrics.json'
COUNT = "echo x >> .aider_fsm/count"


def times(made: Any) -> int:
    """How often the bootstrap ran."""
    return len(made.read(".aider_fsm/count").splitlines()) if made.exists(".aider_fsm/count") else 0


def planned(result: CallResult) -> tuple[str, str]:
    """What the plan says of the bootstrap."""
    item = result.plan[0]
    assert item.stage == "bootstrap"
    return item.status.value, item.reason


@pytest.fixture
def booted(project: Make, scored: Make) -> Make:
    """`booted(cmds, files=…, **keys)`: a project whose tests show $FOO and whose bootstrap has these commands."""

    def make(cmds: list[str], files: dict[str, object] | None = None, **keys: object) -> object:
        boot = {"version": 1, "cmds": cmds, "env": {"FOO": "set-by-bootstrap"}, **keys}
        return project(files={**(files or {}), BOOT: boot}, tests={"cmds": ["echo $FOO"]}, evaluation=scored())

    return make


def test_every_key(booted: Make) -> None:
    """B050: workdir, timeout_seconds, retries, env and cmds all have their effect."""
    made = booted(
        ["pwd; echo $EXTRA; echo x >> tries; test $(wc -l < tries) -ge 2", "sleep 30"],
        {"sub/x": ""},
        workdir="sub",
        timeout_seconds=1,
        retries=1,
        env={"EXTRA": "extra"},
    )
    result = made.evaluate()
    first, second, third, fourth = result.verify.bootstrap.results
    assert first.stdout == second.stdout == f"{made.root.resolve()}/sub\nextra\n"
    assert (first.rc, second.rc) == (1, 0)
    assert (third.timed_out, fourth.timed_out) == (True, True)
    assert result.failed_stage == "bootstrap"


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("version: [\n", 2, ""),
        ("version: 2\ncmds: [echo]\n", 1, "version"),
        ("version: 1\ncmds:\n  - ''\n", 3, ""),
        ("version: 1\ncmd: echo\n", 2, "cmd"),
        ("- echo\n", 1, ""),
        ("version: 1\ncmds: [echo]\nworkdir: ../x\n", 3, ""),
    ],
)
def test_a_broken_file_is_a_failed_stage(project: Make, scored: Make, text: str, line: int, word: str) -> None:
    """B050, B056: failed_stage bootstrap with file and line; nothing else runs, and nothing crashes."""
    made = project(files={BOOT: text}, tests={"cmds": ["touch ran"]}, evaluation=scored())
    result = made.evaluate()
    assert (result.ok, result.failed_stage) == (False, "bootstrap")
    finding = next(finding for finding in result.findings if finding.verdict is not Verdict.PASSED)
    assert finding.where is not None
    assert (finding.where.file, finding.where.line) == (BOOT, line)
    assert word in finding.message
    assert not made.exists("ran")
    assert BOOT in (result.artifacts_dir / "bootstrap/bootstrap_parse_error.txt").read_text()


def test_other_names_for_the_same(project: Make, scored: Make) -> None:
    """B051: boot wrapper, steps, mappings as commands, cwd, timeout, retry are accepted, each with a warning."""
    text = (
        "boot:\n  version: 1\n  steps:\n    - run: echo one\n    - cmd: echo two\n    - {command: echo three}\n"
        "  cwd: sub\n  timeout: 20\n  retry: 1\n"
    )
    result = project(files={BOOT: text, "sub/x": ""}, evaluation=scored()).evaluate()
    assert result.ok
    assert [one.stdout for one in result.verify.bootstrap.results] == ["one\n", "two\n", "three\n"]
    warnings = json.loads((result.artifacts_dir / "bootstrap/bootstrap_parse_warnings.json").read_text())
    for name in ("boot", "steps", "run", "cmd", "command", "cwd", "timeout", "retry"):
        assert any(f"`{name}" in warning for warning in warnings), name
    assert "bootstrap_alias" in {finding.code for finding in result.findings}


def test_variables_are_expanded(project: Make, scored: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """B052: earlier entries, `$$`, unknown ones, the root; a secret of the caller's is an unknown one."""
    monkeypatch.setenv("CALLER_TOKEN", "not-for-bootstrap")
    env = {
        "FOO": "bar", "BAR": "${FOO}-baz", "DOLLAR": "$$FOO", "NONE": "<$UNKNOWN>", "ROOT": "$AIDER_FSM_REPO_ROOT",
        "STOLEN": "<${CALLER_TOKEN}>", "HOMELY": "$HOME",
    }  # fmt: skip
    show = 'printf "%s\\n" "$FOO" "$BAR" "$DOLLAR" "$NONE" "$ROOT" "$STOLEN" "$HOMELY"'
    made = project(
        files={BOOT: {"version": 1, "cmds": [show], "env": env}}, tests={"cmds": [show]}, evaluation=scored()
    )
    result = made.evaluate(pass_env=["HOME"])
    expected = ["bar", "bar-baz", "$FOO", "<>", str(made.root.resolve()), "<>", os.environ["HOME"]]
    for stage in (result.verify.bootstrap, result.verify.tests):
        assert stage.results[0].stdout.splitlines() == expected


def test_relative_paths_become_absolute(project: Make, scored: Make, tmp_path: Path) -> None:
    """B053: AIDER_FSM_PYTHON in a virtual environment keeps its link; relative parts of PATH are the repository's."""
    elsewhere = tmp_path / "real-python"
    elsewhere.symlink_to(sys.executable)
    boot = {
        "version": 1,
        "cmds": [f"mkdir -p .aider_fsm/venv/bin && ln -sf {elsewhere} .aider_fsm/venv/bin/python"],
        "env": {"AIDER_FSM_PYTHON": ".aider_fsm/venv/bin/python", "PATH": "tools:.aider_fsm/venv/bin:$PATH"},
    }
    made = project(
        files={BOOT: boot, "tools/hello": "#!/bin/sh\necho hello\n", "sub/x": ""},
        tests={"cmds": ["hello; echo $AIDER_FSM_PYTHON; $AIDER_FSM_PYTHON -c 'print(6 * 7)'"], "workdir": "sub"},
        evaluation=scored(),
    )
    (made.root / "tools/hello").chmod(0o755)
    result = made.evaluate(sandbox="none")  # the interpreter lies where others keep temporary files
    assert result.ok, result.findings
    python = made.root.resolve() / ".aider_fsm/venv/bin/python"
    assert result.verify.tests.results[0].stdout.splitlines() == ["hello", str(python), "42"]


@pytest.mark.slow
def test_a_virtual_environment(project: Make, scored: Make) -> None:
    """B053: the classic: a bootstrap makes a venv with $AIDER_FSM_PYTHON, stages run in it, the next run reuses it."""
    boot = {
        "version": 1,
        "cmds": ["$AIDER_FSM_PYTHON -m venv --without-pip .aider_fsm/venv", COUNT],
        "env": {"AIDER_FSM_PYTHON": ".aider_fsm/venv/bin/python"},
    }
    show = "$AIDER_FSM_PYTHON -c 'import sys; print(sys.prefix)'"
    made = project(files={BOOT: boot}, tests={"cmds": [show]}, evaluation=scored())
    for _ in range(2):
        result = made.evaluate()
        assert result.ok, result.findings
        assert result.verify.tests.results[0].stdout.strip() == str(made.root.resolve() / ".aider_fsm/venv")
    assert times(made) == 1


def test_a_failing_bootstrap_ends_the_run(project: Make, scored: Make) -> None:
    """B054: failed_stage bootstrap, later stages not run, secrets redacted in the published environment."""
    boot = {
        "version": 1,
        "cmds": [COUNT, "echo $API_TOKEN; false"],
        "env": {"API_TOKEN": "boot-secret-9876", "SEEN": "x-${API_TOKEN}", "PLAIN": "plain"},
    }
    made = project(files={BOOT: boot}, tests={"cmds": ["touch ran"]}, evaluation=scored())
    result = made.evaluate()
    assert (result.ok, result.failed_stage) == (False, "bootstrap")
    assert not made.exists("ran")
    folder = result.artifacts_dir / "bootstrap"
    env = json.loads((folder / "bootstrap_env.json").read_text())
    assert env == {"API_TOKEN": "***", "SEEN": "x-***", "PLAIN": "plain"}
    assert json.loads((folder / "bootstrap_summary.json").read_text())["ok"] is False
    for root in (result.run_dir, result.artifacts_dir):
        for path in root.rglob("*"):
            assert not path.is_file() or b"boot-secret-9876" not in path.read_bytes(), path


def test_the_callers_environment_stays_as_it_is(booted: Make) -> None:
    """B055: what a bootstrap sets reaches every stage and not the caller's own process."""
    before = dict(os.environ)
    result = booted(["echo $FOO"]).evaluate()
    assert result.verify.bootstrap.results[0].stdout == "set-by-bootstrap\n"
    assert result.verify.tests.results[0].stdout == "set-by-bootstrap\n"
    assert dict(os.environ) == before


def test_contract_and_caller_win_over_the_bootstrap(project: Make, scored: Make) -> None:
    """Section 4.4: bootstrap < a stage's own env < `env_overrides`."""
    boot = {"version": 1, "env": {"A": "boot", "B": "boot", "C": "boot"}}
    made = project(
        files={BOOT: boot}, tests={"cmds": ["echo $A $B $C"], "env": {"B": "stage", "C": "stage"}}, evaluation=scored()
    )
    result = made.evaluate(env_overrides={"C": "caller"})
    assert result.verify.tests.results[0].stdout == "boot stage caller\n"


def test_it_runs_once(booted: Make) -> None:
    """Once per content: the second run skips it, says why, and its variables hold all the same."""
    made = booted([COUNT])
    first = made.evaluate()
    second = made.evaluate()
    assert (first.ok, second.ok) == (True, True)
    assert (planned(first), planned(second)) == (("run", ""), ("skipped", f"unchanged since run {first.run_id}"))
    assert second.verify.bootstrap is None
    assert second.verify.tests.results[0].stdout == "set-by-bootstrap\n"
    assert times(made) == 1


def test_it_runs_once_for_rollout_and_evaluation(booted: Make, scored: Make) -> None:
    """Part II B: one bootstrap for both calls of a session, and the evaluation has its variables."""
    made = booted([COUNT])
    rollout = {"run_cmds": ["true", "echo '{}' > .aider_fsm/rollout.json"]}
    made.write({"pipeline.yml": {"version": 1, "rollout": rollout, "evaluation": scored(f"echo $FOO; {METRICS}")}})
    with made.setup() as session:
        assert session.rollout("a-model").ok
        result = session.evaluate()
    assert result.ok
    assert result.verify.evaluation.results[0].stdout == "set-by-bootstrap\n"
    assert times(made) == 1


def edit_requirements(made: Any) -> None:
    """Change a file that is no manifest by its name."""
    made.write({"reqs/dev.in": "changed"})


CHANGES: dict[str, tuple[str, Callable[[Any], object]]] = {
    "bootstrap.yml": (
        COUNT,
        lambda made: made.write({BOOT: {"version": 1, "cmds": [COUNT, "true"], "env": {"FOO": "set-by-bootstrap"}}}),
    ),
    "a variable": (COUNT, lambda made: made.write({BOOT: {"version": 1, "cmds": [COUNT], "env": {"FOO": "other"}}})),
    "a requirements file": (f"true -r reqs/dev.in; {COUNT}", edit_requirements),
    "attached": (f"true -rreqs/dev.in && {COUNT}", edit_requirements),
    "with an equals sign": (f"true --requirement=reqs/dev.in|| true; {COUNT}", edit_requirements),
    "through the root": (f'true "$AIDER_FSM_REPO_ROOT/reqs/dev.in"; {COUNT}', edit_requirements),
    "in another folder": (f"(cd reqs && true -r dev.in); {COUNT}", edit_requirements),
    "a script": (f"sh boot.sh; {COUNT}", lambda made: made.write({"boot.sh": "true # changed"})),
    "what a script names": (f"sh boot.sh; {COUNT}", edit_requirements),
    "a manifest": (COUNT, lambda made: made.write({"pyproject.toml": "[project]\nname = 'x'\n"})),
    "a lock file": (COUNT, lambda made: made.write({"package-lock.json": "{}"})),
    "a deleted folder": (f"mkdir -p .aider_fsm/venv; {COUNT}", lambda made: (made.root / ".aider_fsm/venv").rmdir()),
    "a deleted file at the root": (f"touch made; {COUNT}", lambda made: (made.root / "made").unlink()),
    "no artifacts folder": (COUNT, lambda made: shutil.rmtree(made.root / ".aider_fsm/artifacts")),
    "the runner's state": (COUNT, lambda _: shutil.rmtree(Path(os.environ["RUNNER_ENV_HOME"]) / "bootstrap")),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_runs_it_again(booted: Make, what: str) -> None:
    """It runs again when its file, what it names, or a manifest changed, or what it made is gone; and only once."""
    command, change = CHANGES[what]
    made = booted([command], {"reqs/dev.in": "x", "boot.sh": "true -r reqs/dev.in\n", "pyproject.toml": "[project]\n"})
    assert planned(made.evaluate()) == ("run", "")
    assert planned(made.evaluate())[0] == "skipped"
    change(made)
    assert planned(made.evaluate()) == ("run", "")
    assert planned(made.evaluate())[0] == "skipped"
    assert times(made) == 2


def test_an_unrelated_change_does_not_run_it_again(booted: Make) -> None:
    """What nothing names is no dependency."""
    made = booted([COUNT], {"src/app.py": "x = 1\n"})
    made.evaluate()
    made.write({"src/app.py": "x = 2\n", "notes.md": "new"})
    assert planned(made.evaluate())[0] == "skipped"


def test_a_clean_checkout_runs_it_again(booted: Make) -> None:
    """`git clean -fdx` removes marker and environment, so the next run makes them again."""
    made = booted(["mkdir -p .aider_fsm/venv"])
    made.commit()
    made.evaluate()
    assert planned(made.evaluate())[0] == "skipped"
    made.git("clean", "-fdxq")
    assert not made.exists(".aider_fsm/venv")
    assert planned(made.evaluate()) == ("run", "")
    assert made.exists(".aider_fsm/venv")


def test_a_copy_runs_it_again(booted: Make, tmp_path: Path) -> None:
    """A marker copied to another place means nothing there."""
    made = booted([COUNT])
    made.evaluate()
    shutil.copytree(made.root, tmp_path / "copy", symlinks=True)
    result = type(made)(tmp_path / "copy").evaluate()
    assert planned(result) == ("run", "")


def test_a_committed_marker_is_not_believed(booted: Make) -> None:
    """A marker under version control never stands for a bootstrap, not even a genuine one."""
    made = booted([COUNT])
    made.evaluate()
    made.git("init", "-q")
    made.git("add", "-f", "-A")
    made.git("commit", "-qm", "all")
    assert planned(made.evaluate()) == ("run", "")
    assert planned(made.evaluate()) == ("run", "")


@pytest.mark.parametrize("marker", ["0" * 32, "../../../etc/passwd", "", "\0", "é" * 32, "a" * 100_000])
def test_a_forged_marker_is_not_believed(booted: Make, marker: str) -> None:
    """A marker with nothing behind it in the runner's own state is none."""
    made = booted([COUNT])
    made.write({".aider_fsm/artifacts/.bootstrap": marker})
    assert planned(made.evaluate()) == ("run", "")
    assert planned(made.evaluate())[0] == "skipped"


def test_a_marker_that_is_no_file(booted: Make) -> None:
    """A pipe in its place neither hangs nor counts."""
    made = booted([COUNT])
    (made.root / ".aider_fsm/artifacts").mkdir()
    os.mkfifo(made.root / ".aider_fsm/artifacts/.bootstrap")
    assert planned(made.evaluate()) == ("run", "")


def test_a_failure_is_not_remembered(booted: Make) -> None:
    """After a failing bootstrap the next run tries again; what the failed one made still has to be there later."""
    made = booted([f"mkdir -p .aider_fsm/venv; {COUNT}; test -e fixed"])
    assert made.evaluate().failed_stage == "bootstrap"
    assert made.evaluate().failed_stage == "bootstrap"
    made.write({"fixed": ""})
    assert planned(made.evaluate()) == ("run", "")
    assert planned(made.evaluate())[0] == "skipped"
    assert times(made) == 3
    (made.root / ".aider_fsm/venv").rmdir()
    assert planned(made.evaluate()) == ("run", "")


def test_a_failure_after_a_success_is_not_remembered(booted: Make) -> None:
    """A bootstrap that worked once and was then changed to fail is not taken from memory."""
    made = booted([COUNT])
    made.evaluate()
    good = made.read(BOOT)
    made.write({BOOT: {"version": 1, "cmds": ["false"]}})
    assert made.evaluate().failed_stage == "bootstrap"
    made.write({BOOT: good})
    assert planned(made.evaluate()) == ("run", "")


def test_a_bootstrap_that_removes_the_artifacts_folder(booted: Make) -> None:
    """`rm -rf .aider_fsm/artifacts` in a bootstrap harms the published copy only; no crash."""
    made = booted(["rm -rf .aider_fsm/artifacts"])
    result = made.evaluate()
    assert result.run_dir.joinpath("record.json").exists()
    assert "internal_error" not in {finding.code for finding in result.findings}


def test_a_bootstrap_that_plants_a_link(booted: Make, tmp_path: Path) -> None:
    """Part II E: the artifacts folder turned into a link out of the repository receives nothing."""
    outside = tmp_path / "outside"
    outside.mkdir()
    made = booted([f"rm -rf .aider_fsm/artifacts && ln -s {outside} .aider_fsm/artifacts"])
    result = made.evaluate()
    assert not result.ok
    assert list(outside.iterdir()) == []


def test_its_commands_are_judged_like_all_others(booted: Make) -> None:
    """Part II E: the script audit holds for bootstrap commands too."""
    result = booted(["bash setup.sh"], {"setup.sh": "sudo true\n"}).evaluate()
    assert (result.failed_stage, result.verify.bootstrap.results[0].rc) == ("bootstrap", 126)


def test_a_service_of_a_bootstrap_ends_with_it(booted: Make) -> None:
    """A bootstrap is no deployment: what it leaves running is ended with the stage."""
    made = booted(["sleep 300 & echo $! > .aider_fsm/pid"])
    result = made.evaluate(sandbox="none")  # the process is looked for from outside
    assert result.ok
    done = subprocess.run(["ps", "-p", made.read(".aider_fsm/pid").strip()], check=False, capture_output=True)
    assert done.returncode != 0
