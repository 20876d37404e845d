"""The bank over HTTP, on 127.0.0.1: `python -m app.server --db bank.sqlite3 [--port 0]`.

    GET  /health      {"ok": true, "instance": "…", "questions": 3}
    GET  /questions   {"questions": ["…"]}
    POST /questions   {"question": "…", "answer": "…"}  →  201 {"id": 1}
    POST /ask         {"question": "…"}                 →  200 {"answer": "…"}, 404 if the bank does not know it

Prints one line, `{"port": 40123}`, when it listens. `instance` is the value of SERVICE_INSTANCE, by which a caller
recognises the server that it started. Ends on SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from app.bank import Bank

HOST = "127.0.0.1"
MAX_BODY_BYTES = 1 << 20


class BadRequest(ValueError):
    """The request's body is not what the path wants."""


class Server(ThreadingHTTPServer):
    """The HTTP server of one bank."""

    daemon_threads = True
    # A port somebody else listens on must be an error, but one that was just freed need not wait.
    allow_reuse_address = True

    def __init__(self, bank: Bank, port: int = 0, instance: str = "") -> None:
        super().__init__((HOST, port), Handler)
        self.bank = bank
        self.instance = instance


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Health and the list of questions."""
        questions = self.server.bank.questions()
        if self.path == "/health":
            self._send(200, {"ok": True, "instance": self.server.instance, "questions": len(questions)})
        elif self.path == "/questions":
            self._send(200, {"questions": questions})
        else:
            self._send(404, {"error": f"no such path: {self.path}"})

    def do_POST(self) -> None:
        """Store an answer, or ask for one."""
        try:
            if self.path == "/questions":
                body = self._body("question", "answer")
                self._send(201, {"id": self.server.bank.add(body["question"], body["answer"])})
            elif self.path == "/ask":
                answer = self.server.bank.answer(self._body("question")["question"])
                self._send(404, {"error": "unknown question"}) if answer is None else self._send(
                    200, {"answer": answer}
                )
            else:
                self.close_connection = True  # the body was not read
                self._send(404, {"error": f"no such path: {self.path}"})
        except BadRequest as error:
            self.close_connection = True
            self._send(400, {"error": str(error)})

    def _body(self, *names: str) -> dict[str, str]:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            raise BadRequest(f"Content-Length must be a number up to {MAX_BODY_BYTES}")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except ValueError as error:
            raise BadRequest(f"the body is not JSON: {error}") from error
        if not isinstance(body, dict) or not all(isinstance(body.get(name), str) and body[name] for name in names):
            raise BadRequest(f"the body must be an object with {' and '.join(names)} (text, not empty)")
        return body

    def _send(self, status: int, value: dict[str, Any]) -> None:
        raw = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def main() -> int:
    """Serve until SIGTERM; returns the exit code."""
    parser = argparse.ArgumentParser(description="A question bank over HTTP.")
    parser.add_argument("--db", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    try:
        server = Server(Bank(options.db), options.port, os.environ.get("SERVICE_INSTANCE", ""))
    except (OSError, OverflowError) as error:
        print(f"cannot listen on {HOST}:{options.port}: {error}", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(json.dumps({"port": server.server_port}), flush=True)
    with server:
        server.serve_forever(poll_interval=0.05)
    server.bank.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
