"""Bootstrap once for each content: what was set up is set up again only when something it depends on changed.

A marker in `.aider_fsm/artifacts/` (which goes away with a fresh clone or a clean) carries a random id; what the id
stands for lies in the runner's own state, so a marker that a repository brings along means nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from runner_env.contract.model import Bootstrap, StageName, StageSpec
from runner_env.core import Ambient
from runner_env.errors import TargetError
from runner_env.formats.canonical import canonical, write_atomic
from runner_env.targets.inside import open_inside, resolve_inside

FORMAT = "runner-env/bootstrap@1"
_FOLDER = ".aider_fsm/artifacts"
_NAME = ".bootstrap"
_TOKEN = re.compile(r"[0-9a-f]{32}")
_MAX_TOKEN = 64
_MANIFESTS = (
    "pyproject.toml", "setup.py", "setup.cfg", "requirements*.txt", "requirements/*.txt", "uv.lock", "poetry.lock",
    "Pipfile*", "environment*.yml", "package.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "Gemfile*",
    "Cargo.toml", "Cargo.lock", "go.mod", "go.sum", "pom.xml", "build.gradle*", "composer.*", "Makefile",
)  # fmt: skip
_MAX_READ = 16 << 20
_MAX_SCRIPT = 64 << 10
_ATTACHED = re.compile(r"-[a-z](?=.)|.*=")


def as_stage(bootstrap: Bootstrap) -> StageSpec:
    """`bootstrap.yml` as a stage; its variables are no part of it, because every later stage has them too."""
    return StageSpec(
        name=StageName.BOOTSTRAP,
        commands=bootstrap.commands,
        env={},
        workdir=bootstrap.workdir,
        timeout_s=bootstrap.timeout_s,
        retries=bootstrap.retries,
        where=bootstrap.where,
    )


def fingerprint(bootstrap: Bootstrap, repo: Path, env: Mapping[str, str], made: frozenset[Path] = frozenset()) -> str:
    """What the result of bootstrapping depends on, as a SHA-256 in hexadecimal digits.

    That is: `bootstrap.yml` itself, the variables it sets, the interpreter and platform, the manifests and lock
    files at the repository's root, and every file of the repository that one of its commands, or a shell script that
    one of them names, names in turn.

    Args:
        bootstrap: the parsed file.
        repo: the workspace, resolved.
        env: the variables it sets, expanded.
        made: files and folders that an earlier bootstrap made, which is no dependency.
    """
    interpreter = f"{platform.platform()} {sys.executable}"
    digest = hashlib.sha256()
    digest.update(canonical({"file": bootstrap.sha256, "env": dict(env), "on": interpreter, "repo": str(repo)}))
    for path in sorted({*_manifests(repo), *_named(bootstrap, repo)}):
        if made.isdisjoint((path, *path.parents)):
            digest.update(f"\0{path.relative_to(repo)}\0".encode(errors="surrogateescape"))
            digest.update(_content(path))
    return digest.hexdigest()


def _content(path: Path) -> bytes:
    """What tells whether a file changed: its bytes, or, if it is too large, its size and age."""
    found = path.stat()
    if found.st_size > _MAX_READ:
        return f"{found.st_size} {found.st_mtime_ns}".encode()
    return path.read_bytes()


def _manifests(repo: Path) -> Iterator[Path]:
    for pattern in _MANIFESTS:
        yield from (path for path in repo.glob(pattern) if path.is_file() and not path.is_symlink())


def _named(bootstrap: Bootstrap, repo: Path) -> frozenset[Path]:
    base = repo / (bootstrap.workdir or ".")
    named = frozenset(path for command in bootstrap.commands for path in _files(command.text, base, repo))
    scripts = [path for path in named if path.suffix in {".sh", ".bash"} and path.stat().st_size <= _MAX_SCRIPT]
    texts = (path.read_text("utf-8", "replace") for path in scripts)
    return named.union(*(_files(text, base, repo) for text in texts))


def _files(text: str, base: Path, repo: Path) -> frozenset[Path]:
    """Files of the repository among the words of a shell text, seen from `base` or a folder that it names."""
    words = {part for word in _words(text) for part in (word, _ATTACHED.sub("", word, count=1))}
    root = str(repo)
    words = {w.replace("${AIDER_FSM_REPO_ROOT}", root).replace("$AIDER_FSM_REPO_ROOT", root) for w in words}
    folders = {base, *_inside(words, base, repo, Path.is_dir)}
    return frozenset(path for folder in folders for path in _inside(words, folder, repo, Path.is_file))


def _inside(words: Iterable[str], base: Path, repo: Path, kind: Callable[[Path], bool]) -> Iterator[Path]:
    for word in words:
        try:
            path = base / word
            if kind(path) and path.resolve().is_relative_to(repo):
                yield path.resolve()
        except (OSError, ValueError, RuntimeError):  # a word that is no path: too long, with a NUL, links in circles
            continue


def _words(text: str) -> list[str]:
    """The words of a shell text, but for what its output goes to."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:  # unbalanced quotes: the shell will say so
        words = text.split()
    return [word for before, word in pairwise(["", *words]) if not before.endswith(">")]


@dataclass(frozen=True, slots=True)
class BootstrapMemory:
    """Remembers which workspace was bootstrapped with which content.

    Attributes:
        state: directory of the runner's own records.
        repo: the workspace, resolved.
        tracked: whether git tracks a path; a marker that came with the repository is not believed.
    """

    state: Path
    repo: Path
    tracked: Callable[[str], bool]

    def done_by(self, bootstrap: Bootstrap, env: Mapping[str, str]) -> str | None:
        """The run that bootstrapped this very content here, if what it made is still there; None otherwise."""
        record = self._recall()
        made = self.made()
        if not record or not all(path.exists() for path in made):
            return None
        return str(record["run_id"]) if record["fingerprint"] == fingerprint(bootstrap, self.repo, env, made) else None

    def made(self) -> frozenset[Path]:
        """Files and folders that earlier bootstraps of this workspace made."""
        return frozenset(Path(path) for path in self._recall().get("made", ()))

    def remember(self, done: str, run_id: str, made: frozenset[Path], ambient: Ambient) -> None:
        """Note what `run_id` came to.

        Args:
            done: fingerprint of the content that it bootstrapped; empty if that failed.
            run_id: the run.
            made: files and folders that this and earlier bootstraps made.
            ambient: makes the marker's id.

        Raises:
            TargetError: `.aider_fsm/artifacts` leads out of the workspace.
        """
        record = {"format": FORMAT, "fingerprint": done, "run_id": run_id, "made": sorted(map(str, made))}
        token = ambient.token(16)
        marker = resolve_inside(self.repo, _FOLDER) / _NAME
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(self.state / f"{token}.json", canonical(record))
        write_atomic(marker, token.encode())

    def forget(self) -> None:
        """A bootstrap is about to run: until it succeeded, nothing is known."""
        token = self._token()
        if token:
            (resolve_inside(self.repo, _FOLDER) / _NAME).unlink(missing_ok=True)
            (self.state / f"{token}.json").unlink(missing_ok=True)

    def _recall(self) -> dict[str, Any]:
        token = self._token()
        try:
            record = json.loads((self.state / f"{token}.json").read_bytes()) if token else {}
        except (OSError, ValueError):  # nothing behind the marker: bootstrap again
            return {}
        return record if isinstance(record, dict) and record.get("format") == FORMAT else {}

    def _token(self) -> str:
        if self.tracked(f"{_FOLDER}/{_NAME}"):
            return ""
        try:
            fd = open_inside(self.repo, f"{_FOLDER}/{_NAME}")
        except TargetError:  # no marker, or something that no run has put there
            return ""
        with os.fdopen(fd, "rb") as file:
            text = file.read(_MAX_TOKEN).decode("ascii", "replace").strip()
        return text if _TOKEN.fullmatch(text) else ""


def listing(repo: Path) -> frozenset[Path]:
    """What lies at the root and in `.aider_fsm`, where bootstraps put environments and dependencies.

    The difference between two listings is what a bootstrap made.
    """
    folders = (repo, repo / ".aider_fsm")
    return frozenset(path for folder in folders if folder.is_dir() for path in folder.iterdir())
