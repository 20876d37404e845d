"""The model server's HTTP: bounded bodies, one answer at a time, the others wait in turn."""

from __future__ import annotations

import json
import select
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from runner_env.guest.programs.backends import Abandoned, Backend, Refused
from runner_env.guest.programs.requests import Shape, error_body, job_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_env.guest.programs.backends import Job

MAX_BODY_BYTES = 4 << 20
MOST_CONNECTIONS = 128
MOST_WAITING = 64
IDLE_SECONDS = 60.0


class ModelServer(ThreadingHTTPServer):
    """A model behind `/v1/chat/completions`, `/v1/completions`, `/v1/models` and `/health` on 127.0.0.1."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, port: int, backend: Backend, model: str) -> None:
        """Listen.

        Args:
            port: 0 takes a free one.
            backend: what answers.
            model: the name that it answers by.

        Raises:
            OSError: the port cannot be had.
        """
        super().__init__(("127.0.0.1", port), Handler)
        self.backend = backend
        self.model = model
        self.turn = threading.Lock()
        self.stopping = threading.Event()
        self._waiting = threading.BoundedSemaphore(MOST_WAITING)
        self._connections = threading.BoundedSemaphore(MOST_CONNECTIONS)

    @property
    def url(self) -> str:
        """Its address, without `/v1`."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def pieces(self, job: Job) -> Iterator[str]:
        """The pieces of an answer, when its turn has come.

        Raises:
            Busy: too many are waiting already.
            Refused: the backend cannot answer.
            Abandoned: nobody waits any more.
        """
        if not self._waiting.acquire(blocking=False):
            raise Busy
        try:
            while not self.turn.acquire(timeout=0.5):
                if not job.wanted():
                    raise Abandoned
            try:
                yield from self.backend.answer(job)
            finally:
                self.turn.release()
        finally:
            self._waiting.release()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the base class has it
        """Take a connection, unless there are too many."""
        if not self._connections.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as above
        """Serve a connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as above
        """Log; a client that goes away is no error."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, socket.timeout)):
            super().handle_error(request, client_address)


class Busy(Exception):
    """Too many requests wait for their turn."""


class _Bad(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "runner-env-serve"
    sys_version = ""
    timeout = IDLE_SECONDS
    server: ModelServer

    def do_GET(self) -> None:
        """`/health` and `/v1/models`."""
        path = _path(self.path)
        if path in {"/health", "/v1/health"}:
            self._send(200, json.dumps({"status": "ok", "model": self.server.model}).encode())
        elif path in {"/v1/models", "/models"}:
            entry = {"id": self.server.model, "object": "model", "created": 0, "owned_by": self.server.backend.name}
            self._send(200, json.dumps({"object": "list", "data": [entry]}).encode())
        else:
            self._refuse(404, f"no such route: GET {path}")

    def do_POST(self) -> None:
        """`/v1/chat/completions` and `/v1/completions`."""
        path = _path(self.path)
        try:
            body = self._body()
            if path not in {"/v1/chat/completions", "/v1/completions"}:
                raise _Bad(404, f"no such route: POST {path}")
            self._answer(body, chat=path == "/v1/chat/completions")
        except _Bad as bad:
            self._refuse(bad.status, str(bad))
        except Refused as refused:
            self._refuse(400, str(refused))
        except Busy:
            self._refuse(503, "too many requests are waiting", {"Retry-After": "1"})
        except Abandoned:
            if self.server.stopping.is_set():
                self._refuse(503, "the server is stopping")
            self.close_connection = True

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if self.headers.get("Transfer-Encoding") or not length.isdecimal():
            self.close_connection = True
            raise _Bad(411, "a request needs Content-Length")
        if int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            raise _Bad(413, f"a request has at most {MAX_BODY_BYTES} bytes")
        try:
            value = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as error:
            raise _Bad(400, f"the body is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise _Bad(400, "the body must be a JSON object")
        return value

    def _answer(self, body: dict[str, Any], *, chat: bool) -> None:
        job = job_of(body, chat=chat, wanted=self._wanted)
        shape = Shape(self.server.model, chat=chat)
        pieces = self.server.pieces(job)
        if body.get("stream") is not True:
            text = "".join(pieces)
            self._send(200, json.dumps(shape.whole(text, job)).encode())
            return
        options = body.get("stream_options")
        usage = isinstance(options, dict) and options.get("include_usage") is True
        self._stream(shape.events(_begun(pieces), job, usage=usage))

    def _stream(self, events: Iterator[dict[str, Any]]) -> None:
        """As server-sent events; the connection's end is the answer's."""
        self.close_connection = True
        self.send_response(200)
        for name, value in (
            ("Content-Type", "text/event-stream"),
            ("Cache-Control", "no-cache"),
            ("Connection", "close"),
        ):
            self.send_header(name, value)
        self.end_headers()
        try:
            for event in events:
                self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
            self.wfile.write(b"data: [DONE]\n\n")
        except (Abandoned, ConnectionError):
            pass  # without [DONE] the client knows that this is not all
        except Refused as refused:
            self.wfile.write(b"data: " + error_body(400, str(refused)) + b"\n\n")

    def _wanted(self) -> bool:
        """Whether the client is still there, and the server is to go on."""
        if self.server.stopping.is_set():
            return False
        readable, _, _ = select.select([self.connection], [], [], 0)
        try:
            return not readable or bool(self.connection.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def _refuse(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        self._send(status, error_body(status, message), headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        shown = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
        if self.close_connection:
            shown["Connection"] = "close"
        for name, value in shown.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - as the base class has it
        """One line in the log; a path of the client's making has no control characters in it."""
        line = (format % args).encode("ascii", "backslashreplace").decode()
        sys.stderr.write(f"{self.log_date_time_string()} {line!r}\n")


def _path(target: str) -> str:
    return urlsplit(target).path.rstrip("/") or "/"


def _begun(pieces: Iterator[str]) -> Iterator[str]:
    """The same, after the first piece has come: until then a refusal is still a proper answer."""
    first = next(pieces, None)

    def whole() -> Iterator[str]:
        if first is not None:
            yield first
        yield from pieces

    return whole()
