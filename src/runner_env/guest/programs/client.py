"""A client of OpenAI-compatible chat completions: retries, Retry-After, time limits, token counts."""

from __future__ import annotations

import http.client
import ipaddress
import json
import math
import random
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runner_env.guest.programs.surroundings import Unusable
from runner_env.wire import openai_chat
from runner_env.wire.model import ApiProblem
from runner_env.wire.problems import decode

if TYPE_CHECKING:
    from runner_env.wire.model import Completion

ATTEMPTS = 5
TIMEOUT_ATTEMPTS = 2
"""A server that took the whole time once is not asked five times."""
BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 30.0
MAX_ASKED_SECONDS = 300.0
MAX_BODY_BYTES = 16 << 20
_RETRIED = frozenset({408, 409, 425, 429})
_FINAL = frozenset({"auth", "quota", "model_not_found"})
"""No other attempt, and no other question either, fares better."""


class RequestFailed(Exception):
    """A request had no usable answer.

    Attributes:
        kind: `auth`, `quota`, `rate_limit`, …, `http_<status>`, `timeout`, `connection`, `protocol` or `not_asked`.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class _TryAgain(Exception):
    def __init__(self, failure: RequestFailed, after: str | None = None) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.after = after


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    # urllib would repeat a redirected POST as a GET, with the key, at whatever host it is sent to.
    def redirect_request(self, *_: object) -> None:
        return None


@dataclass
class Client:
    """One endpoint and model. Safe to use from several threads.

    Attributes:
        base_url: ends in `/v1` as a rule; `/chat/completions` is appended.
        model: the model id.
        key: sent as a bearer token and nowhere else; empty: no such header.
        max_tokens: of each answer.
        timeout_s: seconds that one request may take in all.
        deadline: on the monotonic clock; nothing is asked or waited for after it.
        stop: once set, nobody waits, asks or retries any more.
        requests: HTTP requests made so far, retries included.

    Raises:
        Unusable: the base URL is none.
    """

    base_url: str
    model: str
    key: str = field(default="", repr=False)
    max_tokens: int = 256
    timeout_s: float = 120.0
    deadline: float = math.inf
    stop: threading.Event = field(default_factory=threading.Event)
    requests: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
            raise Unusable(f"bad_base_url: it must begin with http:// or https:// and a host, not {self.base_url!r}")
        if not self.key.isascii() or not self.key.isprintable():
            raise Unusable("bad_key: OPENAI_API_KEY has a character that no HTTP header can have")
        handlers = [urllib.request.ProxyHandler({})] if _is_loopback(parts.hostname) else []
        self._opener = urllib.request.build_opener(_NoRedirect, *handlers)

    def ask(self, message: str) -> Completion:
        """The model's answer to one user message, at temperature 0.

        Raises:
            RequestFailed: after the last attempt, or at once if another would not help.
        """
        if self._is_over():
            raise RequestFailed("not_asked", "not asked: the rollout was ended before")
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(message)
            except _TryAgain as again:
                failure, after = again.failure, again.after
            except RequestFailed as failed:
                if failed.kind in _FINAL:
                    self.stop.set()
                raise
            if attempt >= (TIMEOUT_ATTEMPTS if failure.kind == "timeout" else ATTEMPTS):
                break
            self.stop.wait(min(wait_seconds(attempt, after), max(0.0, self.deadline - time.monotonic())))
            if self._is_over():
                break
        raise RequestFailed(failure.kind, f"{failure} (after {attempt} attempts)")

    def _is_over(self) -> bool:
        return self.stop.is_set() or time.monotonic() >= self.deadline

    def _once(self, message: str) -> Completion:
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": message}],
            "temperature": 0,
            "max_tokens": self.max_tokens,
            "stream": False,
        }
        headers = openai_chat.headers(self.key) if self.key else {"content-type": "application/json"}
        url = self.base_url.rstrip("/") + "/chat/completions"
        request = urllib.request.Request(url, json.dumps(body).encode(), {**headers, "user-agent": "runner-env"})
        with self._lock:
            self.requests += 1
        ends = min(time.monotonic() + self.timeout_s, self.deadline)
        try:
            status, answered, raw = self._exchange(request, ends)
        except (OSError, http.client.HTTPException) as error:
            raise _TryAgain(self._failed(error, ends)) from error
        return self._understood(status, answered, raw)

    def _exchange(self, request: urllib.request.Request, ends: float) -> tuple[int, http.client.HTTPMessage, bytes]:
        try:
            response = self._opener.open(request, timeout=max(0.1, ends - time.monotonic()))
        except urllib.error.HTTPError as error:
            response = error
        with response:
            return response.status or 0, response.headers, _read(response, ends)

    def _understood(self, status: int, headers: http.client.HTTPMessage, raw: bytes) -> Completion:
        try:
            answer = decode(status, headers.get("content-type", ""), raw)
        except ApiProblem as problem:
            kind = problem.kind or f"http_{status}"
            failure = RequestFailed(kind, self._without_key(f"HTTP {status}: {problem.message}"))
            if kind not in {*_FINAL, "refusal"} and (status in _RETRIED or status >= 500 or status < 300):
                raise _TryAgain(failure, headers.get("retry-after")) from problem
            raise failure from problem
        if not isinstance(answer.get("choices"), list) or not answer["choices"]:
            raise _TryAgain(RequestFailed("protocol", "the endpoint's answer has no `choices`"))
        return openai_chat.completion(answer)

    def _failed(self, error: Exception, ends: float) -> RequestFailed:
        reason = getattr(error, "reason", error)
        late = isinstance(reason, OSError) and "timed out" in str(reason)
        if late or time.monotonic() >= ends:
            return RequestFailed("timeout", f"no answer within {self.timeout_s:g} seconds")
        return RequestFailed("connection", self._without_key(f"{type(reason).__name__}: {reason}"))

    def _without_key(self, text: str) -> str:
        return text.replace(self.key, "***") if self.key else text


def _read(response: http.client.HTTPResponse | urllib.error.HTTPError, ends: float) -> bytes:
    """The whole body; a server that sends a byte now and then does not keep us longer than `ends`."""
    pieces: list[bytes] = []
    size = 0
    while piece := response.read1(1 << 16):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_BODY_BYTES:
            raise http.client.HTTPException(f"the answer is longer than {MAX_BODY_BYTES} bytes")
        if time.monotonic() > ends:
            raise OSError("timed out")
    missing = getattr(response, "length", None)
    if missing:
        raise http.client.IncompleteRead(b"", missing)
    return b"".join(pieces)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def wait_seconds(attempt: int, retry_after: str | None, now: float | None = None) -> float:
    """How long to wait after failed attempt number `attempt`, counted from 1.

    What the server asks for in `Retry-After` (seconds or an HTTP date, RFC 9110, 10.2.3), at most 300 seconds; else
    half a second, doubled each time, at most 30, a fifth more or less.
    """
    backoff = min(BACKOFF_SECONDS * 2 ** (attempt - 1), MAX_BACKOFF_SECONDS) * random.uniform(0.8, 1.2)
    asked = _asked_seconds(retry_after, time.time() if now is None else now)
    return backoff if asked is None else min(max(0.0, asked), MAX_ASKED_SECONDS)


def _asked_seconds(retry_after: str | None, now: float) -> float | None:
    if not retry_after:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(retry_after).timestamp() - now
        except (TypeError, ValueError, IndexError, OverflowError):
            return None
    return seconds if math.isfinite(seconds) else None
