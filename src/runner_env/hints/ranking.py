"""How sure it is that the authors mean a command: the kind of file, the place in it, its form, who agrees."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner_env.hints.commands import is_build_folder
from runner_env.hints.model import Candidate, Hint, Origin, Purpose
from runner_env.hints.names import is_part
from runner_env.hints.places import places_exist
from runner_env.hints.purpose import Where, call_of
from runner_env.hints.runners import direct_call, is_known
from runner_env.hints.selection import meaning, selects
from runner_env.hints.shelltext import words_of
from runner_env.hints.tasks import named_task, script_of
from runner_env.hints.unwrap import unwrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner_env.hints.commands import Atomic
    from runner_env.hints.facts import Facts
    from runner_env.hints.runners import Call

_BY_ORIGIN = {Origin.README: 0.92, Origin.DOCS: 0.75, Origin.CI: 0.9, Origin.TASK: 0.86, Origin.MANIFEST: 0.8}
_LEAST = 0.3
_LEAST_OF_BEST = 0.75
_LEAST_OF_OTHER = 0.65
"""For what has another purpose than the best one, and so does not compete with it."""
_BENCHMARK = 0.85
"""What a benchmark is worth beside the tests, where those are the better answer."""
_MOST = 6
_WORKING = re.compile(
    r"(?i)\b(?:contribut\w*|develop\w*|hacking|tests?|testing|maintain\w*|from source|ci|pull requests?|build\w*)\b"
)
_WORKING_DOCS = re.compile(
    r"(?i)\b(?:contribut\w*|develop(?:ment|ing|ers?)|hacking|maintain\w*|from source|"
    r"run\w* (?:the |all |our )?(?:unit )?tests|test ?suite)\b"
)
_WORKING_FILE = re.compile(
    r"(?i)(?:(?:contribut|develop|hacking|testing|maintain|agents|claude|building)\w*(?:\.\w+)?|^tests?/readme(?:\.\w+)?)$"
)
_SAYS_TESTS = re.compile(r"(?i)\b(?:run|execute|invoke)\w*\b.{0,60}\b(?:tests?|test suite)\b")
_ELSEWHERE = re.compile(
    r"(?i)\b(?:lint|docs?|documentation|release|publish|deploy|format|style|type ?check|nightly|fuzz|stale"
    r"|labeler|codeql|"
    r"downstream|upstream|third[- ]party|dependents|ecosystem|smoke|windows|\w+bsd|minimum|canary|wheels?|sanitizers?"
    r"|asan|valgrind|miri|msrv|docker)\b"
)
_TEST_TOOLS = re.compile(
    r"pytest|^jest|mocha|vitest|^tap$|^ava$|^tox|^nox$|coverage|unittest|rspec|phpunit|^bats|testify|minitest"
    r"|catch2|googletest|junit|^karma|cypress|^nose|hypothesis|test(?:ing|er)?$"
)
_NEGATED = re.compile(r"(?i)\b(?:do not|don't|never|instead of|rather than|deprecated|no longer|avoid)\b[^.]{0,40}$")
_EXTRA = frozenset(("--cov", "--coverage", "--cov-report", "--junitxml", "--junit-xml", "--reporter"))


@dataclass(frozen=True, slots=True)
class Stated:
    """One statement of a command, judged."""

    hint: Hint
    key: tuple[str, str, str]
    candidate: Candidate


def judged(atomic: Atomic, candidate: Candidate, resolved: tuple[str, ...], facts: Facts) -> Stated | None:
    """What one statement of a command is worth; None if it is not for testing, evaluating or benchmarking."""
    titles = (candidate.path, *candidate.name.split(" > "))
    where = Where(titles, atomic.workdir, block=not candidate.in_prose)
    call = call_of(atomic.words, resolved, facts, where)
    if call is None or call.purpose is None:
        return None
    confidence = call.strength * _origin(candidate, facts, call) * _form(atomic, candidate, call.purpose, facts)
    hint = Hint(
        command=atomic.text,
        purpose=call.purpose,
        source=f"{candidate.path}:{candidate.line + atomic.line}",
        runner=call.runner,
        confidence=confidence,
        prerequisites=atomic.prerequisites,
        workdir=atomic.workdir,
        env=atomic.env,
    )
    place = "" if is_build_folder(atomic.workdir) else atomic.workdir
    return Stated(hint, (place, call.purpose, meaning(atomic.words, call.purpose)), candidate)


def _origin(candidate: Candidate, facts: Facts, call: Call) -> float:
    worth = _BY_ORIGIN[candidate.origin] * (0.4 + 0.6 * candidate.certainty) * (0.5 if candidate.platform else 1)
    if candidate.origin is Origin.CI:
        return worth * (0.7 if _ELSEWHERE.search(f"{candidate.path.rpartition('/')[2]} {candidate.name}") else 1)
    if candidate.origin not in (Origin.README, Origin.DOCS):
        return worth
    pattern = _WORKING if candidate.origin is Origin.README else _WORKING_DOCS
    for_working = _WORKING_FILE.search(candidate.path)
    working = bool(
        for_working
        or pattern.search(f"{candidate.path} {candidate.name}")
        or (candidate.in_prose and _SAYS_TESTS.search(candidate.context))
    )
    if for_working:
        worth = 0.95
    if candidate.in_prose:
        worth *= 0.85 if working else 0.6
    if not working:
        is_tool = (is_known(call.runner) and call.runner in facts.names) or (
            call.purpose is Purpose.TEST and any(_TEST_TOOLS.search(name) for name in facts.names)
        )
        worth *= 0.4 if is_tool else 0.8 if candidate.origin is Origin.DOCS and not facts.evaluates else 1
    return worth


def _form(atomic: Atomic, candidate: Candidate, purpose: Purpose, facts: Facts) -> float:
    """What the command's own shape takes from its worth."""
    worth = 1.0
    if purpose is Purpose.TEST and selects(atomic.words):
        worth *= 0.35
    if atomic.piped:
        worth *= 0.7
    if len(atomic.words) > 6:
        worth *= 0.97
    if any(word.partition("=")[0] in _EXTRA for word in atomic.words):
        worth *= 0.97
    if atomic.workdir:
        # a task of one folder is for that folder, a document or CI may well speak of the whole from there
        worth *= 0.5 if _BESIDE.match(atomic.workdir) else 0.75 if candidate.origin is Origin.TASK else 0.9
    if _NEGATED.search(candidate.context):
        worth *= 0.5
    return worth * places_exist(atomic, facts)


_BESIDE = re.compile(r"(?i)^(?:docs?|examples?|samples?|demos?|website|site|tools?|contrib)(?:/|$)")


def ranked(stated: Iterable[Stated], *, tests_first: bool) -> tuple[Hint, ...]:
    """The hints, the surest first: statements of one meaning joined, weak ones left out, at most 6.

    Args:
        stated: every statement of every command.
        tests_first: whether a benchmark is less of an answer than the tests, as in what is not made to evaluate.
    """
    groups: dict[tuple[str, str, str], list[Stated]] = {}
    for each in _without_implied(list(stated)):
        groups.setdefault(each.key, []).append(each)
    joined = [_joined(group) for group in groups.values()]
    if tests_first:
        joined = [_after_tests(hint) for hint in joined]
    hints = sorted(joined, key=_order)  # of equal ones, that stated first
    return _without_parts([hint for hint in hints if hint.confidence >= _least_beside(hints[0], hint)])[:_MOST]


def _after_tests(hint: Hint) -> Hint:
    if hint.purpose is not Purpose.BENCHMARK:
        return hint
    return replace(hint, confidence=round(hint.confidence * _BENCHMARK, 3))


def _least_beside(best: Hint, hint: Hint) -> float:
    part = _LEAST_OF_BEST if hint.purpose is best.purpose else _LEAST_OF_OTHER
    return max(_LEAST, part * best.confidence)


def _without_parts(hints: list[Hint]) -> tuple[Hint, ...]:
    """`pytest pkg/sub` goes where `pytest pkg` is surer or as sure."""
    kept: list[Hint] = []
    for hint in hints:
        if hint.purpose is Purpose.TEST and any(_is_within(hint, other) for other in kept):
            continue
        kept.append(hint)
    return tuple(kept)


def _is_within(hint: Hint, other: Hint) -> bool:
    words, whole = hint.command.split(), other.command.split()
    return (
        hint.workdir == other.workdir
        and len(words) == len(whole)
        and words[:-1] == whole[:-1]
        and not whole[-1].startswith("-")
        and words[-1].startswith(whole[-1].rstrip("/") + "/")
        and "..." not in whole[-1] + words[-1]
    )


def _without_implied(stated: list[Stated]) -> list[Stated]:
    """What a manifest implies is left out where the authors state a command of their own for the same purpose.

    What the manifest of a folder implies is left out where there is something for the whole repository.
    """
    said = {each.key for each in stated if not _is_implied(each)}
    return [each for each in stated if each.key in said or not any(_replaces(other, each) for other in stated)]


def _is_implied(each: Stated) -> bool:
    return each.candidate.origin is Origin.MANIFEST


def _replaces(other: Stated, implied: Stated) -> bool:
    if other.key[1] != implied.key[1]:
        return False
    place, folder = other.key[0], implied.key[0]
    same_build = other.hint.runner == implied.hint.runner and implied.hint.runner in _JVM
    if not _is_implied(other) and place in ("", folder) and not _is_partial(other.hint.command):
        return other.hint.confidence >= (_STATED_BUILD if same_build else _STATED)
    return bool(folder) and not place and other.hint.confidence >= _STATED_BUILD


def _is_partial(command: str) -> bool:
    """Whether a command runs a part of the suite, by its arguments or by the name of the task or the script."""
    words = words_of(command)
    inner = unwrap(words)
    task = named_task(inner) if inner else None
    name = task[1] if task else re.sub(r"\.\w+$", "", script_of(inner).rpartition("/")[2]) if inner else ""
    return (
        selects(words)
        or (task is not None and task[0] == "make" and bool(name) and is_part(name))
        or (task is None and bool(name) and direct_call(inner) is None and is_part(name))
    )


_STATED = 0.6
"""How sure a stated command is to be to stand for what a manifest implies."""
_STATED_BUILD = 0.4
_JVM = frozenset(("maven", "gradle"))
"""Their builds run the tests."""


def _joined(group: list[Stated]) -> Hint:
    """The best statement; every further file that agrees takes away half of the remaining doubt, at most thrice."""
    best = max(
        group,
        key=lambda each: (
            round(each.hint.confidence, 2),
            -len(each.hint.command) if each.key[1] == Purpose.TEST else 0,
        ),
    )
    by_file: dict[str, float] = {}
    for each in group:
        kind = f"{each.candidate.origin}"
        by_file[kind] = max(by_file.get(kind, 0), each.hint.confidence)
    by_file.pop(f"{best.candidate.origin}", None)
    doubt = 1 - best.hint.confidence
    best = _as_written(best, group)
    for worth in by_file.values():
        doubt *= 1 - 0.6 * worth
    prerequisites = best.hint.prerequisites or next(
        (each.hint.prerequisites for each in group if each.hint.prerequisites), ()
    )
    return replace(best.hint, confidence=round(1 - doubt, 3), prerequisites=prerequisites)


def _as_written(best: Stated, group: list[Stated]) -> Stated:
    """What somebody wrote down, rather than the call that was made up from a task's name."""
    if best.candidate.origin is not Origin.TASK:
        return best
    least = _AS_GOOD * best.hint.confidence
    written = [one for one in group if one.candidate.origin in _WRITTEN and one.hint.confidence >= least]
    return max(written, key=lambda one: one.hint.confidence, default=best)


_WRITTEN = (Origin.README, Origin.DOCS, Origin.CI)
_AS_GOOD = 0.8
_PURPOSES: Mapping[Purpose, int] = {Purpose.TEST: 0, Purpose.EVALUATE: 0, Purpose.BENCHMARK: 1}


def _order(hint: Hint) -> tuple[object, ...]:
    return (-round(hint.confidence, 3), _PURPOSES[hint.purpose], bool(hint.workdir))
