"""The score that a command really computed: from test counts, from files it wrote, or from what it printed."""

from __future__ import annotations

import json
import math
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner_env.guest.programs.surroundings import OWN_FOLDER
from runner_env.summaries import summarize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner_env.guest.programs.running import Ended

_NAMES = ("metrics.json", "results.json", "summary.json")
_OUTPUT = re.compile(r"--(?:output|out|results?|log|save)[-_]?(?:dir|path|folder)?$|-o$")
_METRICS = re.compile(r"--(?:metrics|output|out|results?)[-_]?(?:path|file|json)?$|-o$")
_KEYS = ("pass@1+", "pass_at_1_plus", "pass@1", "pass_at_1", "accuracy", "exact_match", "score")
_PERCENT_NAMES = re.compile(r"(?i)pass|accuracy|acc|exact")
_TEXT = re.compile(
    r"(?i)(?<![\w@.])[\"']?(?P<name>pass@1\+?|pass_at_1(?:_plus)?|exact[ _]match|accuracy|score)[\"']?"
    r"(?P<gap>\s*(?:[:=|]|\bis\b|\bof\b)[\s|*]*|\s+)(?:np\.float\d+\()?(?P<value>\d+(?:\.\d+)?(?:e-?\d+)?)\)?\s?(?P<percent>%)?(?![\w.])"
)
_OTHER = re.compile(
    r"(?i)threshold|target|baseline|required|expected|random|previous|minimum|maximum|\bmin\b|\bmax\b|human|chance"
)
_LONGEST_LINE = 300
_DEPTH = 3
_MOST_FILE_BYTES = 16 << 20


@dataclass(frozen=True)
class Score:
    """A score from 0 to 1, and where it is from."""

    value: float
    reason: str


class Files:
    """The metrics files that a command may write; only one that it wrote counts."""

    def __init__(self, command: str, folders: Iterable[Path], repo: Path) -> None:
        """Note what is there before the command runs.

        Args:
            command: as it is to be run; its output options say where to look.
            folders: where relative paths in it may start.
            repo: the repository, whose own `.aider_fsm/metrics.json` is looked at too.
        """
        self._paths = [repo / OWN_FOLDER / "metrics.json"]
        for option, value in _options(command):
            for folder in folders:
                self._paths += [folder / value] if _METRICS.fullmatch(option) and value.endswith(".json") else []
                self._paths += [folder / value / name for name in _NAMES] if _OUTPUT.fullmatch(option) else []
        self._before = {path: _identity(path) for path in self._paths}

    def score(self) -> Score | None:
        """The score in the first file that was written since."""
        for path in self._paths:
            identity = _identity(path)
            if identity is None or identity == self._before[path]:
                continue
            value = _read(path)
            score = None if value is None else score_in(value)
            if score is not None:
                return Score(score, f"metrics_file: {path.name}")
        return None


def _options(command: str) -> Iterator[tuple[str, str]]:
    try:
        words = shlex.split(command)
    except ValueError:
        return
    for index, word in enumerate(words):
        option, equals, value = word.partition("=")
        if equals and option.startswith("-"):
            yield option, value
        elif word.startswith("-") and index + 1 < len(words):
            yield word, words[index + 1]


def _identity(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except (OSError, ValueError):
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def _read(path: Path) -> dict[str, Any] | None:
    try:
        if not path.is_file() or path.stat().st_size > _MOST_FILE_BYTES:
            return None
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def score_in(value: Mapping[str, Any]) -> float | None:
    """The score that a metrics object states; None if it states none, or says that it is not `ok`."""
    if value.get("ok", True) is not True:
        return None
    for key in _KEYS:
        for name, found in _named(value, _DEPTH):
            if key in name.lower() and (score := _as_score(found, key)) is not None:
                return score
    return None


def _named(value: Mapping[str, Any], depth: int) -> Iterator[tuple[str, object]]:
    for name, part in value.items():
        if isinstance(part, dict) and depth > 1:
            yield from _named(part, depth - 1)
        else:
            yield str(name), part


def _as_score(value: object, name: str) -> float | None:
    """A number as a share; of a percentage (1 to 100) only where the name is that of a share."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    if 1 < value <= 100 and _PERCENT_NAMES.match(name):
        return value / 100
    return float(value) if 0 <= value <= 1 else None


def score_of(ended: Ended, files: Files) -> Score | None:
    """The score of a command that ended; None if it computed none that can be believed.

    Counts of tests also tell after a failure. Files and text need exit code 0.
    """
    if ended.timed_out:
        return None
    output = ended.output()
    summary = summarize(output, ended.rc)
    counted = summary.passed is not None or ended.rc == 0
    if summary.runner is not None and summary.score is not None and counted:
        how = summary.runner if ended.rc == 0 else f"{summary.runner}_nonzero_exit"
        names = ("passed", "failed", "errors")
        counts = " ".join(f"{name}={getattr(summary, name)}" for name in names if getattr(summary, name) is not None)
        return Score(summary.score, f"{how}: {counts}".rstrip(": "))
    if ended.rc != 0 or summary.runner is not None:
        return None
    return files.score() or printed_score(output.decode("utf-8", "replace"))


def printed_score(text: str) -> Score | None:
    """The last `accuracy: 0.81`, `pass@1 = 81.2%` or `score 0.5` of a text; thresholds and baselines are none."""
    found: Score | None = None
    for line in text.splitlines():
        if len(line) > _LONGEST_LINE or _OTHER.search(line):
            continue
        for match in _TEXT.finditer(line):
            value = float(match["value"])
            score = _as_score(value / 100 if match["percent"] else value, "" if match["percent"] else match["name"])
            if score is not None:
                found = Score(score, f"printed: {' '.join(match[0].split())}")
    return found
