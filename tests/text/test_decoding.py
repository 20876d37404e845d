"""Decoding without loss, and showing without harm."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner_env.text.decoding import lossless, printable


@given(st.binary(max_size=200))
def test_lossless_gives_the_same_bytes_back(data: bytes) -> None:
    """Any bytes survive the way to text and back."""
    assert lossless(data).encode("utf-8", "surrogateescape") == data


@given(st.text(max_size=100))
def test_printable_can_always_be_encoded(text: str) -> None:
    """What is shown has no control character and no lone surrogate left."""
    shown = printable(text)
    shown.encode()
    assert not any(ord(c) < 32 and c not in "\n\t" for c in shown)


def test_printable_removes_what_steers_a_terminal() -> None:
    """Colours, titles and links vanish; other controls are spelled out; plain text is untouched."""
    assert printable("\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x1b\\link\x1b]8;;\x07 \x1b(Bok") == "red link ok"
    assert printable("50%\r100%\r\ntab\tbell\a \u202egpj") == "50%\n100%\ntab\tbell\\x07 \\u202egpj"
    assert printable(lossless(b"caf\xc3\xa9 \xff")) == "café \\xff"
