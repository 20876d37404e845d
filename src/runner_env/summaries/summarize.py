"""From an output to its summary: which readers to ask, which of their sessions count, what it all amounts to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO

from runner_env.summaries import machine_json, machine_xml, reading
from runner_env.summaries.cleaning import common_wrappers, unprefixed, visible, without_colours, wrapper_of
from runner_env.summaries.judgement import judge
from runner_env.summaries.quoting import FENCE, Quotes
from runner_env.summaries.spans import Spans
from runner_env.summaries.table import MACHINE, OVER, TEXT
from runner_env.summaries.trouble import Troubles

if TYPE_CHECKING:
    from runner_env.summaries.kit import Kind
    from runner_env.summaries.model import Summary, Tally

MOST_SOURCES = 64
LONGEST_TEXT = 4096
"""Characters of a line that a reader of text gets to see; no runner's statement is longer."""
_SAMPLE = 400


def summarize(data: bytes | str, exit_code: int | None = None) -> Summary:
    """What a test run's output states.

    Args:
        data: the output, as bytes or text.
        exit_code: how the command ended (negative or 128 + n: by signal n), if known.

    Returns:
        The counts. An output that states no result has none: `ok` is False, everything else None.
    """
    return summarize_stream(reading.as_stream(data), exit_code)


def summarize_stream(stream: BinaryIO, exit_code: int | None = None) -> Summary:
    """As `summarize`, of a binary file that can be sought in; memory is bounded whatever its size."""
    document = _document(stream)
    if document is not None:
        return judge([document], exit_code)
    text, machine, layout = _scan(stream)
    if not text and not machine:
        return judge([], exit_code)
    listener = Listener(text, machine, *layout)
    for number, raw in enumerate(reading.lines(stream), 1):
        listener.line(raw, number)
    return judge(listener.tallies(), exit_code)


def _document(stream: BinaryIO) -> Tally | None:
    """What the file states if all of it is one report in XML or JSON."""
    head = next(iter(reading.blocks(stream)), b"").lstrip(b"\xef\xbb\xbf \t\r\n")[:64]
    if head.startswith(b"<"):
        return machine_xml.read_document(reading.blocks(stream))
    size = stream.seek(0, 2)
    if head[:1] in (b"{", b"[") and size <= machine_json.MOST_BYTES:
        text = b"".join(reading.blocks(stream)).decode("utf-8-sig", "replace")
        return machine_json.read_value(machine_json.parse(text), 1, 1) if _one_value(text) else None
    return None


def _one_value(text: str) -> bool:
    """Whether this can be one document: it ends with the partner of the bracket it begins with."""
    stripped = text.strip()
    return stripped[-1] == {"{": "}", "[": "]"}[stripped[0]]


def _scan(stream: BinaryIO) -> tuple[list[Kind], list[Kind], tuple[list[int], frozenset[str]]]:
    """A first pass: which readers have something to read, where fences are, which sources lines are from."""
    waiting = [*TEXT, *MACHINE]
    found: list[Kind] = []
    fences: list[int] = []
    seen: dict[str, int] = {}
    looked_at = before = 0
    overlap = b""
    for block in reading.blocks(stream):
        whole = without_colours(overlap + block)
        found += [kind for kind in waiting if any(anchor in whole for anchor in kind.anchors)]
        waiting = [kind for kind in waiting if kind not in found]
        if b"```" in block or b"~~~" in block:
            fences += [before + block.count(b"\n", 0, match.start()) + 1 for match in _fences(block)]
        sample = [line for line in block[: 1 << 16].split(b"\n", _SAMPLE)[:_SAMPLE] if line.strip()]
        looked_at += len(sample)
        for raw in sample if len(seen) < 10_000 else ():
            name = wrapper_of(visible(raw[:LONGEST_TEXT]))
            if name:
                seen[name] = seen.get(name, 0) + 1
        before += block.count(b"\n")
        overlap = block[-256:]
    text = [kind for kind in TEXT if kind in found]
    return text, [kind for kind in MACHINE if kind in found], (fences, common_wrappers(seen, looked_at))


def _fences(block: bytes) -> list[re.Match[bytes]]:
    return list(FENCE.finditer(block))


class Source:
    """The readers of one source's lines, which they see as if there were no other."""

    def __init__(self, text: list[Kind], machine: list[Kind], fences: list[int]) -> None:
        self.quotes = Quotes(fences)
        self.text = [(kind, kind.make()) for kind in text]
        self.machine = [(kind, kind.make()) for kind in machine]
        self.troubles = Troubles()
        self.count = 0

    def line(self, text: str, number: int) -> None:
        """Take the next line, with its number in the whole output."""
        self.count += 1
        for _, reader in self.machine:
            reader.line(text, self.count)
        text = text[:LONGEST_TEXT]
        if self.quotes.quoted(text, number):
            return
        self.troubles.line(text, self.count)
        for _, reader in self.text:
            reader.line(text, self.count)

    def tallies(self) -> list[Tally]:
        """The sessions that count; the last bears the troubles after it, any bears a crash."""
        found = [(kind, tally) for kind, reader in (*self.machine, *self.text) for tally in reader.close()]
        tallies = sorted(_outermost(_chosen(found)), key=lambda tally: tally.first)
        if self.quotes.answered:  # what stands after a model's words in a transcript is a part of them
            tallies = [tally for tally in tallies if tally.first < self.quotes.answered]
        return self.troubles.applied_to(tallies)


class Listener:
    """Hands every line to its source."""

    def __init__(self, text: list[Kind], machine: list[Kind], fences: list[int], wrappers: frozenset[str]) -> None:
        self.text = text
        self.machine = machine
        self.fences = fences
        self.wrappers = wrappers
        self.sources: dict[str, Source] = {}

    def line(self, raw: bytes, number: int) -> None:
        """Take the next line as it was read."""
        name, text = unprefixed(visible(raw), self.wrappers)
        if name not in self.sources and len(self.sources) >= MOST_SOURCES:
            name = next(iter(self.sources))
        if name not in self.sources:
            self.sources[name] = Source(self.text, self.machine, self.fences)
        self.sources[name].line(text, number)

    def tallies(self) -> list[Tally]:
        """The sessions that count, of all sources."""
        return [tally for source in self.sources.values() for tally in source.tallies()]


_BESIDE = ("xml", "teamcity")
"""What is printed beside or after a runner's own report, and states nothing new then."""


def _chosen(found: list[tuple[Kind, Tally]]) -> list[Tally]:
    """Without the sessions that another reader states better."""
    hidden: set[str] = set()
    for kind, tally in found:
        hidden.update(name for name in (*kind.over, *OVER.get(tally.runner, ())) if name != kind.name)
    kept = [(kind, tally) for kind, tally in found if kind.name not in hidden]
    reports = [tally for kind, tally in kept if kind.name == "xml"]
    within = Spans(reports)
    others = [tally for kind, tally in kept if kind.name not in _BESIDE and not within.exceed(tally)]
    if all(tally.passed for tally in others) and any(not tally.good for tally in reports):
        return reports  # what is all well beside a report of failures was printed by a test, or is about something else
    return others or [tally for _, tally in kept]


def _outermost(tallies: list[Tally]) -> list[Tally]:
    """Without sessions that lie within another: a runner's tests may run other runners."""
    spans = Spans(tallies)
    return [one for one in tallies if not spans.exceed(one)]
