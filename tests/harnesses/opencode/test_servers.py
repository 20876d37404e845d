"""A server of our own as a process, by a program in its place that can be made to fail."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from runner_env.bridge import blocking
from runner_env.core import FailureKind
from runner_env.errors import HarnessError
from runner_env.execution.levels import Wanted
from runner_env.harnesses.model import Opening
from runner_env.harnesses.opencode import OpenCode, servers
from runner_env.harnesses.options import HarnessOptions

Options = Callable[..., HarnessOptions]
Program = Callable[[str, str], Path]

SERVE = f"""
exec {sys.executable} -c '
import http.server, json, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.dumps({{"id": "ses_1", "version": "1", "providers": []}}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = answer
    def log_message(self, *_): pass

port = int(sys.argv[sys.argv.index("--port") + 1])
print(f"opencode server listening on http://127.0.0.1:{{port}}", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
' "$@"
"""


def start(options: HarnessOptions, sessions: int = 1) -> OpenCode:
    """A harness that has had some sessions, and is closed."""

    async def open_all() -> OpenCode:
        async with OpenCode(options) as harness:
            for number in range(sessions):
                await harness.start(Opening(options.premises.copies, f"session {number}"))
        return harness

    return blocking(open_all())


def test_one_process_serves_many_sessions(options: Options, program: Program) -> None:
    """It is started once, when it is first needed."""
    program("opencode", SERVE)
    harness = start(options(), sessions=3)
    assert harness.started == 1
    assert harness.versions == {"opencode": "1"}


def test_a_port_that_is_taken_meanwhile_is_no_failure(options: Options, program: Program, tmp_path: Path) -> None:
    """A server that ends at once is started a second time at the same level."""
    program("opencode", f"[ -e {tmp_path}/once ] || {{ touch {tmp_path}/once; exit 1; }}\n{SERVE}")
    assert start(options()).started == 2


def test_a_level_that_does_not_hold_the_program_is_left(options: Options, program: Program, tmp_path: Path) -> None:
    """The next one is taken, and why is said with it."""
    program("opencode", f"touch {tmp_path}/outside || {{ echo cannot write there >&2; exit 1; }}\n{SERVE}")
    wanted = Wanted("auto", ("landlock", "none"))
    harness = start(options(wanted=wanted))
    assert harness.sandbox is not None
    assert harness.sandbox.level == "none"
    assert "landlock: `opencode serve` does not run in it (cannot write there)" in harness.sandbox.fallback_reason


def test_a_level_that_is_insisted_on_is_not_left(options: Options, program: Program, tmp_path: Path) -> None:
    """Kind `spawn`, with what the program said last."""
    program("opencode", f"touch {tmp_path}/outside || {{ echo cannot write there >&2; exit 1; }}\n{SERVE}")
    with pytest.raises(HarnessError, match="cannot write there") as caught:
        start(options(wanted=Wanted.only("landlock")))
    assert caught.value.kind is FailureKind.SPAWN
    assert not (tmp_path / "outside").exists()


def test_the_environment_of_the_user_configures_it(options: Options, program: Program, tmp_path: Path) -> None:
    """What is in `OPENCODE_CONFIG_CONTENT` stays; the target's own files never count."""
    seen = tmp_path / "seen"
    program("opencode", f"env > {seen}\n{SERVE}")
    start(options({"OPENCODE_CONFIG_CONTENT": '{"model": "a/b"}', "OPENCODE_DISABLE_PROJECT_CONFIG": "0"}))
    found = dict(line.partition("=")[::2] for line in seen.read_text().splitlines())
    assert '"model": "a/b"' in found["OPENCODE_CONFIG_CONTENT"]
    assert '"snapshot": false' in found["OPENCODE_CONFIG_CONTENT"]
    assert found["OPENCODE_DISABLE_PROJECT_CONFIG"] == "1"
    assert found["OPENCODE_SERVER_PASSWORD"]


def test_a_start_that_is_cancelled_leaves_nothing(options: Options, program: Program, tmp_path: Path) -> None:
    """The program is ended with the harness, although it never said where it listens."""
    program("opencode", f"echo $$ > {tmp_path}/pid; exec sleep 600")

    async def cancelled() -> None:
        given = options()
        async with OpenCode(given) as harness:
            with anyio.move_on_after(2):
                await harness.start(Opening(given.premises.copies, "x"))

    before = time.monotonic()
    blocking(cancelled())
    assert time.monotonic() - before < 20
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


def test_a_program_that_never_listens_is_given_up(
    options: Options, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kind `spawn`, with what it said so far."""
    monkeypatch.setattr(servers, "START_S", 1.0)
    program("opencode", "echo thinking; exec sleep 600")
    with pytest.raises(HarnessError, match="did not say where it listens") as caught:
        start(options())
    assert caught.value.kind is FailureKind.SPAWN
    assert "thinking" in caught.value.raw
