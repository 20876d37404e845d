"""Commands that act as providers and harnesses, and a server that acts as a model API, with every fault."""

from __future__ import annotations

import http.server
import json
import os
import stat
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from runner_env.providers.host import Host

Step = Callable[[http.server.BaseHTTPRequestHandler], None]


@dataclass
class Api:
    """A server on 127.0.0.1 that acts out one step for each request; the last one repeats."""

    url: str
    steps: list[Step] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)

    def answers(self, *steps: Step) -> None:
        """What to do from now on."""
        self.steps = list(steps)

    @staticmethod
    def reply(status: int, body: object, **headers: str) -> Step:
        """Answer with a body, JSON unless it is bytes."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()

        def act(handler: http.server.BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in {"content_type": "application/json", **headers}.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.send_header("content-length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data)

        return act


@pytest.fixture
def api() -> Iterator[Api]:
    """A scripted model API."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            served.requests.append({"path": self.path, "headers": dict(self.headers), "body": json.loads(body)})
            try:
                served.steps[min(len(served.requests), len(served.steps)) - 1](self)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served = Api(f"http://127.0.0.1:{server.server_address[1]}/v1/x")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Kitchen:
    """A directory in which commands are made up."""

    root: Path

    def host(self, **env: str) -> Host:
        """Where commands run: here, with the tests' own environment."""
        kept = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_PROXY"))}
        return Host(self.root, {**kept, **env})

    def python(self, body: str, name: str = "provider.py") -> list[str]:
        """A command that runs Python code; `sys`, `os`, `json` and `time` are imported."""
        path = self.root / name
        path.write_text("import json, os, sys, time\n" + textwrap.dedent(body), "utf-8")
        return [sys.executable, "-S", str(path)]

    def oneharness(self, replies: Sequence[object], **controls: object) -> str:
        """A fake `oneharness`: logs each call, prints the n-th of `replies` (the last repeats) as its envelope."""
        (self.root / "replies.json").write_text(json.dumps({"replies": replies, **controls}), "utf-8")
        path = self.root / "oneharness"
        path.write_text(f"#!{sys.executable} -S\n" + _FAKE, "utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    def calls(self) -> list[dict[str, Any]]:
        """What the fake `oneharness` was called with."""
        log = self.root / "calls.jsonl"
        return [json.loads(line) for line in log.read_text("utf-8").splitlines()] if log.exists() else []


_FAKE = """
import json, os, sys
argv = sys.argv[1:]
value = lambda flag: argv[argv.index(flag) + 1] if flag in argv else None
read = lambda path: open(path, encoding="utf-8").read() if path and os.path.exists(path) else None
flags = ("--schema", "--mock-rules", "--system-file")
entry = {"argv": argv, "stdin": sys.stdin.read(), "files": {flag: read(value(flag)) for flag in flags}}
count = open("calls.jsonl", encoding="utf-8").read().count("\\n") if os.path.exists("calls.jsonl") else 0
open("calls.jsonl", "a", encoding="utf-8").write(json.dumps(entry) + "\\n")
script = json.load(open("replies.json", encoding="utf-8"))
reply = script["replies"][min(count, len(script["replies"]) - 1)]
for record in script.get("spied", []):
    open(value("--spy-file"), "a", encoding="utf-8").write(json.dumps(record) + "\\n")
if isinstance(reply, str):
    sys.stdout.write(reply)
else:
    results = reply if isinstance(reply, list) else [reply]
    envelope = {"results": [{"status": "ok", "stdout": "", "stderr": "", **result} for result in results]}
    if script.get("history_file"):
        envelope["history_file"] = script["history_file"]
    if "--stream" in argv:
        for event in script.get("events", []):
            print(json.dumps({"type": "event", "event": event}), flush=True)
        print(json.dumps({"type": "result", "report": envelope}))
    else:
        print(json.dumps(envelope))
sys.stderr.write(script.get("stderr", ""))
sys.exit(script.get("exit", 0))
"""


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    """A place for made-up commands."""
    return Kitchen(tmp_path)
