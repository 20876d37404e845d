"""Secrets replaced in what commands write, also where they cross the borders of chunks, and in their common encodings.

This is a net, not the control: the control is that a stage gets a secret only if its contract names it. Encodings
beyond those listed at `Masker` (reversed, encrypted, split by other characters) pass through.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, overload
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MASK = b"***"
_OTHER_SURROGATE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_SHORTEST = 6
_SHORTEST_LINE = 8
_SECRET_WORDS = frozenset(
    (
        "KEY",
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASS",
        "PWD",
        "CREDENTIAL",
        "AUTH",
        "CREDENTIALS",
        "SECRETS",
        "PASSWD",
        "APIKEY",
        "AUTHTOKEN",
        "PASSPHRASE",
    )
)


def looks_secret(name: str) -> bool:
    """Whether a variable's name says that its value is a secret.

    True if one of its segments is KEY, TOKEN, SECRET, PASSWORD and the like, in any case: `OPENAI_API_KEY`, not
    `KEYBOARD` or `MONKEY`. `PWD` and `OLDPWD`, the shell's directories, are none.
    """
    upper = name.upper()
    return upper != "PWD" and not _SECRET_WORDS.isdisjoint(re.split(r"[^A-Z0-9]+", upper))


class Masker:
    """Replaces the values of secrets by `***`.

    Each value is found as it is, as base64 (at any offset, standard and URL alphabet), as hexadecimal digits, quoted
    for a URL, escaped for JSON, and, if it has several lines, by each line of at least 8 characters.

    Args:
        secrets: value by name. A value of less than 6 characters or of white space only cannot be masked without
            shredding the output.

    Attributes:
        unmaskable: names of the values that are not masked.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self.unmaskable = tuple(name for name, value in secrets.items() if not _maskable(value))
        values = {value for value in secrets.values() if _maskable(value)}
        forms = {form for value in values for form in _forms(value)}
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        # longest first: an alternation takes the first that fits
        self._pattern = re.compile(b"|".join(map(re.escape, self._forms))) if forms else None

    def __repr__(self) -> str:
        return f"<Masker of {len(self._forms)} forms>"

    def stream(self) -> StreamMasker:
        """A masker for one output stream."""
        return StreamMasker(self._forms, self._pattern)

    def text(self, text: str) -> str:
        """The text with every secret in it replaced."""
        if self._pattern is None:
            return text
        # lone surrogates stand for undecodable bytes; those that do not can be no part of a secret
        errors = "surrogatepass" if _OTHER_SURROGATE.search(text) else "surrogateescape"
        return self._pattern.sub(MASK, text.encode("utf-8", errors)).decode("utf-8", errors)


class StreamMasker:
    """Masks one stream, whatever its chunks are.

    Held back between two calls is only what could be the beginning of a secret.

    Attributes:
        count: replacements so far.
    """

    def __init__(self, forms: tuple[bytes, ...], pattern: re.Pattern[bytes] | None) -> None:
        self.count = 0
        self._forms = forms
        self._pattern = pattern
        self._held = b""

    @overload
    def feed(self, data: bytes) -> bytes: ...
    @overload
    def feed(self, data: memoryview) -> bytes | memoryview: ...
    def feed(self, data: bytes | memoryview) -> bytes | memoryview:
        """Take the next chunk; returns what is safe to store by now. Without secrets that is the chunk itself."""
        if self._pattern is None:
            return data
        self._held += data
        return self._release(self._pattern)

    def flush(self) -> bytes:
        """The rest, at the end of the stream."""
        held, self._held = self._held, b""
        if self._pattern is None or not held:
            return held
        masked, count = self._pattern.subn(MASK, held)
        self.count += count
        return masked

    def _release(self, pattern: re.Pattern[bytes]) -> bytes:
        """Replace what is decided: a secret that begins before anything that may still grow into a longer one."""
        data, done, out = self._held, 0, list[bytes]()
        open_from = self._open_from(data, 0)
        # plain search is many times faster than the alternation, and most output has no secret
        matches = pattern.finditer(data) if any(form in data for form in self._forms) else ()
        for match in matches:
            if match.start() >= open_from:
                break
            out += (data[done : match.start()], MASK)
            self.count += 1
            done = match.end()
            if done > open_from:
                open_from = self._open_from(data, done)
        self._held = data[open_from:]
        return b"".join((*out, data[done:open_from]))

    def _open_from(self, data: bytes, start: int) -> int:
        """Where the longest end of `data` begins that a secret begins with; its length if there is none."""
        best = len(data)
        for form in self._forms:
            at = data.find(form[:1], max(start, len(data) - len(form) + 1), best)
            while at >= 0:
                if form.startswith(data[at:]):
                    best = at
                    break
                at = data.find(form[:1], at + 1, best)
        return best


def _maskable(value: str) -> bool:
    return len(value) >= _SHORTEST and not value.isspace()


def _forms(value: str) -> Iterator[bytes]:
    for text in {value, value.strip()}:
        if _maskable(text):
            yield from _encodings(text)
    for line in value.splitlines():
        if len(line.strip()) >= _SHORTEST_LINE:
            yield _bytes(line.strip())


def _encodings(text: str) -> Iterator[bytes]:
    raw = _bytes(text)
    yield raw
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for offset in range(3):
        core = _base64_core(raw, offset)
        yield core
        yield core.translate(bytes.maketrans(b"+/", b"-_"))
    for quoted in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        yield quoted.encode()
        yield re.sub("%..", lambda escape: escape[0].lower(), quoted).encode()
    for escaped in (json.dumps(text), json.dumps(text, ensure_ascii=False)):
        yield _bytes(escaped[1:-1])
        yield _bytes(escaped[1:-1].replace("/", "\\/"))


def _base64_core(raw: bytes, offset: int) -> bytes:
    """Those base64 digits that depend on `raw` alone when `offset` (0 to 2) unknown bytes precede it (RFC 4648)."""
    digits = base64.b64encode(bytes(offset) + raw)
    return digits[-(-offset * 8 // 6) : (offset + len(raw)) * 8 // 6]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass" if _OTHER_SURROGATE.search(text) else "surrogateescape")
