"""What each level that contains holds, tried out against canaries in real boxes."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner_env.execution.levels import NotContained, Places

OpenCell = Callable[..., Any]
contained = pytest.mark.parametrize("level", ["bwrap", "landlock"])
every = pytest.mark.parametrize("level", ["bwrap", "landlock", "none"])


@contained
def test_nothing_outside_is_written(cell: OpenCell, places: Places, level: str) -> None:
    """Not a canary, not the evidence, not a system folder, not by truncation, deletion, renaming or a link."""
    root = places.canary.parent
    (root / "file").write_text("as it was")
    inside = cell(level)
    attempts = (
        f"echo x > {root}/file", f": >> {root}/new", f"rm {root}/file", f"mv {root}/file {root}/gone",
        f"truncate -s 0 {root}/file", f"ln {root}/file here && echo x > here", f"ln -s {root}/file l && echo x > l",
        f"mkdir {places.canary.parent.parent}/evidence/x", "touch /usr/lib/x", "touch /etc/x", f"chmod 777 {root}/file",
        "mount -t tmpfs none /usr", "echo x > /proc/sys/kernel/core_pattern",
    )  # fmt: skip
    for attempt in attempts:
        inside.sh(attempt)
    assert (root / "file").read_text() == "as it was"
    assert sorted(path.name for path in root.iterdir()) == ["cache", "canary", "file", "home", "tmp"]
    assert not any((root.parent / "evidence").iterdir())
    assert not Path("/etc/x").exists()
    assert not Path("/usr/lib/x").exists()
    assert "|" not in Path("/proc/sys/kernel/core_pattern").read_text() or os.getuid() != 0


@contained
def test_secrets_are_not_read(cell: OpenCell, places: Places, level: str) -> None:
    """Hidden folders, credentials in visible ones, and the environment of processes outside cannot be read."""
    secret = places.canary.parent / "token"
    secret.write_text("pass-phrase")
    inside = cell(level, secrets=(*places.secrets, secret))
    for attempt in (f"cat {secret}", f"cat {places.canary}", f"cat /proc/{os.getpid()}/environ", "cat /etc/shadow"):
        outcome, said = inside.sh(attempt)
        assert not outcome.ok, attempt
        assert "pass-phrase" not in said


@contained
def test_no_process_outside_is_signalled(cell: OpenCell, level: str) -> None:
    """A process of the same user lives on."""
    with subprocess.Popen(["sleep", "60"]) as other:
        inside = cell(level)
        inside.sh(f"kill -9 {other.pid}; kill -9 -1")
        assert other.poll() is None
        other.kill()


@contained
def test_privileges_are_gone(cell: OpenCell, level: str) -> None:
    """No capability, no way to new ones, no new namespaces."""
    inside = cell(level)
    _, said = inside.sh("grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status; unshare -Ur true || echo refused")
    values = dict(line.split(":\t") for line in said.splitlines() if ":\t" in line)
    assert int(values["CapEff"], 16) == 0
    assert values["NoNewPrivs"] == "1"
    assert "refused" in said


@every
def test_work_can_be_done(cell: OpenCell, level: str) -> None:
    """The workspace, home, temporary files and cache are writable; interpreters start; a service answers."""
    inside = cell(level)
    own = inside.places
    tmp = inside.box.tmp or own.tmp
    text = f"""
        set -e
        echo x > file; mkdir -p a/b; mv file a/b/; echo x > {own.home}/x; echo x > {tmp}/x; echo x > {own.cache}/x
        "$PY" -c 'import ssl, sqlite3, multiprocessing; multiprocessing.Lock(); print("python")'
        git init -q repo && git -C repo -c user.name=t -c user.email=t commit -q --allow-empty -m x
        echo > /dev/null; head -c 1 /dev/urandom > /dev/null
    """
    outcome, said = inside.sh(text)
    assert outcome.ok, said
    assert "python" in said
    assert (own.workspace / "a/b/file").read_text() == "x\n"


@pytest.mark.programs
def test_git_and_contract_cannot_be_changed(cell: OpenCell, places: Places) -> None:
    """Not written, deleted, replaced or moved away with their folder; beside them stages write."""
    inside = cell("bwrap")
    for attempt in (
        "echo x >> pipeline.yml", "rm pipeline.yml", "mv pipeline.yml p", "echo x > new && mv new pipeline.yml",
        "touch .git/x", "mv .git g", "rm -rf .git", "mv .aider_fsm old", "echo x >> .aider_fsm/bootstrap.yml",
    ):  # fmt: skip
        assert not inside.sh(attempt)[0].ok, attempt
    assert inside.sh("echo '{}' > .aider_fsm/metrics.json && mkdir .aider_fsm/artifacts")[0].ok
    assert (places.workspace / "pipeline.yml").read_text() == "version: 1\n"
    assert inside.box.await_ready().guarantees.git_and_contract.held == "enforced"


@pytest.mark.programs
def test_a_box_that_cannot_protect_the_contract_says_so(cell: OpenCell) -> None:
    """What is reached by a link is only compared."""
    assert cell("bwrap", unfixed=True).box.await_ready().guarantees.git_and_contract.held == "detected"
    assert cell("landlock").box.await_ready().guarantees.git_and_contract.held == "detected"


@contained
def test_no_network_is_no_network(cell: OpenCell, level: str) -> None:
    """A listener of this machine is out of reach, and the guarantee says so."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)"
        inside = cell(level, "none")
        assert not inside.sh(f'"$PY" -c "{code}"')[0].ok
        assert inside.box.await_ready().guarantees.net.held == "enforced"
        beside = cell(level)
        assert beside.sh(f'"$PY" -c "{code}"')[0].ok
        assert beside.box.await_ready().guarantees.net.held == "none"


@pytest.mark.programs
def test_services_answer_without_a_network(cell: OpenCell) -> None:
    """What one stage serves on 127.0.0.1 the next one reaches: the box has an address of its own."""
    inside = cell("bwrap", "none")
    serve = '"$PY" -m http.server --bind 127.0.0.1 8765 > /dev/null 2>&1 & echo $! > pid'
    inside.sh(serve, keep=True, stage="deploy")
    ask = "import time, urllib.request as u\nfor _ in range(100):\n try: u.urlopen('http://127.0.0.1:8765/'); break\n"
    ask += " except OSError: time.sleep(0.1)\nelse: raise SystemExit(1)"
    (inside.places.workspace / "ask.py").write_text(ask)
    outcome, said = inside.sh('"$PY" ask.py && kill $(cat pid)')
    assert outcome.ok, said


@pytest.mark.programs
def test_the_keeper_cannot_be_ended_from_inside(cell: OpenCell) -> None:
    """SIGKILL, SIGSTOP and tracing do not reach the first process of the box."""
    inside = cell("bwrap")
    inside.sh("kill -9 1; kill -STOP 1; cat /proc/1/mem; cat /proc/1/environ")
    assert inside.sh("true")[0].ok


@every
def test_nothing_is_left_when_the_box_closes(cell: OpenCell, level: str) -> None:
    """Daemons that detached, ignore signals and cleaned their environment end with it."""
    inside = cell(level)
    marker = f"sleep 31{os.getpid() % 1000}.{time.monotonic_ns() % 1000}"
    inside.sh(f"(setsid env -i sh -c 'trap \"\" TERM HUP; {marker}; true' &) ; sleep 0.2", keep=True)
    assert _running(marker)
    inside.box.close()
    assert not _running(marker)


def _running(marker: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and marker.split()[1].encode() in (entry / "cmdline").read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found


@pytest.mark.programs
def test_the_number_of_processes_is_limited(cell: OpenCell) -> None:
    """Where the kernel can, the box has a limit of its own, and the guarantee rests on it."""
    inside = cell("bwrap")
    limited = inside.box.await_ready().guarantees.pids_limit.held == "enforced"
    _, said = inside.sh("cat /proc/sys/kernel/pid_max")
    assert (said.strip() == "4096") == limited
    assert Path("/proc/sys/kernel/pid_max").read_text().strip() != "4096"


@contained
def test_a_workspace_that_cannot_be_written_rules_a_level_out(cell: OpenCell, level: str) -> None:
    """A level at which no stage could work does not hold, and the reason is said."""
    with pytest.raises(NotContained, match="cannot be written inside") as refused:
        cell(level, workspace=Path("/proc/self"), fixed=(), loose=())
    assert refused.value.code == "sandbox_not_available"
    assert "chown" in (refused.value.hint or "")


@contained
def test_a_canary_that_can_be_read_rules_a_level_out(cell: OpenCell, places: Places, level: str) -> None:
    """A level counts only if what should be hidden is."""
    (places.workspace / "canary").write_text("x")
    with pytest.raises(NotContained, match="can be written from inside"):
        cell(level, canary=places.workspace / "canary")
