"""Samples files: JSON Lines, one object with `prompt`, `completion` and `reward` in each line.

Read once from front to back in large blocks, hashed on the way, in constant memory whatever the file's size.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from dataclasses import dataclass, field

from runner_env.verification.strict_json import Refused, described, json_type, no_constant, without_duplicates

BLOCK_BYTES = 1 << 20
MAX_LINE_BYTES = 8 << 20
MAX_LOCATED = 10
MAX_JUDGED_BAD = 100_000
MAX_PROMPTS = 200
MAX_PROMPT_CHARS = 1 << 16

_DECODE = json.JSONDecoder(object_pairs_hook=without_duplicates, parse_constant=no_constant).raw_decode


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no sample; `line` counts from 1."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class SamplesReport:
    """What a samples file holds.

    Attributes:
        lines: lines, not counting blank ones at the end.
        valid: lines that are samples.
        bad: lines that are not, blank ones among others included. After 100,000 in a file, all others count as bad.
        blank_lines: those of them that are merely blank.
        bad_lines: the first ten of them.
        blank_completions: samples whose completion has nothing but white space.
        reward_sum: over the samples; infinite if it exceeds a double.
        sha256: of the whole file, hexadecimal.
        bytes: of the whole file.
        prompts: those of the first 200 samples; of a very long one the beginning, a hash and the end.
    """

    lines: int
    valid: int
    bad: int
    blank_lines: int
    bad_lines: tuple[BadLine, ...]
    blank_completions: int
    reward_sum: float
    sha256: str
    bytes: int
    prompts: tuple[str, ...] = field(default=(), repr=False)

    @property
    def reward_mean(self) -> float | None:
        """Mean reward of the samples; None if there are none or the sum exceeds a double."""
        return self.reward_sum / self.valid if self.valid and math.isfinite(self.reward_sum) else None


def read_samples(
    fd: int, size: int, *, block_bytes: int = BLOCK_BYTES, max_line_bytes: int = MAX_LINE_BYTES
) -> SamplesReport:
    """Check every line of a samples file.

    Args:
        fd: a descriptor open for reading; read from offset 0, its own offset is left alone.
        size: bytes to read at most, so that a file which grows meanwhile has an end.
        block_bytes: how much is read at a time; the result does not depend on it.
        max_line_bytes: a longer line is bad, and never held in memory.

    Raises:
        OSError: the file cannot be read.
    """
    reader = _Reader(max_line_bytes)
    offset = 0
    while offset < size:
        block = os.pread(fd, min(block_bytes, size - offset), offset)
        if not block:
            break
        offset += len(block)
        reader.feed(block)
    return reader.finish(offset)


@dataclass(slots=True)
class _Reader:
    max_line: int
    number: int = 0
    lines: int = 0
    valid: int = 0
    bad: int = 0
    blank_lines: int = 0
    blank: int = 0
    total: float = 0.0
    located: list[BadLine] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    rest: bytes = b""
    too_long: bool = False
    sha256: hashlib._Hash = field(default_factory=hashlib.sha256)

    def feed(self, block: bytes) -> None:
        self.sha256.update(block)
        if self.too_long:
            _, newline, block = block.partition(b"\n")
            if not newline:
                return
            self._end_too_long()
        lines = (self.rest + block).split(b"\n")
        self.rest = lines.pop()
        for index, line in enumerate(lines):
            if self.bad >= MAX_JUDGED_BAD:
                self._skip(len(lines) - index)
                break
            self._line(line)
        if len(self.rest) > self.max_line:
            self.rest = b""
            self.too_long = True

    def finish(self, total_bytes: int) -> SamplesReport:
        if self.too_long:
            self._end_too_long()
        elif self.rest:
            self._line(self.rest)
        return SamplesReport(
            lines=self.lines,
            valid=self.valid,
            bad=self.bad,
            blank_lines=self.blank_lines,
            bad_lines=tuple(self.located),
            blank_completions=self.blank,
            reward_sum=self.total,
            sha256=self.sha256.hexdigest(),
            bytes=total_bytes,
            prompts=tuple(self.prompts),
        )

    def _skip(self, count: int) -> None:
        """Lines of a file that is bad beyond hope are counted, not judged: millions of them would take minutes."""
        self.number += count
        self.bad += self.number - self.lines
        self.lines = self.number

    def _line(self, line: bytes) -> None:
        self.number += 1
        if len(line) > self.max_line:
            self._count(f"longer than {self.max_line} bytes")
            return
        bare = line.strip(b" \t\r")
        if self.number == 1:
            bare = bare.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r")
        if bare:
            self._count(self._judge(bare))

    def _end_too_long(self) -> None:
        self.too_long = False
        self.number += 1
        self._count(f"longer than {self.max_line} bytes")

    def _count(self, reason: str | None) -> None:
        if self.lines + 1 < self.number:
            self._count_blank_lines()
        self.lines = self.number
        if reason is None:
            self.valid += 1
        else:
            self._bad(self.number, reason)

    def _count_blank_lines(self) -> None:
        # Only now is it known that they are not merely the end of the file.
        first = self.lines + 1
        self.bad += self.number - first
        self.blank_lines += self.number - first
        room = MAX_LOCATED - len(self.located)
        self.located += [BadLine(line, "blank") for line in range(first, min(self.number, first + room))]

    def _bad(self, line: int, reason: str) -> None:
        self.bad += 1
        if len(self.located) < MAX_LOCATED:
            self.located.append(BadLine(line, reason))

    def _judge(self, line: bytes) -> str | None:
        """Why `line` is no sample, or None, having counted it."""
        try:
            text = str(line, "utf-8")
            value, end = _DECODE(text)
        except (ValueError, RecursionError) as error:
            return _why_unreadable(error)
        if end != len(text):
            return f"not JSON: more text after the value (column {end + 1})"
        return self._sample(value)

    def _sample(self, value: object) -> str | None:
        # Exact types: `True` is an int to Python, and `json` makes nothing of a subclass.
        if type(value) is not dict:
            return f"{json_type(value)}, not an object"
        prompt, completion, reward = value.get("prompt"), value.get("completion"), value.get("reward")
        if type(prompt) is not str or type(completion) is not str:
            return _wrong(value, "prompt" if type(prompt) is not str else "completion", "a string")
        if type(reward) is not float and type(reward) is not int:
            return _wrong(value, "reward", "a number")
        try:
            number = float(reward)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            return "`reward` is too large for a double"
        self.total += number
        if len(self.prompts) < MAX_PROMPTS:
            self.prompts.append(_shortened(prompt))
        if not completion or completion.isspace():
            self.blank += 1
        return None


def _shortened(prompt: str) -> str:
    """At most so much that 200 of them fit into memory; different prompts stay different."""
    if len(prompt) <= MAX_PROMPT_CHARS:
        return prompt
    half = MAX_PROMPT_CHARS // 2
    digest = hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{prompt[:half]} {digest} {prompt[-half:]}"


def _why_unreadable(error: ValueError | RecursionError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 (byte {error.start + 1} of the line)"
    if isinstance(error, Refused):
        return error.reason
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg} (column {error.colno})"
    return "nested too deeply" if isinstance(error, RecursionError) else "a number has too many digits"


def _wrong(value: dict[str, object], key: str, wanted: str) -> str:
    if key not in value:
        return f"no `{key}`"
    return f"`{key}` is {described(value[key])}, not {wanted}"
