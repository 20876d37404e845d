"""Bytes of any origin as text, and text of any origin as something a terminal or report can show."""

from __future__ import annotations

import re

# ECMA-48: control sequences (CSI), strings up to their terminator (OSC, DCS, SOS, PM, APC), other escapes
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?|\x9b[0-?]*[ -/]*[@-~]"
)
# C0 and C1 controls but tab and newline; marks that reorder text; lone surrogates, which no encoder takes
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def lossless(data: bytes) -> str:
    """UTF-8 text; a byte that is not UTF-8 becomes a lone surrogate, so that encoding gives the same bytes back."""
    return data.decode("utf-8", "surrogateescape")


def printable(text: str) -> str:
    r"""The text without terminal escapes; every line end becomes `\n`, what cannot be shown `\xNN` or `\uNNNN`.

    An undecodable byte that `lossless` kept as a surrogate is shown as the byte it was.
    """
    text = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _UNPRINTABLE.sub(_spelled, text)


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
