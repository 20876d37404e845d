"""What a command is for, from its own words, from what it finally runs, and from where it is stated."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from runner_env.hints.commands import split_commands
from runner_env.hints.model import Purpose
from runner_env.hints.names import PURPOSES, Said, is_part, said, tokens
from runner_env.hints.preparation import prepares
from runner_env.hints.runners import Call, direct_call
from runner_env.hints.tasks import SCRIPT_MANAGERS, named_task, script_of, task_call
from runner_env.hints.unwrap import unwrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_env.hints.facts import Facts

_OPTION = re.compile(r"^--?(?:do[_-])?(eval(?:uat\w+)?|bench(?:mark)?|test)(?:[_-]only)?$")
_MODE = re.compile(r"(?:^| )--?(?:mode|task|command|action|stage|phase)[= ](eval\w*|bench\w*|test)\b")
_ONLY_TELLS = frozenset(
    ("--help", "-h", "--version", "--list", "--list-tests", "--list-sessions", "--listenvs", "--dry-run")
)
_EMPTY = re.compile(r"^(?:echo|exit|true|:|printf|false)$")
_TEST_HEADING = re.compile(r"(?i)\b(?:tests?|testing|unit ?tests?|test ?suite|specs|running the tests)\b")
_EVALUATE_HEADING = re.compile(r"(?i)\b(?:eval\w*|leaderboard|reproduc\w*|scor(?:e|ing)|results?|experiments?)\b")
_BENCHMARK_HEADING = re.compile(r"(?i)\bbenchmark(?:s|ing)?\b")
_USE_HEADING = re.compile(r"(?i)\b(?:usage|quick ?start|getting started|run(?:ning)?|how to|example|cli|command)\b")
_NEVER = frozenset(
    (  # noqa: SIM905 - one word a line would be unreadable
        "pip pip3 conda brew apt apt-get docker-compose curl wget git ls cat cd echo vim code open mkdir rm cp mv "
        "kubectl aws gcloud gh"
    ).split()
)


@dataclass(frozen=True, slots=True)
class Where:
    """Where a command is stated.

    Attributes:
        titles: the file's path, then headings or job and step, outermost first.
        workdir: where the command is to be run.
        block: whether it stands for itself, not in a sentence or a table.
    """

    titles: tuple[str, ...] = ()
    workdir: str = ""
    block: bool = True


_NOWHERE = Where()


def call_of(words: tuple[str, ...], resolved: tuple[str, ...], facts: Facts, where: Where = _NOWHERE) -> Call | None:
    """What a command is for by itself.

    Args:
        words: its words.
        resolved: what it finally runs, if it is a task that was looked into.
        facts: about the repository.
        where: the place in which it is stated.

    Returns:
        None for everything that is not for testing, evaluating or benchmarking.
    """
    inner = unwrap(words)
    if not inner or (prepares(inner) and not named_task(inner)):
        return None
    if _ONLY_TELLS.intersection(words) or (inner[0] in ("nox", "tox") and "-l" in words):
        return None
    call = direct_call(inner)
    if call is not None:
        return call if call.purpose else None
    task = named_task(inner)
    if task is not None and _is_missing_script(task, inner, facts, where):
        return None
    if task is not None:
        return _task(task, resolved, facts)
    return _script(inner, facts, where)


_ELSEWHERE = frozenset(
    (
        "-w",
        "--workspace",
        "--workspaces",
        "-ws",
        "-r",
        "--recursive",
        "--filter",
        "workspace",
        "-C",
        "--prefix",
        "--cwd",
    )
)


def _is_missing_script(task: tuple[str, str], words: tuple[str, ...], facts: Facts, where: Where) -> bool:
    """Whether package.json does not have the script that a command names; `bun test` is no script."""
    if task[0] not in SCRIPT_MANAGERS or words[:2] == ("bun", "test"):
        return False
    others = any(word.partition("=")[0] in _ELSEWHERE for word in words)
    return not others and facts.lacks_script(task[1], where.workdir)


def _task(task: tuple[str, str], resolved: tuple[str, ...], facts: Facts) -> Call | None:
    call = task_call(*task)
    if call is not None and call.purpose is None:
        return None
    runs = _what_runs(resolved, facts)
    if resolved and runs is None and (call is None or call.strength < 0.6 or _does_nothing(resolved)):
        return None
    if resolved and runs is None and said(task[1]) is Said.MAYBE_TEST and _checks_style(resolved):
        return None
    if call is None:
        # a name that says nothing (`make go`) whose recipe is a single runner's call
        return Call(runs.purpose, 0.6 * runs.strength, runs.runner) if runs and len(resolved) == 1 else None
    if runs is None:
        # `make tool_test` makes a program that somebody else runs
        builds = bool(resolved) and (is_part(task[1]) or _only_prepares(resolved))
        return Call(call.purpose, call.strength * (0.6 if builds else 1), call.runner)
    purpose = runs.purpose if call.strength < 0.6 else call.purpose
    return Call(
        purpose,
        max(call.strength, min(0.85, call.strength + 0.3)) if call.strength < 0.6 else call.strength,
        runs.runner,
    )


@lru_cache(maxsize=500)  # many documents and jobs name the same task
def _what_runs(resolved: tuple[str, ...], facts: Facts) -> Call | None:
    found = [call for words in _commands(resolved) if (call := call_of(words, (), facts)) is not None]
    return max(found, key=lambda call: call.strength, default=None)


def _commands(resolved: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    return (words for text in resolved[:_MOST_RESOLVED] for words in split_commands(text[:_MOST_TEXT]))


_MOST_RESOLVED = 12
_MOST_TEXT = 2_000


def _checks_style(resolved: tuple[str, ...]) -> bool:
    """Whether a linter, a formatter or a type checker is among what a task runs, and no program of tests."""
    if any(_TESTING.search(text) for text in resolved[:_MOST_RESOLVED]):
        return False
    for words in map(unwrap, _commands(resolved)):
        task = named_task(words) if words else None
        if words and said(task[1] if task else words[0].rpartition("/")[2]) is Said.OTHER:
            return True
    return False


_TESTING = re.compile(r"(?i)--gtest_|(?<![\w.])\./[\w${}/-]*test")


def _only_prepares(resolved: tuple[str, ...]) -> bool:
    """`make test_all` that builds a program of that name."""
    commands = list(_commands(resolved))
    return bool(commands) and all(prepares(words) for words in commands)


def _does_nothing(resolved: tuple[str, ...]) -> bool:
    """Only prints and ends, like npm's `echo "Error: no test specified" && exit 1`."""
    return all(_EMPTY.match(words[0]) for words in _commands(resolved))


def _script(words: tuple[str, ...], facts: Facts, where: Where) -> Call | None:
    """A script, a module or a program of whoever wrote it, by its name, its options and where it is stated."""
    program = words[0].rpartition("/")[2]
    if words[0] in ("docker", "podman"):
        return _container(words, facts, where)
    script = script_of(words)
    own = facts.installs(program) or bool(script and _is_own(words, script, facts, where))
    if program in _NEVER or not (own or _is_plausible(words, script, where)):
        return None
    meaning = said(script if _is_module(words) else _STEM.sub("", (script or program).rstrip("/").rpartition("/")[2]))
    if meaning is Said.OTHER or _is_mention(words, script, where) or _does_other(words, script):
        return None
    if purpose := PURPOSES.get(meaning):
        return Call(purpose, 0.88 if own or "." in program else 0.7 if script else 0.5, program)
    if not own:
        built = words[0].startswith("./") and facts.has_source(words[0], where.workdir)
        return _verb(words, script, facts) if built else None
    return _verb(words, script, facts) or _option(words) or _by_place(words, script, facts, where)


def _is_mention(words: tuple[str, ...], script: str, where: Where) -> bool:
    """Whether a sentence, or a block that shows a name, only talks about a file."""
    if len(words) > 1 or re.search(r"^\./|\.(?:sh|bash)$", script or "./"):
        return False
    return not where.block or (bool(_STEM.search(script)) and not _is_ci(where))


def _does_other(words: tuple[str, ...], script: str) -> bool:
    """`./ci.sh install`."""
    first = words[2 if script and script != words[0] else 1 :][:1]
    return any(said(word) is Said.OTHER for word in first if not word.startswith("-"))


def _is_module(words: tuple[str, ...]) -> bool:
    return words[:2] == ("python", "-m")


def _is_own(words: tuple[str, ...], script: str, facts: Facts, where: Where) -> bool:
    if _is_module(words):
        return facts.module_place(script, where.workdir)
    return facts.has_script(script, where.workdir)


def _is_plausible(words: tuple[str, ...], script: str, where: Where) -> bool:
    """Whether something that is not found in the repository can be a program of it, made by an install or a build."""
    if _is_module(words):
        return True
    if script and script != words[0]:
        return bool(re.fullmatch(r"[\w./-]+\.\w{1,4}", script)) and where.block
    if (
        not where.block
        or not re.fullmatch(r"(?:\./)?[A-Za-z][\w.-]*(?:/[\w.-]+)*", words[0].rpartition("/")[2])
        or words[0].endswith("/")
    ):
        return False
    if words[0].startswith("./"):
        return not _SOURCE.search(words[0])
    return bool(len(words) > 1 and re.search(r"[-_.]", words[0]) and "/" not in words[0]) and not _SOURCE.search(
        words[0]
    )


_STEM = re.compile(r"\.(?:py|sh|bash|js|mjs|cjs|ts|rb|pl|php|lua|jl|R)$")
_SOURCE = re.compile(
    r"\.(?:py|c|cc|cpp|h|hpp|java|rs|go|js|ts|rb|md|rst|txt|json|ya?ml|toml|cfg|ini|com|org|io|net|lock|xml"
    r"|html|ex|exs)$"
)


def _option(words: tuple[str, ...]) -> Call | None:
    """`--mode eval`, `--do_eval`, `--benchmark`."""
    mode = _MODE.search(" ".join(words[1:]))
    options = [match[1] for word in words[1:] if (match := _OPTION.match(word))]
    name = mode[1] if mode else next(iter(options), "")
    purpose = PURPOSES.get(said("evaluate" if name.startswith("eval") else name)) if name else None
    return Call(purpose, 0.65, words[0].rpartition("/")[2]) if purpose else None


def _verb(words: tuple[str, ...], script: str, facts: Facts) -> Call | None:
    """A subcommand: `tool evaluate --fast`, `python main.py eval`."""
    arguments = [word for word in words[1:] if not word.startswith("-") and word not in (script, "run")][:1]
    for word in arguments:
        if not re.fullmatch(r"[a-z][\w:-]*", word):
            break
        meaning = said(word)
        if meaning is Said.OTHER or (meaning is Said.TEST and word not in ("test", "tests")):
            return None
        if purpose := PURPOSES.get(meaning):
            return Call(purpose, 0.88 if facts.evaluates else 0.75, words[0].rpartition("/")[2])
    return None


def _container(words: tuple[str, ...], facts: Facts, where: Where) -> Call | None:
    """`docker run … image command`, `docker compose run service command`: what the command inside is for."""
    if "run" not in words and "exec" not in words:
        return None
    start = words.index("run" if "run" in words else "exec") + 1
    for at in range(start, len(words)):
        if words[at].startswith("-"):
            continue
        rest = words[at:]
        inner = unwrap(rest)
        call = direct_call(inner) if inner else None
        task = named_task(rest)
        found = call or (task_call(*task) if task and task[1] else None)
        if found and found.purpose:
            return Call(found.purpose, 0.6, found.runner)
        if PURPOSES.get(said(re.sub(r":.*$", "", words[at].rpartition("/")[2]))) in (
            Purpose.EVALUATE,
            Purpose.BENCHMARK,
        ):
            return Call(PURPOSES[said(re.sub(r":.*$", "", words[at].rpartition("/")[2]))], 0.6, "docker")
        if script_of(rest):
            return _script(rest, facts, where)
    return None


def _by_place(words: tuple[str, ...], script: str, facts: Facts, where: Where) -> Call | None:
    """A program whose name says nothing, by the headings above it."""
    # the first heading is the repository's title, which says what it is, not what a command is for
    titles = " ".join(where.titles[2:][-2:] or where.titles[1:])
    name = _STEM.sub("", (script or words[0]).rpartition("/")[2])
    if (
        not where.block
        or (said(name) is Said.MAYBE_TEST and not _is_ci(where))
        or (set(tokens(" ".join(where.titles[-2:]))) - (_EXAMPLES if facts.evaluates else set())) & _NO_PLACE
    ):
        return None
    worth = (
        (Purpose.TEST, 0.5 if script and not facts.evaluates else 0, _TEST_HEADING),
        (Purpose.EVALUATE, 0.65 if facts.evaluates else 0.4, _EVALUATE_HEADING),
        (Purpose.BENCHMARK, 0.6 if facts.evaluates else 0.5, _BENCHMARK_HEADING),
        (Purpose.EVALUATE, 0.55 if facts.evaluates and len(words) > 1 else 0, _USE_HEADING),
    )
    runner = words[0].rpartition("/")[2]
    fitting = (
        Call(purpose, strength, runner) for purpose, strength, title in worth if strength and title.search(titles)
    )
    return next(fitting, None)


def _is_ci(where: Where) -> bool:
    return "".join(where.titles[:1]).endswith((".yml", ".yaml"))


_EXAMPLES = frozenset(("example", "examples"))
"""An example of using a benchmark is an evaluation."""
_NO_PLACE = frozenset(
    [
        "install",
        "installation",
        "build",
        "building",
        "training",
        "train",
        "demo",
        "example",
        "examples",
        "data",
        "dataset",
        "download",
        "setup",
    ]
)
