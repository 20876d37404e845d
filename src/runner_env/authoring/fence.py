"""Which names an agent may write: pure, by spelling alone; `proposal` looks at what is really there.

What is allowed is listed, everything else is refused: `pipeline.yml` (scaffold only) and plain names below
`.aider_fsm/`, less those that a stage writes, that hold installed packages, or that some program loads unasked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from runner_env.authoring.brief import Purpose, Refused
from runner_env.authoring.leftovers import CONTRACT, FOLDER, is_byproduct, is_env_file, is_git, is_output

MOST_FILE_BYTES: Final = 1 << 20
MOST_BYTES: Final = 8 << 20
MOST_FILES: Final = 500
MOST_PARTS: Final = 8
"""Folders deep that a contract may be."""

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+=@-]{0,99}", re.ASCII)
_GITIGNORE = f"{FOLDER}/.gitignore"
_UNASKED = re.compile(
    r"(?:sitecustomize|usercustomize|conftest)\.py|.*\.(?:pth|egg-link|so|dylib|dll|node|jar|class|whl|pyd|pyz|exe)"
    r"|(?:pytest\.ini|tox\.ini|setup\.cfg|pyvenv\.cfg|pip\.conf|gnumakefile)",
    re.IGNORECASE,
)
"""Names that an interpreter, a test runner or a loader takes up although no contract names them, and machine code."""

_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


def writable(purpose: Purpose) -> tuple[str, ...]:
    """What an agent's own permission system is told, as globs relative to the copy: the first fence, a coarse one."""
    return (CONTRACT, f"{FOLDER}/**") if purpose is Purpose.SCAFFOLD else (f"{FOLDER}/**",)


def refusal(path: str, purpose: Purpose) -> Refused | None:
    """Why an agent may not write, change or remove what is at `path`; None if it may.

    Args:
        path: POSIX, relative to the repository, as the file system lists it (undecodable bytes as surrogates).
        purpose: scaffold or repair.
    """
    if path in (FOLDER, _GITIGNORE) or (path == CONTRACT and purpose is Purpose.SCAFFOLD):
        return None
    if path == CONTRACT:
        return Refused(path, "pipeline", "is not repaired by agents; only files below .aider_fsm/ are")
    rules = _INSIDE if path.startswith(f"{FOLDER}/") else _OUTSIDE
    alike = folded(path)
    return next((Refused(path, code, why) for code, why, applies in rules if applies(path, alike)), None)


def folded(path: str) -> str:
    """How a file system, or a reader, may take `path` who does not tell case, width and invisible marks apart.

    >>> folded("．AIDER_fsm/Stages /a.sh.")
    '.aider_fsm/stages/a.sh'
    """
    text = unicodedata.normalize("NFKC", path).casefold()
    text = "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) not in _INVISIBLE)
    return "/".join(part.rstrip(". ") or part for part in text.split("/"))


def is_contract(path: str) -> bool:
    """Whether a file of this name belongs to a contract, so that its hash says what was run."""
    return refusal(path, Purpose.SCAFFOLD) is None


def _is_plain(path: str) -> bool:
    parts = path.split("/")[1:]
    return len(parts) <= MOST_PARTS and all(_PLAIN.fullmatch(part) and not part.endswith(".") for part in parts)


def _looks_like_contract(alike: str) -> bool:
    return alike in (CONTRACT, FOLDER) or alike.startswith((f"{CONTRACT}/", f"{FOLDER}/"))


_Rule = tuple[str, str, Callable[[str, str], bool]]
"""Code, why, and whether it applies to a path, given as it is and folded. Of several the first one counts."""

_OUTSIDE: Final[tuple[_Rule, ...]] = (
    ("lookalike", "only looks like a path of the contract", lambda _, alike: _looks_like_contract(alike)),
    ("git", "belongs to git", lambda _, alike: is_git(alike)),
    ("byproduct", "is left by tools", lambda path, _: is_byproduct(path)),
    ("outside", "is not part of the contract", lambda _, __: True),
)
_INSIDE: Final[tuple[_Rule, ...]] = (
    (
        "output",
        "is what a stage writes when it runs; written by anybody else it would be a made-up result",
        lambda _, alike: is_output(alike) or alike.endswith(".jsonl"),
    ),
    ("env_file", "is a file for secrets; stages get them as variables", lambda _, alike: is_env_file(alike)),
    ("git", "belongs to git", lambda _, alike: is_git(alike)),
    (
        "environment",
        "is, or lies in, a folder of installed packages or of a cache, which programs make",
        lambda _, alike: is_byproduct(alike),
    ),
    (
        "name",
        f"has not only ASCII letters, digits and _.+=@-, begins with a dot, or is over {MOST_PARTS} folders deep",
        lambda path, _: not _is_plain(path),
    ),
    (
        "unasked",
        "is loaded by programs unasked, or is machine code; name what is to be run in a stage",
        lambda _, alike: any(_UNASKED.fullmatch(part) for part in alike.split("/")),
    ),
    (
        "actions",
        "is for people; put the commands into bootstrap.yml or a stage",
        lambda _, alike: alike == f"{FOLDER}/actions.yml",
    ),
)
