"""A thousand short runs leave nothing behind: no process, descriptor, mount, shared memory or temporary file."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import runner_env
from runner_env.guest import tree

RUNS = 1000
WARM_UP = 3
PATIENCE_S = 20.0
PARTS = ("processes", "descriptors", "mounts", "shared memory", "temporary files", "own folders")


def counts(home: Path) -> dict[str, int]:
    """What a run could leave behind."""
    found = (
        len(tree.descendants(os.getpid())),
        len(list(Path("/proc/self/fd").iterdir())),
        len(Path("/proc/self/mountinfo").read_text().splitlines()),
        len(list(Path("/dev/shm").iterdir())),
        len(list(Path(tempfile.gettempdir()).iterdir())),
        len(list((home / "scratch").iterdir())) if (home / "scratch").is_dir() else 0,
    )
    return dict(zip(PARTS, found, strict=True))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_thousand_runs_leave_nothing(
    project: Callable[..., Any],
    scored: Callable[..., Any],
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every third run is of another level; each starts a service, a daemon, and a file in its own folders."""
    (tmp_path / "tmp").mkdir()  # other programs work in that of this machine
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    busy = 'sleep 300 & setsid -f sleep 300; echo x > "$TMPDIR/x"'
    made = project(
        deploy={"setup_cmds": ["sleep 300 & echo '{}' > .aider_fsm/runtime_env.json"]},
        evaluation=scored(f"""{busy}; printf '{{"ok": true, "score": 1}}' > .aider_fsm/metrics.json"""),
    )
    levels: list[Any] = ["bwrap", "landlock", "none"]

    def go(number: int) -> None:
        with runner_env.setup(made.root, sandbox=levels[number % 3]) as session:
            result = session.evaluate("a-model", repair_iters=0)
        assert (result.ok, result.score) == (True, 1.0), result.findings

    for number in range(WARM_UP):
        go(number)
    before = counts(home)
    for number in range(RUNS):
        go(number)
    give_up = time.monotonic() + PATIENCE_S
    while (after := counts(home)) != before and time.monotonic() < give_up:
        time.sleep(0.1)  # what others have in the shared memory of this machine for a moment
    print(f"\nafter {RUNS} runs: {', '.join(f'{part} {after[part]} ({before[part]} before)' for part in PARTS)}")  # noqa: T201
    assert after == before


PROGRAM = """
import json, os, sys
import runner_env
root, level = sys.argv[1:]
with runner_env.setup(root, sandbox=level, pass_env=["CANARY_DIR"]) as session:
    result = session.evaluate("a-model", repair_iters=0)
said = json.loads((result.run_dir / "sandbox.json").read_bytes())
told = [str(finding) for finding in result.findings]
print(json.dumps([os.getuid(), said["uid"], said["level"], result.ok, result.score, told]))
"""


@pytest.mark.parametrize("level", ["bwrap", "landlock", "none"])
def test_an_ordinary_user_gets_the_same(ordinary: Any, level: str) -> None:
    """Runs, is contained, cannot write outside or see credentials, and nothing of it is left."""
    place, uid = ordinary.place, ordinary.uid
    root = target(place, level)
    ordinary.take()
    own = {"HOME": f"{place}/me", "RUNNER_ENV_HOME": f"{place}/state", "CANARY_DIR": f"{place}/canary"}
    done = ordinary.run([ordinary.python, "-c", PROGRAM, str(root), level], **own)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [uid, uid, level, True, 1.0, []]
    kept = [path.name for path in (place / "canary").iterdir()]
    assert kept == (["new"] if level == "none" else ["keep.txt"])
    assert not [pid for pid in tree.descendants(1) if _uid(pid) == uid and _named(pid, b"86400.5")]


def target(place: Path, level: str) -> Path:
    """A target of that user, whose evaluation does harm as far as it can, and leaves something running."""
    harm = 'rm -rf "$CANARY_DIR/keep.txt"; echo x > "$CANARY_DIR/new"; cat "$CANARY_DIR/../me/.ssh/id" && exit 9'
    checks = "test ! -e /proc/$PPID/environ || ! cat /proc/$PPID/environ; mkdir -p b && rm -rf b"
    stay = "setsid -f sleep 86400.5; setsid -f env -i /bin/sleep 86400.5"
    score = """printf '{"ok": true, "score": 1}' > .aider_fsm/metrics.json"""
    hurt = harm if level != "none" else harm.partition("; cat")[0]
    evaluation = {"run_cmds": [f"{hurt}; {checks}; {stay}", score], "metrics_path": ".aider_fsm/metrics.json"}
    for name in ("repo/.aider_fsm", "me/.ssh", "canary", "state"):
        (place / name).mkdir(parents=True)
    (place / "me/.ssh/id").write_text("private")
    (place / "canary/keep.txt").write_text("keep")
    (place / "repo/pipeline.yml").write_text(json.dumps({"version": 1, "evaluation": evaluation}))
    return place / "repo"


def _uid(pid: int) -> int:
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return -1


def _named(pid: int, word: bytes) -> bool:
    try:
        return word in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
