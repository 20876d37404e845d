"""A repository → its official commands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner_env.hints import documents
from runner_env.hints.commands import atomic_commands
from runner_env.hints.facts import Facts
from runner_env.hints.model import Candidate, Hint, Origin
from runner_env.hints.ranking import Stated, judged, ranked
from runner_env.hints.selection import meaning
from runner_env.hints.shelltext import words_of
from runner_env.hints.sources.table import SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


# a quick look before the thorough one: text without any of these is none of ours, unless a heading above it says so
_TELLING = re.compile(
    r"test|spec|unit|codecept|behat|midje|\bwtr|eval|bench|check|tox|nox|rake|prove|verify|jest|mocha"
    r"|\bava\b|\btap\b|trial|behave|busted|bats|eunit|"
    r"\bct\b|judge|perf|\basv\b|mvn|gradle|\bcov|\bci\b|pest|appraisal|hyperfine|\bk6\b|score|harness|dune|r cmd|"
    r"\bgrunt|karma|cypress|cucumber|jasmine|\buvu|tape|valid|regress|integration|smoke|junit|kahlan|\byath"
    r"|robot|arena"
)
_TELLING_HEADING = re.compile(
    r"(?i)test|eval|bench|reproduc|result|leaderboard|experiment|usage|quick|start|run|example|command|how to|cli"
)
_MOST_COMMANDS = 200
_DOCUMENTS = (Origin.README, Origin.DOCS)


def find_hints(root: Path) -> tuple[Hint, ...]:
    """The commands that the repository at `root` publishes for testing, evaluating and benchmarking it.

    Nothing is run, and nothing outside `root` is read.

    Returns:
        The surest first; none for a repository that states nothing.
    """
    candidates = [candidate for find in (documents.find, *SOURCES) for candidate in find(root)]
    facts = Facts(root)
    return ranked(_judged(candidates, facts), tests_first=not facts.evaluates)


def _judged(candidates: list[Candidate], facts: Facts) -> Iterator[Stated]:
    tasks = _resolved_tasks(candidates)
    for candidate in candidates:
        if not (
            _TELLING.search(candidate.text.lower())  # twice as fast as to ignore case
            or (candidate.origin in _DOCUMENTS and _TELLING_HEADING.search(candidate.name))
        ):
            continue
        for atomic in atomic_commands(candidate, facts)[:_MOST_COMMANDS]:
            resolved = candidate.resolved or tasks.get((atomic.workdir, meaning(atomic.words)), ())
            stated = judged(atomic, candidate, resolved, facts)
            if stated is not None:
                yield stated


def _resolved_tasks(candidates: list[Candidate]) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """What each task runs, by where and how it is called, so that a document's `make test` is known too."""
    return {
        (candidate.workdir, meaning(words_of(candidate.text))): candidate.resolved
        for candidate in candidates
        if candidate.origin is Origin.TASK and candidate.resolved
    }
