"""A small client of OpenAI-compatible chat completions: retries, Retry-After, token counts."""

from __future__ import annotations

import http.client
import json
import math
import random
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

RETRIED = frozenset({408, 409, 425, 429})
ATTEMPTS = 5
BACKOFF_SECONDS = 0.5
MAX_WAIT_SECONDS = 30.0
REQUEST_SECONDS = 180.0
MAX_BODY_BYTES = 16 << 20


class RequestFailed(Exception):
    """A request had no usable answer. `kind` is `http_<status>`, `connection` or `not_asked`."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Answer:
    """What the model said. Token counts are None if the endpoint did not tell."""

    text: str
    finish_reason: str | None
    input_tokens: int | None
    output_tokens: int | None
    requests: int


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    # urllib would repeat a redirected POST as a GET, with the key, at whatever host it is sent to.
    def redirect_request(self, *_: object) -> None:
        return None


@dataclass
class Client:
    """One endpoint and model.

    Attributes:
        base_url: ends in `/v1` as a rule; `/chat/completions` is appended.
        model: the model id.
        api_key: sent as a bearer token; None or empty: no Authorization header.
        max_tokens: of each answer.
        stop: once set, nobody waits or retries any more.
        requests: HTTP requests made so far, retries included.
    """

    base_url: str
    model: str
    api_key: str | None = field(default=None, repr=False)
    max_tokens: int = 512
    stop: threading.Event = field(default_factory=threading.Event)
    requests: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        parts = urllib.parse.urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"the base URL must begin with http:// or https://, not {self.base_url!r}")
        loopback = parts.hostname in ("127.0.0.1", "::1", "localhost")
        handlers = [urllib.request.ProxyHandler({})] if loopback else []
        self._opener = urllib.request.build_opener(_NoRedirect, *handlers)

    def ask(self, message: str) -> Answer:
        """The model's answer to one user message, at temperature 0.

        Raises:
            RequestFailed: after the last attempt, at once if another attempt would not help, or when `stop` is set.
        """
        for attempt in range(1, ATTEMPTS + 1):
            if self.stop.is_set():
                raise RequestFailed("given up, because no other request could succeed either", "not_asked")
            try:
                return self._once(message, attempt)
            except urllib.error.HTTPError as error:
                failure, after = RequestFailed(_explain(error), f"http_{error.code}"), error.headers.get("Retry-After")
                if error.code not in RETRIED and error.code < 500:
                    raise failure from error
            except (OSError, http.client.HTTPException, ValueError) as error:
                failure, after = RequestFailed(f"{type(error).__name__}: {error}", "connection"), None
            if attempt < ATTEMPTS:
                self.stop.wait(wait_seconds(attempt, after))
        raise RequestFailed(f"{failure} (after {ATTEMPTS} attempts)", failure.kind)

    def _once(self, message: str, attempt: int) -> Answer:
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": message}],
            "temperature": 0,
            "max_tokens": self.max_tokens,
            "stream": False,
        }
        headers = {"Content-Type": "application/json", "User-Agent": "human-eval-example"}
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        url = self.base_url.rstrip("/") + "/chat/completions"
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        with self._lock:
            self.requests += 1
        with self._opener.open(request, timeout=REQUEST_SECONDS) as response:
            return answer_of(json.loads(response.read(MAX_BODY_BYTES)), attempt)


def wait_seconds(attempt: int, retry_after: str | None, now: datetime | None = None) -> float:
    """How long to wait after failed attempt number `attempt`: what the server asks for, else twice as long each time.

    `retry_after` is seconds or an HTTP date (RFC 9110, 10.2.3). Never more than MAX_WAIT_SECONDS.
    """
    wanted = BACKOFF_SECONDS * 2 ** (attempt - 1) * random.uniform(0.8, 1.2)
    if retry_after is not None:
        try:
            wanted = float(retry_after)
        except ValueError:
            try:
                at = parsedate_to_datetime(retry_after)
                wanted = (at - (now or datetime.now(UTC))).total_seconds()
            except (TypeError, ValueError):
                pass
    return min(max(0.0, wanted), MAX_WAIT_SECONDS) if math.isfinite(wanted) else MAX_WAIT_SECONDS


def answer_of(body: Mapping[str, Any], requests: int = 1) -> Answer:
    """The answer in a `chat.completion` body; raises ValueError if it is none."""
    try:
        choice = body["choices"][0]
        text = "" + (choice["message"].get("content") or "")
    except (TypeError, KeyError, IndexError, AttributeError) as error:
        raise ValueError("the endpoint's answer has no text in choices[0].message.content") from error
    usage = body.get("usage") if isinstance(body.get("usage"), Mapping) else {}
    spent, made = (_count(usage.get(name)) for name in ("prompt_tokens", "completion_tokens"))
    return Answer(text, choice.get("finish_reason"), spent, made, requests)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _explain(error: urllib.error.HTTPError) -> str:
    raw = ""
    try:
        with error:
            raw = error.read(4096).decode("utf-8", "replace")
        said = json.loads(raw)["error"]["message"]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        said = raw.strip()[:300] or error.reason
    return f"HTTP {error.code}: {said}"
