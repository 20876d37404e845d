"""Getting files over HTTP: bounded in bytes and time, repeated where that helps, no key to a stranger."""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import IO, TYPE_CHECKING, Any, TypeVar

import httpx2
import stamina

from runner_env.errors import TargetError
from runner_env.targets.address import masked, without_credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

ATTEMPTS = 4
_LONGEST_WAIT_S = 30.0
_QUIET_S = 30.0
_SHOWN = 200
_HINT = "Is it the right address, and may it be read without a login?"
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_MAX_JSON = 64 << 20

T = TypeVar("T")

logging.getLogger("stamina").addHandler(logging.NullHandler())  # each repetition would be a line on the terminal


@dataclass(frozen=True, slots=True)
class Downloaded:
    """One file that arrived whole.

    Attributes:
        size: bytes.
        sha256: of its content, hexadecimal.
        content_type: as the server has it; empty if it does not say.
    """

    size: int
    sha256: str
    content_type: str


class TooLarge(Exception):
    """A file is larger than it may be. What was written of it is the caller's to remove."""


class _Again(Exception):
    """Something that may be gone a moment later."""

    def __init__(self, message: str, status: int = 0, retry_after: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class Refused(TargetError):
    """The server said no, whatever was tried.

    Attributes:
        status: HTTP status; 0 if no answer came.
    """

    def __init__(self, message: str, status: int, *, hint: str) -> None:
        super().__init__("download_failed", message, hint=hint)
        self.status = status


@dataclass(slots=True)
class Downloads:
    """A connection to servers, with one deadline for all that is fetched. A context manager.

    Redirects are followed (at most 10); a header of authorisation goes to the origin asked for and to no other.

    Attributes:
        timeout_s: seconds for everything together.
        headers: sent with every request.
    """

    timeout_s: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    _client: httpx2.Client = field(init=False, repr=False)
    _deadline: float = field(init=False)

    def __enter__(self) -> Self:
        self._deadline = time.monotonic() + self.timeout_s
        self._client = httpx2.Client(
            headers={"user-agent": "runner-env", **self.headers},
            follow_redirects=True,
            max_redirects=10,
            timeout=_QUIET_S,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def file(self, url: str, into: IO[bytes], max_bytes: int) -> Downloaded:
        """Fetch a file.

        Args:
            url: http or https.
            into: takes it, from its beginning; emptied before a repetition.
            max_bytes: the largest it may be.

        Raises:
            TooLarge: it is larger.
            Refused: it cannot be had.
        """

        def take(response: httpx2.Response) -> Downloaded:
            into.seek(0)
            into.truncate()
            size, digest = 0, hashlib.sha256()
            for chunk in response.iter_bytes():
                size += len(chunk)
                if size > max_bytes:
                    raise TooLarge
                self._in_time(url)
                digest.update(chunk)
                into.write(chunk)
            into.flush()
            return Downloaded(size, digest.hexdigest(), response.headers.get("content-type", ""))

        return self._get(url, take)

    def json(self, url: str) -> Any:  # noqa: ANN401 - JSON is any value
        """Fetch a JSON document of at most 64 MiB.

        Raises:
            Refused: it cannot be had, or is something else.
        """

        def take(response: httpx2.Response) -> Any:  # noqa: ANN401 - JSON is any value
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                self._in_time(url)
                if len(body) > _MAX_JSON:
                    raise Refused(f"{_shown(url)} does not end.", response.status_code, hint=_HINT)
            try:
                return httpx2.Response(200, content=bytes(body)).json()
            except ValueError:
                kind = response.headers.get("content-type", "no content type")
                message = f"{_shown(url)} answered with no JSON ({kind}): {_beginning(bytes(body))}"
                raise Refused(message, response.status_code, hint=_HINT) from None

        return self._get(url, take)

    def _get(self, url: str, take: Callable[[httpx2.Response], T]) -> T:
        try:
            for attempt in stamina.retry_context(on=_pause, attempts=ATTEMPTS, wait_initial=0.2, wait_max=5):
                with attempt:
                    return self._try(url, take)
        except _Again as error:
            raise Refused(f"{_shown(url)} {error}", error.status, hint="Try again later.") from error
        raise AssertionError("an attempt returns or raises")

    def _try(self, url: str, take: Callable[[httpx2.Response], T]) -> T:
        self._in_time(url)
        try:
            with self._client.stream("GET", url) as response:
                if response.status_code in _AGAIN:
                    raise _Again(_answer(response), response.status_code, response.headers.get("retry-after", ""))
                if response.status_code != 200:
                    raise Refused(f"{_shown(url)} {_answer(response)}", response.status_code, hint=_HINT)
                return take(response)
        except httpx2.TransportError as error:
            raise _Again(f"could not be fetched: {masked(str(error)) or type(error).__name__}") from error
        except (httpx2.InvalidURL, httpx2.TooManyRedirects, httpx2.DecodingError) as error:
            raise Refused(f"{_shown(url)} cannot be fetched: {masked(str(error))}", 0, hint=_HINT) from error

    def _in_time(self, url: str) -> None:
        if time.monotonic() > self._deadline:
            message = f"{_shown(url)} was not there after {self.timeout_s:g} s."
            raise Refused(message, 0, hint="Try again; AIDER_FSM_GIT_CLONE_TIMEOUT_SECONDS gives it more time.")


def _pause(error: Exception) -> bool | float:
    """Whether to try again, and after how many seconds if the server says (RFC 9110, Retry-After)."""
    if not isinstance(error, _Again):
        return False
    if error.retry_after.isdecimal():
        return min(float(error.retry_after), _LONGEST_WAIT_S)
    try:
        until = parsedate_to_datetime(error.retry_after)
    except ValueError:
        return True
    return min(max(0.0, (until - datetime.now(until.tzinfo or UTC)).total_seconds()), _LONGEST_WAIT_S)


def _answer(response: httpx2.Response) -> str:
    return f"answered {response.status_code} {response.reason_phrase}".rstrip()


def _shown(url: str) -> str:
    return without_credentials(url)


def _beginning(body: bytes) -> str:
    return repr(body[:_SHOWN].decode("utf-8", "replace"))
