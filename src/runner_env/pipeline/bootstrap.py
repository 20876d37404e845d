"""Bootstrap once for each content: what was set up is set up again only when something it depends on changed.

A marker in `.aider_fsm/artifacts/` (which goes away with a fresh clone or a clean) carries a random id; what the id
stands for lies in the runner's own state, so a marker that a repository brings along means nothing.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner_env.contract.model import Bootstrap
from runner_env.core import Ambient
from runner_env.formats.canonical import canonical, write_atomic

FORMAT = "runner-env/bootstrap@1"
_MARKER = Path(".aider_fsm/artifacts/.bootstrap")
_MANIFESTS = (
    "pyproject.toml", "setup.py", "setup.cfg", "requirements*.txt", "requirements/*.txt", "uv.lock", "poetry.lock",
    "Pipfile*", "environment*.yml", "package.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "Gemfile*",
    "Cargo.toml", "Cargo.lock", "go.mod", "go.sum", "pom.xml", "build.gradle*", "composer.*", "Makefile",
)  # fmt: skip
_MAX_READ = 16 << 20


def fingerprint(bootstrap: Bootstrap, repo: Path, env: Mapping[str, str], made: frozenset[Path] = frozenset()) -> str:
    """What the result of bootstrapping depends on, as a SHA-256 in hexadecimal digits.

    That is: `bootstrap.yml` itself, the variables it sets, the interpreter and platform, the manifests and lock
    files at the repository's root, and every file of the repository that one of its commands names.

    Args:
        bootstrap: the parsed file.
        repo: the workspace.
        env: the variables it sets, expanded.
        made: files and folders that an earlier bootstrap made, which is no dependency.
    """
    digest = hashlib.sha256()
    facts = {"file": bootstrap.sha256, "env": dict(env), "platform": platform.platform(), "repo": str(repo)}
    digest.update(canonical(facts))
    for path in sorted({*_manifests(repo), *_named(bootstrap, repo)}):
        if not made.isdisjoint((path, *path.parents)):
            continue
        digest.update(f"\0{path.relative_to(repo)}\0".encode(errors="surrogateescape"))
        with path.open("rb") as file:
            digest.update(file.read(_MAX_READ))
    return digest.hexdigest()


def _manifests(repo: Path) -> Iterator[Path]:
    for pattern in _MANIFESTS:
        yield from (path for path in repo.glob(pattern) if path.is_file() and not path.is_symlink())


def _named(bootstrap: Bootstrap, repo: Path) -> Iterator[Path]:
    base = repo / (bootstrap.workdir or ".")
    for command in bootstrap.commands:
        for word in _words(command.text):
            path = base / word.removeprefix("./").split("=")[-1]
            try:
                if path.is_file() and path.resolve().is_relative_to(repo):
                    yield path.resolve()
            except (OSError, ValueError):  # a word that cannot be a path: too long, or with a NUL byte
                continue


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:  # unbalanced quotes: the shell will say so
        return text.split()


@dataclass(frozen=True, slots=True)
class BootstrapMemory:
    """Remembers which workspace was bootstrapped with which content.

    Attributes:
        state: directory of the runner's own records.
        repo: the workspace.
    """

    state: Path
    repo: Path

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

    def _recall(self) -> dict[str, Any]:
        try:
            token = (self.repo / _MARKER).read_text("ascii").strip()
            record = json.loads((self.state / f"{token}.json").read_bytes()) if token.isalnum() else {}
        except (OSError, ValueError):  # no marker, or nothing behind it: bootstrap again
            return {}
        return record if record.get("format") == FORMAT else {}

    def remember(self, wanted: str, run_id: str, made: frozenset[Path], ambient: Ambient) -> None:
        """Note that `run_id` bootstrapped the content with fingerprint `wanted`, and what it made."""
        record = {"format": FORMAT, "fingerprint": wanted, "run_id": run_id, "made": sorted(map(str, made))}
        token = ambient.token(16)
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(self.state / f"{token}.json", canonical(record))
        write_atomic(self.repo / _MARKER, token.encode())

    def forget(self) -> None:
        """A bootstrap is about to run: until it succeeded, nothing is known."""
        (self.repo / _MARKER).unlink(missing_ok=True)


def listing(repo: Path) -> frozenset[Path]:
    """What lies at the root and in `.aider_fsm`, where bootstraps put environments and dependencies.

    The difference between two listings is what a bootstrap made.
    """
    folders = (repo, repo / ".aider_fsm")
    return frozenset(path for folder in folders if folder.is_dir() for path in folder.iterdir())
