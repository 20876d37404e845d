"""Whether a model's answer is the right one: numbers by value, choices by letter, the rest by text."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_DIGITS = 400
"""A longer number, or a larger power of ten, is text; exact arithmetic on it would take for ever."""

_INTEGER = r"\d{1,3}(?:,\d{3})+(?!\d)|\d+"
_NUMBER = re.compile(
    rf"""
    (?P<minus>(?<![\w)\].])-)? [$€£¥₹]? (?P<inner>(?<=[$€£¥₹])-)?
    (?:
      (?<![\w.,/]) (?:(?P<whole>\d+)[ ]+)? (?P<over>\d+) [ ]?/[ ]? (?P<under>\d+) (?![\d/])
    |
      (?<![\w]) (?P<value>(?:{_INTEGER})(?:\.\d+)?|(?<!\d)\.\d+)
      (?: [eE](?P<power>[-+]?\d+) | [ ]?(?:×|\*|x|\\times|\\cdot)[ ]?10\^\{{?(?P<ten>-?\d+)\}}? )?
    )
    (?P<percent>[ ]?%|[ ]percent\b)?
    """,
    re.VERBOSE,
)
_UNIT = re.compile(r"[^\W\d_][^\W\d]*(?:[/^.·-]?[^\W_]{1,6})*", re.UNICODE)
_BEFORE_NUMBER = re.compile(r"(?i)(?:(?:about|approximately|approx\.?|around|roughly)\s*|[≈~=]\s*|\w{1,3}\s*=\s*)?")
_MARKED = re.compile(r"(?i)(?:\bfinal(?:\s+answer)?|\banswer)[*_\s]*(?:\bis\b|:|=)[*_:\s]*(?=[^\n])|#{4}\s*(?=[^\n])")
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")
_PLACEHOLDER = re.compile(r"\s*<[a-z _]+>", re.IGNORECASE)
_FRACTION = re.compile(r"((?<![\w)\]}])-\s*)?(?:\\[dt]?frac\s*\{\s*(-?\d+)\s*\}\s*\{\s*(\d+)\s*\}|\\[dt]?frac(\d)(\d))")
_VULGAR = re.compile("[¼-¾⅐-⅞]")
_GOES_ON = re.compile(r"(?i)\s*(?:[^\W\d_]+\s+){0,2}?(?:[-\u2013+*/×^:,]|\b(?:and|or|to)\b)\s*[$€£¥₹]?\s*\.?\d")
_WRAPPED = re.compile(r"\\(?:text|mathrm|mathbf|textbf|mbox)\s*\{([^{}]*)\}")
_LETTER = re.compile(r"[(\[]?([A-Za-z])[)\]]?(?=$|[\s.:),])")
_CHOSEN = re.compile(r"[(\[]([A-Z])[)\]]|\b(?:option|choice)\s+([A-Z])\b")
_MATHEMATICAL = re.compile(r"[\\(){}\[\]^=_]")


@dataclass(frozen=True)
class Number:
    """A number that a text states.

    Attributes:
        value: exactly.
        percent: whether a percent sign follows it.
    """

    value: Fraction
    percent: bool = False

    def equals(self, other: Number) -> bool:
        """Whether both mean the same; of one with a percent sign and one without, either reading will do."""
        if self.percent == other.percent:
            return self.value == other.value
        shares, plain = (self, other) if self.percent else (other, self)
        return plain.value in (shares.value, shares.value / 100)


def is_right(reply: str, expected: Sequence[str], choices: Sequence[str] = ()) -> bool:
    r"""Whether a model's reply gives the expected answer.

    The reply's answer is what follows its last `FINAL:`, `answer is`, `####` or stands in its last `\boxed{}`; without
    any of these its last number, or its last line.

    Args:
        reply: all that the model said.
        expected: the right answers, of which one suffices; the worked solution may stand before it.
        choices: the texts of options A, B, …; `expected` then has letters.
    """
    marked = stated_answer(reply)
    if choices:
        return _chosen(reply, marked, choices) in {text.strip().upper() for text in expected}
    return any(_agrees(reply, marked, gold_of(text)) for text in expected)


def stated_answer(text: str) -> str | None:
    """What a text itself says is its answer; None if it does not say."""
    said = [match for match in _MARKED.finditer(text) if not _PLACEHOLDER.match(text, match.end())][-1:]
    said += list(_BOXED.finditer(text))[-1:]
    if not said:
        return None
    last = max(said, key=lambda match: match.start())
    answer = _inside_braces(text, last.end()) if last.re is _BOXED else text[last.end() :].partition("\n")[0]
    boxed = list(_BOXED.finditer(answer))
    return (_inside_braces(answer, boxed[-1].end()) if boxed else answer).strip()


def _inside_braces(text: str, start: int) -> str:
    depth = 1
    for index in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return text[start:index]
    return text[start:]


def gold_of(text: str) -> str:
    """The answer at the end of a worked solution; the whole text if it has no mark of one."""
    if "####" in text:
        return text.rpartition("####")[2].strip()
    boxed = list(_BOXED.finditer(text))
    return _inside_braces(text, boxed[-1].end()).strip() if boxed else text.strip()


def _agrees(reply: str, marked: str | None, gold: str) -> bool:
    wanted = only_number(gold)
    if wanted is not None:
        given = _last_number(reply) if marked is None else _answered_number(marked)
        return given is not None and given.equals(wanted)
    lines = [line for line in reply.splitlines() if line.strip()]
    candidates = [reply, *lines[-1:]] if marked is None else [marked]
    if any(_same_text(candidate, gold) for candidate in candidates):
        return True
    worked = numbers(gold) if _is_worked(gold) else []
    given = _last_number(reply) if marked is None else _answered_number(marked)
    return bool(worked) and given is not None and given.equals(worked[-1])


def _is_worked(gold: str) -> bool:
    """Whether this is a solution that ends in its result: several numbers, and an equation or sentences."""
    return len(numbers(gold)) > 1 and ("=" in gold or len(re.findall(r"[.!?](?:\s|$)", gold)) > 1)


def numbers(text: str) -> list[Number]:
    """Every number that a text states, in order."""
    return [number for _, number in _numbers(_plain(text))]


def _numbers(plain: str) -> Iterator[tuple[re.Match[str], Number]]:
    for match in _NUMBER.finditer(plain):
        value = _value(match)
        if value is not None:
            negative = bool(match["minus"]) != bool(match["inner"])
            yield match, Number(-value if negative else value, bool(match["percent"]))


def _value(match: re.Match[str]) -> Fraction | None:
    if len(match[0]) > MOST_DIGITS:
        return None
    if match["over"]:
        under = int(match["under"])
        return int(match["whole"] or 0) + Fraction(int(match["over"]), under) if under else None
    power = int(match["power"] or match["ten"] or 0)
    if abs(power) > MOST_DIGITS:
        return None
    return Fraction(match["value"].replace(",", "")) * Fraction(10) ** power


def only_number(text: str) -> Number | None:
    """The number that a text is, with a unit at most: `$1,234.50`, `3/4`, `42 apples`, `x = 5`; else None."""
    plain = _plain(text).strip().strip("$").strip() if text.count("$") == 2 else _plain(text).strip()
    found = list(_numbers(plain))
    if len(found) != 1:
        return None
    match, number = found[0]
    after = plain[match.end() :].strip().rstrip(".").strip(" $°")
    units = after.split()
    fits = len(units) <= 3 and all(_UNIT.fullmatch(unit) for unit in units)
    return number if fits and _BEFORE_NUMBER.fullmatch(plain[: match.start()]) else None


def _last_number(text: str) -> Number | None:
    found = numbers(text)
    return found[-1] if found else None


def _answered_number(answer: str) -> Number | None:
    """Of `5 (since 2 + 3)` 5, of `2 + 3 = 5` also; of a range, a list and an expression none."""
    plain = _plain(answer)
    after = plain.rpartition("=")[2]
    part = after if numbers(after) else plain
    found = list(_numbers(part))
    if not found:
        return None
    if not _BEFORE_NUMBER.fullmatch(part[: found[0][0].start()].strip(" *$(")):
        return found[-1][1]
    return None if _GOES_ON.match(part[found[0][0].end() :]) else found[0][1]


def _plain(text: str) -> str:
    """Without the marks of Markdown and LaTeX that numbers come in."""
    for old, new in (
        ("\\$", "$"),
        ("\\%", "%"),
        ("{,}", ","),
        ("\\!", ""),
        ("\\,", ""),
        ("\u2212", "-"),
        ("\\left", ""),
        ("\\right", ""),
    ):
        text = text.replace(old, new)
    text = re.sub(r"(?<=\d)[\u00a0\u202f\u2009](?=\d{3}(?!\d))", ",", text)
    text = _WRAPPED.sub(r" \1 ", text)
    text = _FRACTION.sub(lambda m: f" {'-' if m[1] else ''}{m[2] or m[4]}/{m[3] or m[5]}", text)
    text = _VULGAR.sub(lambda m: f" {unicodedata.normalize('NFKC', m[0]).replace(chr(0x2044), '/')}", text)
    return re.sub(r"[*`]{1,3}(?=\S)|(?<=\S)[*`]{2,3}|`", "", text) if "`" in text or "**" in text else text


def _chosen(reply: str, marked: str | None, choices: Sequence[str]) -> str:
    """The letter of the option that a reply names; empty if it names none."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(choices)]
    lines = [line for line in reply.splitlines() if line.strip()]
    candidate = (lines[-1] if lines else "") if marked is None else marked
    candidate = candidate.strip().strip("*_` \"'$").strip()
    same = [letter for letter, choice in zip(letters, choices) if _same_text(candidate, choice)]  # noqa: B905 - Python 3.9
    if same:
        return same[0]
    at_first = _LETTER.match(candidate)
    if (
        at_first
        and at_first[1].upper() in letters
        and (marked is not None or len(candidate) <= 3 or candidate[0] == "(")
    ):
        return at_first[1].upper()
    named = [first or second for first, second in _CHOSEN.findall(candidate)]
    return named[-1] if named and named[-1] in letters else ""


def _same_text(one: str, two: str) -> bool:
    first, second = _normal(one), _normal(two)
    if first == second:
        return bool(first)
    if _MATHEMATICAL.search(first + second):
        return "".join(first.split()) == "".join(second.split())
    return False


def _normal(text: str) -> str:
    """Without case, extra white space, and the marks around it."""
    text = unicodedata.normalize("NFKC", _WRAPPED.sub(r"\1", text)).casefold()
    text = text.replace("\\left", "").replace("\\right", "").replace("dfrac", "frac").replace("tfrac", "frac")
    return " ".join(text.split()).strip("*_`\"'“”‘’$ ").rstrip(".!").strip("*_`\"'“”‘’$ ")
