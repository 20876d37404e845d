"""What the stages share: where the service's files lie, how to ask it, how to stop it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

REPO = Path(os.environ.get("AIDER_FSM_REPO_ROOT") or ".").resolve()
ARTIFACTS = Path(os.environ.get("AIDER_FSM_ARTIFACTS_DIR") or REPO / ".aider_fsm/artifacts/by_hand").resolve()
RUNTIME_ENV = Path(os.environ.get("AIDER_RUNTIME_ENV_PATH") or REPO / ".aider_fsm/runtime_env.json").resolve()
STATE = REPO / ".aider_fsm/service"
DATABASE = STATE / "bank.sqlite3"
PID_FILE = STATE / "service.pid"
LOG = STATE / "server.log"

REQUEST_SECONDS = 20.0
STOP_SECONDS = 10.0


class StageFailed(Exception):
    """The stage cannot do its work; the message says why."""


def run(stage: Callable[[], None]) -> int:
    """Run a stage's work; returns the exit code."""
    try:
        stage()
    except StageFailed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def runtime() -> dict[str, Any]:
    """What the setup said about the running service."""
    try:
        return dict(json.loads(RUNTIME_ENV.read_bytes()))
    except (OSError, ValueError) as error:
        raise StageFailed(f"the service was not set up: {error}") from error


def call(url: str, body: object = None) -> dict[str, Any]:
    """One request, answered with a JSON object; loopback needs no proxy. Raises StageFailed."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=REQUEST_SECONDS) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        with error:
            raise StageFailed(f"{url}: HTTP {error.code}: {error.read(500).decode('utf-8', 'replace')}") from error
    except (OSError, http.client.HTTPException, ValueError, TypeError) as error:
        raise StageFailed(f"{url}: {type(error).__name__}: {error}") from error


def same_instance(known: Mapping[str, Any]) -> str:
    """The base URL of the service, provided that the one which answers there is the one which was set up."""
    health = call(known["service"]["health_url"])
    if health.get("ok") is not True or health.get("instance") != known["instance"]:
        raise StageFailed(f"another service answers at {known['service']['health_url']}: {health}")
    return str(known["service"]["base_url"])


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a file in one step, stamped with time and run."""
    stamp = {"ts": datetime.now(UTC).isoformat(timespec="seconds"), "run_id": os.environ.get("AIDER_FSM_RUN_ID")}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_text(json.dumps({**value, **stamp}, indent=2) + "\n")
    partial.replace(path)


def stop() -> bool:
    """Stop the service that the pid file names and remove its files; False if there was none."""
    try:
        pid = int(PID_FILE.read_text())
    except (OSError, ValueError):
        pid = 0
    running = pid > 1 and is_ours(pid)
    if running:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while is_ours(pid):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                break
            time.sleep(0.02)
    for path in (*(STATE.iterdir() if STATE.is_dir() else ()), RUNTIME_ENV):
        path.unlink(missing_ok=True)
    if STATE.is_dir():
        STATE.rmdir()
    return running


def is_ours(pid: int) -> bool:
    """Whether `pid` is alive and serves this database: the number may belong to somebody else by now."""
    if not Path("/proc/self/cmdline").exists():  # not Linux
        ps = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False)
        return os.fsencode(DATABASE) in ps.stdout
    try:
        # Empty for a process that only waits to be reaped.
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(DATABASE) in words
