"""Fetching over HTTP from a server that has every fault."""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest

from runner_env.targets.download import Downloads, Refused, TooLarge

if TYPE_CHECKING:
    from conftest import Served

Answer = Callable[[BaseHTTPRequestHandler], None]


def status(code: int, body: bytes = b"", **headers: str) -> Answer:
    """An answer with a status and headers (underscores are hyphens)."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in {"content_length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def fetched(url: str, max_bytes: int = 1000, timeout_s: float = 20, token: str = "") -> bytes:
    """What arrives, checked against what is said about it."""
    into = io.BytesIO()
    with Downloads(timeout_s, {"authorization": token} if token else {}) as downloads:
        found = downloads.file(url, into, max_bytes)
    data = into.getvalue()
    assert (found.size, found.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    return data


@pytest.mark.parametrize("code", [429, 500, 503])
def test_trouble_that_passes(code: int, served: Served) -> None:
    """A server in trouble is asked again, as soon as it says."""
    served.answers["/x"] = [status(code, retry_after="0"), b"here"]
    assert fetched(f"{served.url}/x") == b"here"
    assert len(served.asked) == 2


def test_a_body_cut_short_is_fetched_again(served: Served) -> None:
    """Fewer bytes than announced are no file; the repetition begins from nothing."""

    def cut(handler: BaseHTTPRequestHandler) -> None:
        status(200, b"hal", content_length="8")(handler)
        handler.close_connection = True

    served.answers["/x"] = [cut, b"complete"]
    assert fetched(f"{served.url}/x") == b"complete"


def test_trouble_that_stays(served: Served) -> None:
    """After four attempts the error names address and status, without credentials."""
    served.answers["/x"] = [status(503, retry_after="0")]
    with pytest.raises(Refused, match="answered 503") as caught:
        fetched(served.url.replace("//", "//me:hunter22@") + "/x")
    assert (len(served.asked), caught.value.status) == (4, 503)
    assert "hunter22" not in str(caught.value)


def test_no_is_an_answer(served: Served) -> None:
    """404 is not asked again."""
    with pytest.raises(Refused, match="404"):
        fetched(f"{served.url}/x")
    assert len(served.asked) == 1


def test_nobody_there() -> None:
    """A port that nobody listens on is a clear error."""
    with pytest.raises(Refused, match="could not be fetched"):
        fetched("http://127.0.0.1:9/x")


def test_too_large_is_noticed_on_the_way(served: Served) -> None:
    """RT093: an endless body, and a small one that unpacks to a large one, stop at the limit."""

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(bytes(1 << 16))
        except OSError:
            return

    bomb = gzip.compress(bytes(10 << 20))
    served.answers["/x"] = [endless, status(200, bomb, content_encoding="gzip")]
    for _ in range(2):
        with pytest.raises(TooLarge):
            fetched(f"{served.url}/x", max_bytes=1 << 20)


def test_a_deadline_for_everything(served: Served) -> None:
    """A server that drips byte after byte does not hold anybody up."""

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x")
                handler.wfile.flush()
        except OSError:
            return

    served.answers["/x"] = [drip]
    with pytest.raises(Refused, match=r"was not there after 0\.3 s"):
        fetched(f"{served.url}/x", max_bytes=1 << 40, timeout_s=0.3)


def test_a_token_stays_with_its_host(served: Served) -> None:
    """RT095: a redirect to another host is followed without the token."""
    other = served.url.replace("127.0.0.1", "localhost")
    served.answers["/x"] = [status(302, location=f"{other}/y")]
    served.answers["/y"] = [b"here"]
    assert fetched(f"{served.url}/x", token="Bearer t0ken") == b"here"
    assert [headers.get("authorization") for _, headers in served.asked] == ["Bearer t0ken", None]


def test_redirects_end(served: Served) -> None:
    """A redirect in a circle is an error."""
    served.answers["/x"] = [status(302, location="/x")]
    with pytest.raises(Refused, match="cannot be fetched"):
        fetched(f"{served.url}/x")


def test_a_page_is_no_json(served: Served) -> None:
    """RT091: HTML with 200 is told with its type and its beginning."""
    served.answers["/x"] = [status(200, b"<html><body>login</body></html>", content_type="text/html")]
    with Downloads(20) as downloads, pytest.raises(Refused, match=r"no JSON \(text/html\): '<html><body>login"):
        downloads.json(f"{served.url}/x")
