"""`runner_env.targets.git`."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from runner_env.errors import TargetError
from runner_env.targets.git import Git


def fake_git(folder: Path, script: str) -> dict[str, str]:
    """An environment in which git is a shell script."""
    folder.mkdir()
    (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "git").chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def test_environment_is_scrubbed(tmp_path: Path) -> None:
    """No git variable of the caller gets through to a local look, and nobody is ever asked for a password."""
    env = fake_git(tmp_path / "bin", "env; cat")
    hostile = {
        "GIT_DIR": "/x",
        "GIT_INDEX_FILE": "/x",
        "GIT_SSH_COMMAND": "x",
        "GIT_CONFIG_COUNT": "1",
        "GIT_TRACE": "1",
    }
    seen = Git.local({**env, **hostile, "OTHER": "kept"}).output("x", cwd=tmp_path).decode().splitlines()
    names = {line.partition("=")[0] for line in seen}
    assert not names & hostile.keys()
    assert {"OTHER=kept", "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null"} <= set(seen)
    assert {"LC_ALL=C", "GIT_ASKPASS=", "GIT_OPTIONAL_LOCKS=0", "GIT_ALLOW_PROTOCOL=none"} <= set(seen)


def test_users_transport_settings_reach_a_fetch(tmp_path: Path) -> None:
    """The user's own ssh command and configuration count for fetching, a repository's place does not."""
    env = fake_git(tmp_path / "bin", "env")
    given = {"GIT_SSH_COMMAND": "ssh -i k", "GIT_CONFIG_GLOBAL": "/cfg", "GIT_DIR": "/x"}
    git = Git.remote({**env, **given}, timeout_s=10, credentials=None, host="")
    seen = git.output("x", cwd=tmp_path).decode().splitlines()
    assert {"GIT_SSH_COMMAND=ssh -i k", "GIT_CONFIG_GLOBAL=/cfg"} <= set(seen)
    assert "GIT_DIR=/x" not in seen


def test_password_is_no_argument(tmp_path: Path) -> None:
    """Arguments can be read by every user of the machine: a password is not among them."""
    env = fake_git(tmp_path / "bin", 'printf "%s\\n" "$@"')
    git = Git.remote(env, timeout_s=10, credentials=("me", "hunter22"), host="https://host")
    assert b"hunter22" not in git.output("fetch", cwd=tmp_path)
    assert "hunter22" not in repr(git)


def test_program_is_never_taken_from_the_checkout(tmp_path: Path) -> None:
    """A relative PATH entry cannot make a `git` lying in the working directory run."""
    fake_git(tmp_path / "bin", f"touch '{tmp_path}/pwned'")
    with pytest.raises(TargetError) as caught:
        Git.local({"PATH": f".{os.pathsep}{os.pathsep}bin"}).run("x", cwd=tmp_path / "bin")
    assert caught.value.code == "git_missing"
    assert not (tmp_path / "pwned").exists()


def test_timeout_ends_the_whole_tree(tmp_path: Path) -> None:
    """A git that hangs is stopped in time, with everything that it started."""
    env = fake_git(tmp_path / "bin", f"sleep 60 & echo $! > '{tmp_path}/child'; wait")
    start = time.monotonic()
    with pytest.raises(TargetError) as caught:
        Git.local(env, timeout_s=0.3).run("fetch", cwd=tmp_path)
    assert caught.value.code == "git_timeout"
    assert time.monotonic() - start < 5
    stat = Path("/proc") / (tmp_path / "child").read_text().strip() / "stat"
    deadline = time.monotonic() + 5
    while stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_left_over_child_does_not_hold_up(tmp_path: Path) -> None:
    """A connection that ssh keeps open for later holds git's standard error, and is not waited for."""
    env = fake_git(tmp_path / "bin", f"sleep 20 & echo $! > '{tmp_path}/child'; echo done")
    start = time.monotonic()
    assert Git.local(env).output("fetch", cwd=tmp_path) == b"done\n"
    assert time.monotonic() - start < 5
    os.kill(int((tmp_path / "child").read_text()), 9)


def test_flood_on_standard_error_is_bounded(tmp_path: Path) -> None:
    """Of a flood on standard error the end is kept."""
    env = fake_git(tmp_path / "bin", "yes spam | head -c 3000000 >&2; echo the end >&2; exit 3")
    result = Git.local(env).run("fetch", cwd=tmp_path)
    assert result.code == 3
    assert len(result.stderr) <= 2000
    assert result.stderr.endswith("the end")


def test_failure_carries_what_git_said(tmp_path: Path) -> None:
    """A command that must succeed and does not is an error with git's own words and a hint."""
    env = fake_git(tmp_path / "bin", "echo 'fatal: broken' >&2; exit 128")
    with pytest.raises(TargetError, match="fatal: broken") as caught:
        Git.local(env).output("status", cwd=tmp_path)
    assert caught.value.code == "git_failed"
    assert caught.value.hint
