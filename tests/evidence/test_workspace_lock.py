"""One run at a time in a workspace."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.core import Ambient
from runner_env.errors import TargetError, WorkspaceBusy
from runner_env.evidence import WorkspaceLock

_HOLD = """
import sys
from pathlib import Path
from runner_env.core import Ambient
from runner_env.errors import WorkspaceBusy
from runner_env.evidence import WorkspaceLock
sys.stdin.readline()
try:
    lock = WorkspaceLock.acquire(Path(sys.argv[1]), sys.argv[2], Ambient())
    print("won", flush=True)
except WorkspaceBusy as error:
    print("lost", error, flush=True)
sys.stdin.read()
"""


def test_the_second_run_is_refused(tmp_path: Path) -> None:
    """Who holds the workspace is told by run id, process and time, with what to do (RT074)."""
    with WorkspaceLock.acquire(tmp_path, "run-one", Ambient()):
        with pytest.raises(
            WorkspaceBusy, match=rf"Run run-one \(process {os.getpid()}, since 20\S+Z\) holds"
        ) as caught:
            WorkspaceLock.acquire(tmp_path, "run-two", Ambient())
        assert (caught.value.code, bool(caught.value.hint)) == ("workspace_busy", True)
    WorkspaceLock.acquire(tmp_path, "run-two", Ambient()).close()


def test_an_own_session_that_was_left_open(tmp_path: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    """Only who holds the workspace in this very process is told to close it; nothing is left to wait for then."""
    own = r"An open session of this program holds it: call its evaluate\(\) or close\(\), or use `with`\."
    for _ in range(2):
        with (
            WorkspaceLock.acquire(tmp_path, "one", Ambient()),
            pytest.raises(WorkspaceBusy, match=own),
        ):
            WorkspaceLock.acquire(tmp_path, "two", Ambient())
    holder = start(_HOLD, tmp_path, "other")
    assert holder.stdin is not None
    assert holder.stdout is not None
    holder.stdin.write("go\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "won\n"
    with pytest.raises(WorkspaceBusy, match="Wait until it ends"):
        WorkspaceLock.acquire(tmp_path, "three", Ambient())


def test_two_processes_at_the_same_moment(tmp_path: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    """Exactly one wins, and the loser names the winner, even where a killed run left its name (RT074)."""
    WorkspaceLock.acquire(tmp_path, "long-dead", Ambient()).close()
    for attempt in range(4):
        racers = {f"{attempt}-{n}": start(_HOLD, tmp_path, f"{attempt}-{n}") for n in range(2)}
        for racer in racers.values():
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        told = {name: racer.stdout.readline() for name, racer in racers.items() if racer.stdout}
        for racer in racers.values():
            racer.kill()
            racer.wait(timeout=30)
        winner, loser = sorted(told, key=lambda name: told[name].startswith("lost"))
        assert told[winner] == "won\n"
        assert told[loser].startswith(f"lost Run {winner} (process {racers[winner].pid}, since ")


def test_a_killed_holder_holds_nothing(tmp_path: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    """The hold ends with the process; nothing has to be cleaned up by hand."""
    holder = start(_HOLD, tmp_path, "killed")
    assert holder.stdin is not None
    assert holder.stdout is not None
    holder.stdin.write("go\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "won\n"
    holder.kill()
    holder.wait(timeout=30)
    WorkspaceLock.acquire(tmp_path, "next", Ambient()).close()


def test_the_folder_ignores_itself_in_git(tmp_path: Path) -> None:
    """A checkout that was clean before is clean after, without touching the user's own ignore file."""
    git = shutil.which("git")
    assert git is not None
    subprocess.run([git, "init", "-q", tmp_path], check=True)
    WorkspaceLock.acquire(tmp_path, "r", Ambient()).close()
    assert (tmp_path / ".aider_fsm" / "artifacts" / ".gitignore").read_bytes() == b"*\n"
    status = subprocess.run([git, "-C", tmp_path, "status", "--porcelain"], check=True, capture_output=True)
    assert status.stdout == b""


def test_an_own_ignore_file_stays(tmp_path: Path) -> None:
    """What the user wrote into the folder's ignore file is left alone."""
    artifacts = tmp_path / ".aider_fsm" / "artifacts"
    artifacts.mkdir(parents=True)
    (artifacts / ".gitignore").write_bytes(b"mine")
    WorkspaceLock.acquire(tmp_path, "r", Ambient()).close()
    assert (artifacts / ".gitignore").read_bytes() == b"mine"


@pytest.mark.parametrize("linked", [".aider_fsm", ".aider_fsm/artifacts", ".aider_fsm/artifacts/.lock"])
def test_links_are_refused(tmp_path: Path, linked: str) -> None:
    """A target cannot lead the runner's writes out of the workspace."""
    workspace, elsewhere = tmp_path / "workspace", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (workspace / linked).parent.mkdir(parents=True)
    (workspace / linked).symlink_to(elsewhere / ("file" if linked.endswith("lock") else ""))
    with pytest.raises(TargetError, match="symbolic link") as caught:
        WorkspaceLock.acquire(workspace, "r", Ambient())
    assert caught.value.code == "workspace_link"
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize("odd", [".aider_fsm", ".aider_fsm/artifacts", ".aider_fsm/artifacts/.lock"])
def test_pipes_are_refused(tmp_path: Path, odd: str) -> None:
    """A pipe in the place of a folder or of the lock is an error at once, not a wait."""
    (tmp_path / odd).parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(tmp_path / odd)
    with pytest.raises(TargetError, match=r"is not a (folder|regular file)"):
        WorkspaceLock.acquire(tmp_path, "r", Ambient())


def test_a_workspace_reached_through_a_link(tmp_path: Path) -> None:
    """A link on the way to the workspace is the user's own, and both ways lead to one lock."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with WorkspaceLock.acquire(tmp_path / "link", "r", Ambient()), pytest.raises(WorkspaceBusy):
        WorkspaceLock.acquire(tmp_path / "real", "s", Ambient())


@pytest.mark.parametrize(
    "content", [b"", b"\xff{", b'{"run_id":"\\u001b[31m","pid":1,"started":"x"}', b"[" * 5000, b"[1]"]
)
def test_a_forged_lock_file(tmp_path: Path, content: bytes) -> None:
    """Whatever a target writes into the lock file, it stays locked and the message stays plain."""
    with WorkspaceLock.acquire(tmp_path, "r", Ambient()):
        (tmp_path / ".aider_fsm" / "artifacts" / ".lock").write_bytes(content)
        with pytest.raises(WorkspaceBusy, match="Another run, which left no readable name, holds"):
            WorkspaceLock.acquire(tmp_path, "s", Ambient())


def test_a_removed_lock_file(tmp_path: Path) -> None:
    """Letting go of a lock whose file was removed meanwhile, twice, is no error."""
    lock = WorkspaceLock.acquire(tmp_path, "r", Ambient())
    (tmp_path / ".aider_fsm" / "artifacts" / ".lock").unlink()
    lock.close()
    lock.close()
