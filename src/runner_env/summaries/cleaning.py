"""A line as its runner wrote it: without colours, overwritten text, and what log collectors put in front."""

from __future__ import annotations

import re

_ESCAPE = re.compile(
    "\x1b\\[[0-9:;<=>?]*[ -/]*[@-~]"  # CSI
    "|\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?"  # OSC: titles, links
    "|\x1b[PX^_][^\x1b]*(?:\x1b\\\\)?"
    "|\x1b[ -/]+[0-~]|\x1b[0-~]"
    "|\\^\\[\\[[0-9;]{0,12}[mKGAJ]"  # as `cat -v` shows them
    "|\\[[0-9]{1,3}(?:;[0-9]{1,3}){0,5}m"  # what is left where the escape character was dropped
)
_COLOUR = re.compile(rb"\x1b\[[0-9;:]*[A-Za-z]|\^\[\[[0-9;]{0,12}m|\[[0-9]{1,3}(?:;[0-9]{1,3}){0,5}m")
_COLUMN_ONE = re.compile("\x1b\\[[01]?G")
_OTHER_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff\u200b]")
_LEVEL = r"(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|trace|debug|info|warn|warning|error)"
_HEADING = r"ERROR(?:: \S+ \(| \S+::| \S+\.py)"  # what unittest and pytest say themselves
_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
_DATE = r"\d{4}[-/]\d\d[-/]\d\d"
_STAMP = re.compile(
    rf"(?:{_DATE}[T ]{_CLOCK}(?:Z| ?[+-]\d\d:?\d\d)?"
    rf"|\[(?:{_DATE}[T ])?{_CLOCK}(?:Z| ?[+-]\d\d:?\d\d)?\]"
    rf"|\({_CLOCK}\)|{_CLOCK}(?= )"
    rf"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d {_CLOCK} [\w.-]+ [\w./@-]+(?:\[\d+\])?:)"
    rf"(?: \d\d[OE]\+?(?= |$))?(?:(?! +{_HEADING})(?: +\[?{_LEVEL}\]?(?: *[:|-])?(?= )))?(?: ?\| ?|: | |$)"
)
_MARK = re.compile(
    rf"(?:##\[(?:group|endgroup|error|warning|debug|section|command)\]|::(?:group|error|warning|notice|debug)[^:]*::"
    rf"|(?:stdout|stderr) (?:[FP]|\|)(?: |$)|\[{_LEVEL}\] ?|#\d{{1,4}} \d+\.\d+(?: |$))"
)
_SOURCE = re.compile(
    r"(?P<name>[A-Za-z][\w./-]*(?:[-_.]\d+)?) *\| (?=.)"  # docker-compose, foreman
    r"|(?P<task>@?[\w./-]+:[\w.:/-]*[\w/-]): (?=.)"  # turbo, nx
    r"|(?P<env>py\d[\w.-]*|pypy\d[\w.-]*): "  # tox -p
    r"|(?P<index>\[(?:\d{1,2}|@?[a-z][\w./@-]*(?::[\w:-]+)?)\]):? (?=.)"  # concurrently, yarn workspaces
    r"|(?P<project>(?:\.|[\w@.-]+/[\w@./-]+) (?:test|check|ci|build)[\w:-]*): (?=.)"  # pnpm -r
)
_BARE_SOURCE = re.compile(
    r"(?:[a-z][\w./-]* *\||@?[\w./-]+:[\w.:/-]*[\w/-]:|py\d[\w.-]*:|[\w@.-]+/[\w@./-]+ test[\w:-]*:)"
)
_JOB = re.compile(r"(?P<job>[^\t]{1,80}\t[^\t]{1,80})\t")
_LABELS = frozenset({"[info]", "[error]", "[warn]", "[warning]", "[debug]", "[success]", "[doctest]", "[group]"})
_ROLES = frozenset({"[assistant]", "[user]", "[human]", "[system]", "[tool]", "[agent]", "[ai]"})


def without_colours(block: bytes) -> bytes:
    """Bytes in which words that are coloured apart stand side by side, to be searched and not to be read."""
    return _COLOUR.sub(b"", block) if b"[" in block else block


def visible(raw: bytes) -> str:
    """What a terminal would show of one line: no escape sequences, no text that a carriage return let overwrite."""
    text = raw.decode("utf-8", "replace")
    if "\x1b" in text or "^[[" in text or "[" in text:
        text = _ESCAPE.sub("", _COLUMN_ONE.sub("\r", text))
    if "\r" in text:
        text = next((part for part in reversed(text.rstrip("\r").split("\r")) if part.strip()), "")
    if not text.isprintable():
        text = _OTHER_CONTROLS.sub("", text)
    return text.rstrip()


def unprefixed(text: str, wrappers: frozenset[str]) -> tuple[str, str]:
    """The line without what was put in front of it, and which source it is from.

    Args:
        text: a visible line.
        wrappers: names that `name: ` is put in front of lines with, as `common_wrappers` finds them.

    Returns:
        The source ("" if none is named) and the rest of the line.
    """
    source = ""
    for _ in range(5):
        found = _STAMP.match(text) or _MARK.match(text)
        if found:
            text = text[found.end() :]
            continue
        name, rest = _source(text, wrappers)
        if not name:
            break
        source, text = f"{source}{name}\n", rest
    return source, text


def _source(text: str, wrappers: frozenset[str]) -> tuple[str, str]:
    job = _JOB.match(text)
    if job and _STAMP.match(text, job.end()):
        return job["job"], text[job.end() :]
    found = _SOURCE.match(text)
    if found and found[0].strip() not in _LABELS:
        name = found[0].strip()
        if name in wrappers:
            return name, text[found.end() :]
    if text in wrappers:
        return text, ""
    head, colon, rest = text.partition(": ")
    if colon and head + ":" in wrappers:
        return head + ":", rest
    return "", text


def wrapper_of(text: str) -> str:
    """What may be the name of a source in front of the line; "" if there is none."""
    job = _JOB.match(text)
    if job and _STAMP.match(text, job.end()):
        text = text[job.end() :]
    while True:
        found = _STAMP.match(text) or _MARK.match(text)
        if not found or not found.end():
            break
        text = text[found.end() :]
    found = _SOURCE.match(text)
    if found and found[0].strip() not in _LABELS | _ROLES:
        return found[0].strip()
    if _BARE_SOURCE.fullmatch(text):
        return text
    head, colon, _ = text.partition(": ")
    return head + ":" if colon and re.fullmatch(r"@?[a-z][\w./-]*", head) else ""


def common_wrappers(seen: dict[str, int], looked_at: int) -> frozenset[str]:
    """The names that are really sources: in front of several lines, or, for a plain `name:`, of most of them."""
    real = set()
    for name, count in seen.items():
        plain = re.fullmatch(r"@?[a-z][\w.-]*:", name) and not re.fullmatch(r"(?:py|pypy)\d[\w.-]*:", name)
        if count >= 2 and (not plain or 2 * count >= looked_at):
            real.add(name)
    return frozenset(real)
