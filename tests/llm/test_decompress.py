"""Compressed answers in bounded memory."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.llm.decompress import Decompressor, TooLarge, Undecodable


@given(st.binary(max_size=3000), st.integers(1, 50), st.sampled_from(["", "identity", "gzip", "deflate", " GZIP "]))
def test_what_was_sent_comes_out(data: bytes, size: int, encoding: str) -> None:
    """However a body is cut into pieces, the same bytes come out."""
    name = encoding.strip().lower()
    sent = gzip.compress(data) if name == "gzip" else zlib.compress(data) if name == "deflate" else data
    decompressor = Decompressor(encoding, 1 << 20)
    for start in range(0, len(sent), size):
        decompressor.feed(sent[start : start + size])
    assert decompressor.finish() == data


def test_a_gzip_bomb_stops_at_the_limit() -> None:
    """RT093: 256 MiB of zeros in 256 KiB end as soon as the limit is passed, not after they were unpacked."""
    bomb = gzip.compress(bytes(64 << 20), 9)
    decompressor = Decompressor("gzip", 1 << 20)
    with pytest.raises(TooLarge):
        decompressor.feed(bomb)
    assert len(decompressor._out) < 2 << 20


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, br"])
def test_an_unknown_encoding_is_refused(encoding: str) -> None:
    """What cannot be unpacked under the limit is not unpacked at all."""
    with pytest.raises(Undecodable):
        Decompressor(encoding, 10)


def test_a_body_that_is_not_what_it_says_is_refused() -> None:
    """Plain bytes declared as gzip, and a body cut off, are errors."""
    with pytest.raises(Undecodable):
        Decompressor("gzip", 100).feed(b"plain text")
    short = Decompressor("gzip", 1 << 20)
    short.feed(gzip.compress(bytes(range(256)) * 40)[:-12])
    with pytest.raises(Undecodable):
        short.finish()
