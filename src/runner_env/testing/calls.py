"""What the server was asked: kept in memory, and written to a file if that is wanted."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, TextIO

from runner_env.errors import RunnerEnvError

if TYPE_CHECKING:
    from pathlib import Path

    from runner_env.testing.wire import ChatRequest


@dataclass(frozen=True, slots=True)
class Call:
    """One request that the server took.

    Attributes:
        path: of the URL, as in `/v1/chat/completions`.
        status: the HTTP status of the answer; 0 if the connection was dropped on purpose.
        request: as the script saw it; None if it was refused before (key, unreadable body, unknown path).
        authorized: whether the API key was right; True if the server asks for none.
        rule: the place in the script of the rule that answered; None if none did.
        at_s: seconds since the server's start at which it was decided on.
    """

    path: str
    status: int
    request: ChatRequest | None
    authorized: bool
    rule: int | None = None
    at_s: float = 0.0

    def line(self) -> str:
        """The call as one line of JSON, without the key that it came with."""
        head = {name: getattr(self, name) for name in ("path", "status", "authorized", "rule")}
        request = self.request
        told: dict[str, object] = {} if request is None else _told(request)
        return json.dumps({"at_s": round(self.at_s, 3), **head, **told}, ensure_ascii=False) + "\n"


def _told(request: ChatRequest) -> dict[str, object]:
    return {
        "model": request.model,
        "stream": request.stream,
        "turn": request.turn,
        "step": request.step,
        "last_user": request.last_user,
        "results": list(request.results),
        "tools": list(request.tools),
        "body": dict(request.body),
    }


@dataclass(slots=True)
class CallLog:
    """Every call in the order in which it was decided on. Safe to use from several threads."""

    _file: TextIO | None = None
    _calls: list[Call] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)
    _started: float = field(default_factory=time.monotonic)

    def open(self, path: Path) -> None:
        """Append a line of JSON for each call to that file from now on.

        Raises:
            RunnerEnvError: `log_unwritable`.
        """
        try:
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise RunnerEnvError("log_unwritable", f"The call log cannot be written: {error}") from error

    def close(self) -> None:
        """Write to no file any more. Idempotent."""
        with self._lock:
            if self._file is not None:
                self._file.close()
            self._file = None

    def add(
        self, path: str, status: int, request: ChatRequest | None, *, authorized: bool, rule: int | None = None
    ) -> None:
        """Append one call."""
        with self._lock:
            call = Call(path, status, request, authorized, rule, time.monotonic() - self._started)
            self._calls.append(call)
            if self._file is not None:
                self._file.write(call.line())
                self._file.flush()

    def snapshot(self) -> tuple[Call, ...]:
        """All calls so far."""
        with self._lock:
            return tuple(self._calls)
