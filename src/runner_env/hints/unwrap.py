"""The program that a command really runs, behind `uv run`, `npx`, `bundle exec` and their like."""

from __future__ import annotations

import re

from runner_env.hints.names import Said, said
from runner_env.hints.runners import is_known

_WRAPPERS: tuple[tuple[tuple[str, ...], frozenset[str]], ...] = tuple(
    (tuple(text.split()), frozenset(options.split()))
    for text, options in (
        (
            "uv run",
            "--extra --group --with --python -p --env-file --package --directory --project --no-group --only-group -m",
        ),
        ("uvx", "--from --with --python -p"),
        ("uv tool run", "--from --with --python -p"),
        ("poetry run", ""),
        ("pdm run", "-p"),
        ("pipenv run", ""),
        ("pixi run", "-e --environment"),
        ("rye run", ""),
        ("conda run", "-n --name -p"),
        ("mamba run", "-n --name -p"),
        ("micromamba run", "-n --name -p"),
        ("bundle exec", ""),
        ("npx", "-p --package"),
        ("bunx", ""),
        ("pnpm exec", ""),
        ("pnpm dlx", ""),
        ("yarn exec", ""),
        ("yarn dlx", ""),
        ("bun x", ""),
        ("npm exec", ""),
        ("coverage run", "--source --rcfile --include --omit --context --data-file"),
        ("python -m coverage run", "--source --rcfile --include --omit"),
        ("slipcover", "--source --out"),
        ("c8", "-r --reporter"),
        ("nyc", "-r --reporter"),
        ("cross-env", ""),
        ("dotenv", "-e"),
        ("xvfb-run", "-s"),
        ("dbus-run-session", ""),
        ("accelerate launch", "--config_file --num_processes --main_process_port --mixed_precision --num_machines"),
        ("torchrun", "--nproc_per_node --nproc-per-node --nnodes --master_port --master-port"),
        ("python -m torch.distributed.launch", "--nproc_per_node --master_port"),
        ("python -m torch.distributed.run", "--nproc_per_node --master_port"),
        ("deepspeed", "--num_gpus --include --master_port"),
        ("mpirun", "-n -np"),
        ("mpiexec", "-n -np"),
        ("srun", "-p -n"),
        ("time", ""),
        ("nohup", ""),
        ("exec", ""),
        ("command", ""),
        ("env", "-u"),
        ("sudo", "-u"),
        ("timeout", "-k -s"),
        ("nice", "-n"),
        ("taskset", "-c"),
        ("nix develop", ""),
        ("nix-shell", ""),
        ("direnv exec .", ""),
        ("mise exec --", ""),
        ("opam exec --", ""),
        ("valgrind", ""),
        ("catchsegv", ""),
        ("doppler run --", ""),
        ("bin/docker", ""),
    )
)
_BY_FIRST = {
    first: tuple(each for each in _WRAPPERS if each[0][0] == first) for first in {each[0][0] for each in _WRAPPERS}
}
_ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*=")
_PYTHON = re.compile(r"^(?:.*/)?(?:python|pypy|py|python3?\.?[\d.]*|pypy3?)(?:\.exe)?$|^\$\{?PYTHON\}?$|^\$\(PYTHON\)$")
_SUFFIX = re.compile(r"\.(?:exe|cmd|bat)$")


def is_python(word: str) -> bool:
    """Whether a word is a Python interpreter."""
    return bool(_PYTHON.match(word))


def unwrap(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words of the program behind all wrappers; `python -m program` becomes `program` for modules with a program.

    >>> unwrap(("uv", "run", "--group", "dev", "python", "-m", "pytest", "-q"))
    ('pytest', '-q')
    """
    for _ in range(8):
        before = words
        while words and _ASSIGNMENT.match(words[0]):
            words = words[1:]
        words = _behind_wrapper(words)
        if len(words) > 2 and is_python(words[0]):
            words = _behind_python(words)
        if words == before:
            break
    return words


def _behind_python(words: tuple[str, ...]) -> tuple[str, ...]:
    """Interpreter options dropped; `-m module` as a program of that name."""
    rest = list(words[1:])
    while rest and rest[0].startswith("-") and rest[0] not in ("-m", "-c", "-"):
        rest = rest[2:] if rest[0] in ("-W", "-X") else rest[1:]
    if len(rest) > 1 and rest[0] == "-m" and rest[1] in MODULE_PROGRAMS:
        return tuple(rest[1:])
    return ("python", *rest)


MODULE_PROGRAMS = frozenset(
    (  # noqa: SIM905 - one word a line would be unreadable
        "pytest tox nox unittest coverage nose nose2 trial twisted.trial green stestr behave ward pip invoke hatch "
        "poetry pdm uv robot asv pre_commit mypy ruff black flake8 sphinx build twine testtools.run zope.testrunner "
        "doctest pylint"
    ).split()
)


def _behind_wrapper(words: tuple[str, ...]) -> tuple[str, ...]:
    named = tuple("python" if is_python(word) and number == 0 else word for number, word in enumerate(words[:4]))
    for wrapper, valued in _BY_FIRST.get(named[0], ()) if named else ():
        if named[: len(wrapper)] != wrapper:
            continue
        rest = _without_options(words[len(wrapper) :], valued)
        if wrapper[0] in ("timeout", "taskset") and len(rest) > 1:
            rest = rest[1:]
        if wrapper[0] == "nix-shell" or not rest or (wrapper in _ALSO_TASKS and _is_task(rest[0])):
            return words
        return ("python", *rest) if rest[0].endswith(".py") else rest
    return (_SUFFIX.sub("", words[0]), *words[1:]) if words else words


_ALSO_TASKS = frozenset((("pdm", "run"), ("pixi", "run"), ("rye", "run"), ("pipenv", "run")))
"""They run a program, or a task that their manifest defines."""


def _is_task(word: str) -> bool:
    if is_known(word) or is_python(word) or word in _BY_FIRST or not re.fullmatch(r"[\w:-]+", word):
        return False
    return said(word) is not Said.NOTHING


def _without_options(words: tuple[str, ...], valued: frozenset[str]) -> tuple[str, ...]:
    at = 0
    while at < len(words) and words[at].startswith("-"):
        if words[at] == "--":
            return words[at + 1 :]
        if words[at] == "-m":
            return ("python", *words[at:])
        if words[at] in ("-c", "--command", "--run") and at + 1 < len(words):
            return tuple(words[at + 1].split()) if " " in words[at + 1] else words[at + 1 :]
        at += 2 if words[at] in valued else 1
    return words[at:]
