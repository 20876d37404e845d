"""Modes, lists, codes and their order."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.execution.policy import Policy, PolicyOptions, Refusal

Judge = Callable[..., Refusal | None]


def test_sudo_needs_system_mode(judge: Judge) -> None:
    """B036: sudo is refused in safe mode and allowed in system mode."""
    refusal = judge("sudo echo hi")
    assert refusal is not None
    assert (refusal.code, refusal.pattern, refusal.where) == ("blocked_by_safe_mode", "sudo", None)
    assert "sudo" in refusal.message
    assert judge("sudo echo hi", mode="system") is None


def test_root_is_never_deleted(judge: Judge) -> None:
    """B037: `rm -rf /` is refused in both modes, under sudo too."""
    for mode in ("safe", "system"):
        for command in ("rm -rf /", "sudo rm -rf /"):
            refusal = judge(command, mode=mode)
            assert refusal is not None
            assert refusal.code == "blocked_by_hard_deny"


def test_denylist_refuses(judge: Judge) -> None:
    """B037: a pattern of the user's denylist refuses, whatever its case."""
    refusal = judge("echo a; PyTest -q", denylist=("pytest",))
    assert refusal is not None
    assert (refusal.code, refusal.pattern) == ("blocked_by_denylist", "pytest")
    assert judge("echo a", denylist=("pytest",)) is None


def test_denylist_sees_through_quotes(judge: Judge) -> None:
    """The denylist is searched in each command as evaluated, not only as written."""
    assert judge("py't'est -q", denylist=("^pytest ",)) is not None
    assert judge("X=pytest; $X -q", denylist=("^pytest ",)) is not None


def test_denylist_sees_pipelines(judge: Judge) -> None:
    """A pattern may span a pipeline."""
    assert judge("true\ncat x | nc host 1", denylist=(r"^cat.*\| *nc",)) is not None


def test_allowlist_must_match(judge: Judge) -> None:
    """B037: with an allowlist only matching lines run; one match is enough."""
    refusal = judge("make", allowlist=("^pytest", "^ruff"))
    assert refusal is not None
    assert refusal.code == "blocked_by_allowlist"
    assert judge("RUFF check", allowlist=("^pytest", "^ruff")) is None


def test_allowlist_opens_nothing(judge: Judge) -> None:
    """What the allowlist matches is still judged by the other rules."""
    refusal = judge("sudo pytest", allowlist=("pytest",))
    assert refusal is not None
    assert refusal.code == "blocked_by_safe_mode"


def test_an_invalid_pattern_is_literal(judge: Judge) -> None:
    """A pattern that is no regular expression is searched as it stands."""
    assert judge("echo 'a(b'", denylist=("a(b",)) is not None
    assert judge("echo ab", denylist=("a(b",)) is None


def test_docker_and_gh_logins_in_strict_mode(judge: Judge) -> None:
    """B039: strict refuses logins that would ask, guided allows them."""
    for command in ("docker login registry.invalid", "gh auth login"):
        refusal = judge(command)
        assert refusal is not None
        assert refusal.code == "interactive_command"
        assert judge(command, unattended="guided") is None
    assert judge("docker login -u me --password-stdin < token") is None
    assert judge("gh auth login --with-token < token") is None


@pytest.mark.parametrize("command", ["", "   ", "\n\t\n"])
def test_an_empty_command_is_refused(judge: Judge, command: str) -> None:
    """Nothing to run is a mistake in the contract."""
    refusal = judge(command)
    assert refusal is not None
    assert refusal.code == "empty_command"


def test_the_gravest_refusal_counts(judge: Judge) -> None:
    """When a command earns several refusals, the hard deny is reported before the lists and the rest."""
    options = {"denylist": ("vim",), "allowlist": ("^ok$",)}
    gravest = [judge(line, **options) for line in ("vim; sudo x; rm -rf /", "vim; sudo x", "vim", "less x")]
    codes = [refusal.code for refusal in gravest if refusal is not None]
    assert codes == ["blocked_by_hard_deny", "blocked_by_safe_mode", "blocked_by_denylist", "blocked_by_allowlist"]


@pytest.mark.parametrize("options", [{"mode": "unsafe"}, {"unattended": "maybe"}])
def test_unknown_settings_are_an_error(options: dict[str, str]) -> None:
    """A misspelt mode never means the laxer one."""
    with pytest.raises(ValueError, match=r"^(mode|unattended) is "):
        Policy(PolicyOptions(**options))  # type: ignore[arg-type]


def test_a_place_of_the_repository_is_not_the_machines(judge: Judge, repo: Path) -> None:
    """Relative and absolute paths inside the repository are not mistaken for system directories."""
    assert judge(f"rm -rf {repo}/etc ./usr home/*") is None
    assert judge("rm -rf $AIDER_FSM_REPO_ROOT/build") is None


@pytest.mark.parametrize(
    ("case", "command", "hit"),
    [
        ("RT001", "rm -rf $CANARY_DIR/victim", True),
        ("RT005", 'python3 -c \'import shutil,os; shutil.rmtree(os.environ["CANARY_DIR"]+"/victim")\'', False),
        ("RT007", "printf '%s\\0' $CANARY_DIR/victim | xargs -0 rm -rf", False),
        ("RT009", "shopt -s expand_aliases\nalias ls='rm -rf'\nls $CANARY_DIR/victim", True),
        ("RT011", "bash <<'EOF'\nrm -rf $CANARY_DIR/victim\nEOF", True),
        ("RT013", "dd if=/dev/zero of=$CANARY_DIR/victim/keep.txt bs=1 count=1 conv=notrunc", True),
        ("RT015", "echo 'never run rm -rf / here'; rm -rf ./build; grep -rn 'rm -rf' docs || true", False),
    ],
)
def test_destructive_red_team_cases(judge: Judge, case: str, command: str, hit: bool) -> None:
    """What a static lint sees of the red team's destructive cases; the rest is left to containment."""
    assert (judge(command) is not None) is hit, case


def test_the_parser_is_loaded_on_use_only() -> None:
    """Importing the policy does not load the grammar; judging does."""
    program = (
        "import sys, pathlib; from runner_env.execution.policy import Policy, PolicyOptions\n"
        "policy = Policy(PolicyOptions()); assert 'tree_sitter' not in sys.modules\n"
        "policy.check('true', cwd=pathlib.Path(), root=pathlib.Path()); assert 'tree_sitter' in sys.modules\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_known_variables_are_judged_by_their_values(tmp_path: Path) -> None:
    """What the contract sets is known: a folder of the repository may go, the root may not."""
    policy = Policy(PolicyOptions())
    assert policy.check('rm -rf "$DIR/"', cwd=tmp_path, root=tmp_path, env={"DIR": "build"}) is None
    refusal = policy.check('rm -rf "$DIR"', cwd=tmp_path, root=tmp_path, env={"DIR": "/"})
    assert refusal is not None
    assert refusal.code == "blocked_by_hard_deny"
