"""`runner-env check`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.contract import lint, starter_files
from runner_env.core import Finding, Verdict

Repo = Callable[..., Path]

GOOD = "evaluation: {run_cmds: [echo hi], metrics_path: m.json, required_keys: [ok, score]}\n"


def _codes(findings: tuple[Finding, ...], verdict: Verdict = Verdict.FAILED) -> list[str]:
    return [found.code for found in findings if found.verdict is verdict]


def test_a_good_contract_has_no_findings(repo: Repo) -> None:
    """Silence means that there is nothing to say."""
    assert lint(repo({"pipeline.yml": GOOD})) == ()


def test_problems_of_all_three_files_come_together(repo: Repo) -> None:
    """One broken file does not hide another; a missing contract is one finding."""
    files = {"pipeline.yml": "x: 1\n", ".aider_fsm/bootstrap.yml": "y: 1\n", ".aider_fsm/actions.yml": "z: ["}
    assert [found.where and found.where.file for found in lint(repo(files))] == sorted(
        ["pipeline.yml", *list(files)[1:]]
    )
    assert _codes(lint(repo({}), "other.yml"))[-1] == "contract_missing"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("version: 1\n", "nothing_to_run"),
        ("tests: {cmd: echo}\n", "no_metrics"),
        ("evaluation: {cmds: [echo]}\n", "no_metrics"),
        (GOOD + "tests: {cmd: echo, workdir: nowhere}\n", "workdir_missing"),
        (GOOD + "tests: {cmd: bash nowhere.sh}\n", "script_missing"),
        (GOOD + "tests: {cmds: [echo, bash .aider_fsm/stages/nowhere.sh]}\n", "script_missing"),
        ("evaluation: {hint: bash nowhere.sh}\n", "script_missing"),
        ("evaluation: {run_cmds: [make], hint: bash .aider_fsm/stages/nowhere.sh}\n", "script_missing"),
        ("evaluation: {hint: 'if true; then'}\n", "shell_syntax"),
        (GOOD + "tests: {cmd: ./plain}\n", "not_executable"),
        (GOOD + "tests: {cmd: 'if true; then'}\n", "shell_syntax"),
        (GOOD + "tests: {cmd: bash broken.sh}\n", "shell_syntax"),
    ],
)
def test_what_keeps_a_run_from_passing(repo: Repo, text: str, code: str) -> None:
    """Each is found without executing anything, and is not a mere note."""
    root = repo({"pipeline.yml": text, "plain": "#!/bin/sh\n", "broken.sh": "#!/bin/bash\nfor x in 1; do\n"})
    assert _codes(lint(root)) == [code]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("evaluation: {cmds: [echo], metrics_path: m.json}\n", "keys_not_required"),
        (GOOD + "deploy: {setup_cmd: echo, teardown_cmd: echo}\n", "no_health"),
        (GOOD + "deploy: {setup_cmd: echo, health_cmd: echo}\n", "no_teardown"),
        (GOOD + "security: {secrets: [HF_TOKEN]}\n", "secrets_requested"),
        (GOOD + "tests: {cmds: [git clone x, bash later/x.sh]}\n", "script_missing"),
        (GOOD + "tooling: {}\n", "deprecated_key"),
        (GOOD + "tests: {cmd: bash clever.sh}\n", None),
    ],
)
def test_what_is_only_advice(repo: Repo, text: str, code: str | None) -> None:
    """Notes make nothing fail: an earlier command may create a script, and extended patterns cannot be judged."""
    clever = "shopt -s extglob\necho !(a)\n"
    findings = lint(repo({"pipeline.yml": text, "clever.sh": clever}))
    assert _codes(findings) == []
    assert _codes(findings, Verdict.PASSED) == ([code] if code else [])


def test_keys_that_are_not_named_are_said_to_be_needed_by_default(repo: Repo) -> None:
    """The list only matters where metrics are not required, so the note must not call `score` optional."""
    (found,) = lint(repo({"pipeline.yml": "evaluation: {cmds: [echo], metrics_path: m.json, required_keys: [ok]}\n"}))
    assert found.code == "keys_not_required"
    assert "does not name `score`, needed all the same where metrics are required (the default)." in found.message
    assert "--no-require-metrics" in (found.hint or "")


def test_a_link_out_of_the_repository_is_named(repo: Repo, tmp_path: Path) -> None:
    """RT016: the workdir that is a link to the outside is refused by name, and so is a metrics file behind one."""
    (tmp_path / "outside").mkdir()
    root = repo({"pipeline.yml": "evaluation: {workdir: out, cmds: ['touch pwned'], metrics_path: in/out2/m.json}"})
    (root / "in").mkdir()
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "in" / "out2").symlink_to("../../outside")
    escapes = [found for found in lint(root) if found.code == "link_escapes"]
    assert ["'out'" in found.message or "'out2'" in found.message for found in escapes] == [True, True]
    assert not (tmp_path / "outside" / "pwned").exists()


def test_the_starter_is_clean(repo: Repo) -> None:
    """What `init` writes has no findings at all."""
    assert lint(repo(starter_files())) == ()
