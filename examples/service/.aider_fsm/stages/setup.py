"""deploy.setup: start the service in the background and say where it is. PORT chooses the port; else a free one."""

from __future__ import annotations

import json
import os
import secrets
import select
import subprocess
import sys

import service

START_SECONDS = 30.0


def wanted_port() -> int:
    """The port in PORT, or 0 for a free one."""
    text = os.environ.get("PORT") or "0"
    if not text.isdecimal() or int(text) > 65535:
        raise service.StageFailed(f"PORT must be a number from 0 to 65535, not {text!r}")
    return int(text)


def start(port: int, instance: str) -> tuple[int, int]:
    """Start the server; returns its pid and the port it listens on."""
    command = [sys.executable, "-m", "app.server", "--db", str(service.DATABASE), "--port", str(port)]
    with service.LOG.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=service.REPO,
            env={**os.environ, "SERVICE_INSTANCE": instance},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    service.PID_FILE.write_text(str(process.pid))
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
    line = process.stdout.readline() if ready else b""
    if not line:
        process.kill()
        process.wait()
        said = service.LOG.read_text(errors="replace")[-2000:].strip()
        raise service.StageFailed(said or f"the service did not listen within {START_SECONDS:g} seconds")
    return process.pid, int(json.loads(line)["port"])


def main() -> None:
    """Start afresh: what an interrupted run left behind is stopped and removed first."""
    service.stop()
    service.STATE.mkdir(parents=True)
    instance = secrets.token_hex(8)
    try:
        pid, port = start(wanted_port(), instance)
    except service.StageFailed:
        service.stop()
        raise
    base_url = f"http://127.0.0.1:{port}"
    place = {"base_url": base_url, "health_url": f"{base_url}/health"}
    database = service.DATABASE.relative_to(service.REPO).as_posix()
    service.write_json(service.RUNTIME_ENV, {"service": place, "instance": instance, "pid": pid, "database": database})
    print(f"the service listens at {base_url}")


if __name__ == "__main__":
    sys.exit(service.run(main))
