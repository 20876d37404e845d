"""Secrets replaced in what commands write, also where they cross the borders of chunks, and in their common encodings.

This is a net, not the control: the control is that a stage gets a secret only if its contract names it. Encodings
beyond those listed at `Masker` (reversed, encrypted, split by other characters) pass through.
"""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from typing import TYPE_CHECKING, overload
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MASK = b"***"
_OTHER_SURROGATE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_RUN = re.compile(rb"[A-Za-z0-9]+")
_UNICODE = re.compile(r"\\u[0-9a-f]{4}")
_IN_DOUBLE_QUOTES = re.compile(r"[\\$`\"]")
_MOST_PATTERNS = 64
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

    Each value is found as it is, as base64 (at any offset, standard and URL alphabet, and in lines of 64 or 76
    characters if it was encoded by itself), as hexadecimal digits (in lines of 60 too), quoted for a URL, escaped for
    JSON, HTML, Python or a shell, and, if it has several lines, by each line of at least 8 characters.

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
        # longest first: an alternation takes the first that fits
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        self._search = _Search(self._forms) if forms else None

    def __repr__(self) -> str:
        return f"<Masker of {len(self._forms)} forms>"

    def stream(self) -> StreamMasker:
        """A masker for one output stream."""
        return StreamMasker(self._forms, self._search)

    def text(self, text: str) -> str:
        """The text with every secret in it replaced."""
        if self._search is None:
            return text
        # lone surrogates stand for undecodable bytes; those that do not can be no part of a secret
        errors = "surrogatepass" if _OTHER_SURROGATE.search(text) else "surrogateescape"
        data = text.encode("utf-8", errors)
        pattern = self._search.pattern(data)
        return text if pattern is None else pattern.sub(MASK, data).decode("utf-8", errors)


class _Search:
    """Finds out which of many forms there are in a chunk; that there are none, which is the rule, it finds out fast.

    Forms of one value mostly share a run of letters and digits. Looking for a few such runs is several times faster
    than looking for each form, and many times faster than one alternation of them all.
    """

    def __init__(self, forms: tuple[bytes, ...]) -> None:
        self._groups: dict[bytes, list[bytes]] = {}
        self._patterns: dict[tuple[bytes, ...], re.Pattern[bytes]] = {}
        for form in sorted(forms, key=len):  # a long one is likely to have the run of a short one
            run = max(_RUN.findall(form), key=len, default=b"")
            known = next((probe for probe in self._groups if probe in form), None)
            self._groups.setdefault(known or (run if len(run) >= _SHORTEST else form), []).append(form)

    def pattern(self, data: bytes) -> re.Pattern[bytes] | None:
        """What matches the forms in `data`, the longest first; None if there are none."""
        found = [form for probe, forms in self._groups.items() if probe in data for form in forms if form in data]
        if not found:
            return None
        key = tuple(sorted(found, key=lambda form: (-len(form), form)))
        if key not in self._patterns:
            if len(self._patterns) >= _MOST_PATTERNS:
                self._patterns.clear()
            self._patterns[key] = re.compile(b"|".join(map(re.escape, key)))
        return self._patterns[key]


class StreamMasker:
    """Masks one stream, whatever its chunks are.

    Held back between two calls is only what could be the beginning of a secret.

    Attributes:
        count: replacements so far.
    """

    def __init__(self, forms: tuple[bytes, ...], search: _Search | None) -> None:
        self.count = 0
        self._forms = forms
        self._search = search
        self._held = b""

    @overload
    def feed(self, data: bytes) -> bytes: ...
    @overload
    def feed(self, data: memoryview) -> bytes | memoryview: ...
    def feed(self, data: bytes | memoryview) -> bytes | memoryview:
        """Take the next chunk; returns what is safe to store by now. Without secrets that is the chunk itself."""
        if self._search is None:
            return data
        self._held += data
        return self._release(self._search)

    def flush(self) -> bytes:
        """The rest, at the end of the stream."""
        held, self._held = self._held, b""
        pattern = self._search.pattern(held) if self._search else None
        if pattern is None:
            return held
        masked, count = pattern.subn(MASK, held)
        self.count += count
        return masked

    def _release(self, search: _Search) -> bytes:
        """Replace what is decided: a secret that begins before anything that may still grow into a longer one."""
        data, done, out = self._held, 0, list[bytes]()
        open_from = self._open_from(data, 0)
        pattern = search.pattern(data)
        for match in pattern.finditer(data) if pattern else ():
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
    digits = raw.hex()
    for spelled in (digits, digits.upper()):
        yield spelled.encode()
        yield from _in_lines(spelled.encode(), 60)
    for width in (64, 76):
        yield from _in_lines(base64.b64encode(raw), width)
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
        yield _bytes(_UNICODE.sub(lambda escape: escape[0][:2] + escape[0][2:].upper(), escaped[1:-1]))
    yield _bytes(repr(text)[1:-1])
    yield _bytes(text.replace("'", "'\\''"))
    yield _bytes(shlex.quote(text)[1:-1] if "'" in text else text)
    yield _bytes(_IN_DOUBLE_QUOTES.sub(r"\\\g<0>", text))
    yield _bytes(html.escape(text))
    yield _bytes(html.escape(text, quote=False))


def _in_lines(encoded: bytes, width: int) -> Iterator[bytes]:
    """The lines of an encoded value, as programs write them that break lines; nothing if it fits into one."""
    if len(encoded) > width:
        lines = (encoded[start : start + width] for start in range(0, len(encoded), width))
        yield from (line for line in lines if len(line) >= 2 * _SHORTEST_LINE)


def _base64_core(raw: bytes, offset: int) -> bytes:
    """Those base64 digits that depend on `raw` alone when `offset` (0 to 2) unknown bytes precede it (RFC 4648)."""
    digits = base64.b64encode(bytes(offset) + raw)
    return digits[-(-offset * 8 // 6) : (offset + len(raw)) * 8 // 6]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass" if _OTHER_SURROGATE.search(text) else "surrogateescape")
