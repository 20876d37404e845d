"""The folders that a run has for itself while it lasts, and the cache that runs of one target share."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from runner_env.execution.levels.hidden import homes
from runner_env.formats.disk import on_disk
from runner_env.settings import Settings

_CONFIGURATION = (".npmrc", ".config/pip/pip.conf", ".pip/pip.conf", ".config/uv/uv.toml", ".condarc")
_SECRET = re.compile(rb"(?i)auth|token|passw|secret|credential|otp|://[^/\s]*@|-----BEGIN|\bkey\b")
_LARGEST = 1 << 16
_NAME = 8
_GITCONFIG = """\
[user]
\tname = runner-env
\temail = runner-env@localhost
[safe]
\tdirectory = {workspace}
"""


@dataclass(frozen=True, slots=True)
class Scratch:
    """A run's own folders, below `RUNNER_ENV_HOME/scratch`; the name is short because sockets are made there.

    Attributes:
        folder: holds the others.
        cache: for what package managers fetch. One for each target, so that none can put anything into another's.
    """

    folder: Path
    cache: Path

    @classmethod
    def make(cls, settings: Settings, workspace: Path, run_id: str) -> Self:
        """Make them, in place of what a lost run left; if it is that one that goes on, with what is in them.

        The caller holds the workspace.

        The path is the same for every run of a target, so that what a bootstrap says of `$HOME` stays true.

        Raises:
            EvidenceError: the disk would not take them.
        """
        target = hashlib.sha256(os.fsencode(workspace)).hexdigest()[:16]
        made = cls(settings.scratch_dir / target[:_NAME], settings.cache_dir / target)
        with on_disk("make the folders of a run in", made.folder):
            if made.folder.exists() and not made._is_of(run_id):
                made.remove()
            for folder in (made.folder, made.home, made.tmp, made.cache):
                _make_private(folder)
            os.utime(made.cache)  # by this `gc` tells when it was last used
            (made.folder / "run").write_text(f"{run_id}\n", encoding="utf-8")
            made.canary.write_text("no stage can read this\n", encoding="utf-8")
            made._furnish(settings.environ, workspace)
        return made

    @classmethod
    def of_cache(cls, cache: Path, settings: Settings) -> Self:
        """The folders of the target that a cache belongs to, whether they are there or not."""
        return cls(settings.scratch_dir / cache.name[:_NAME], cache)

    @property
    def home(self) -> Path:
        """The run's home directory."""
        return self.folder / "home"

    @property
    def tmp(self) -> Path:
        """For temporary files."""
        return self.folder / "tmp"

    @property
    def canary(self) -> Path:
        """A file that stages can neither read nor write, where they are contained."""
        return self.folder / "canary"

    @property
    def run_id(self) -> str:
        """Whose they are; empty if that was not written down any more."""
        try:
            return (self.folder / "run").read_text("utf-8").strip()
        except OSError:
            return ""

    def _is_of(self, run_id: str) -> bool:
        try:
            return (self.folder / "run").read_text(encoding="utf-8") == f"{run_id}\n"
        except OSError:
            return False

    def furnished(self) -> frozenset[str]:
        """What is in the home directory, two levels deep."""
        top = [*self.home.iterdir()]
        inner = [path for folder in top if folder.is_dir() and not folder.is_symlink() for path in folder.iterdir()]
        return frozenset(str(path) for path in (*top, *inner))

    def remove(self) -> None:
        """Remove the folders, but not the cache; what cannot be removed stays, and the next run removes it."""
        try:
            shutil.rmtree(self.folder)
        except OSError:  # a stage may have locked its folders
            for folder, inner, _ in os.walk(self.folder):
                for name in inner:
                    _unlock(Path(folder, name))
            shutil.rmtree(self.folder, ignore_errors=True)

    def variables(self, tmp: str, environ: Mapping[str, str]) -> dict[str, str]:
        """What points programs to these folders.

        Args:
            tmp: where commands find the folder for temporary files.
            environ: the caller's environment.
        """
        cache = str(self.cache)
        found = {
            "HOME": str(self.home),
            "TMPDIR": tmp or str(self.tmp),
            "XDG_CACHE_HOME": cache,
            "NPM_CONFIG_CACHE": f"{cache}/npm",
            "CARGO_HOME": f"{cache}/cargo",
            "GOMODCACHE": f"{cache}/go-mod",
        }
        for home in homes(environ):
            if "RUSTUP_HOME" not in environ and (home / ".rustup").is_dir():
                found.setdefault("RUSTUP_HOME", str(home / ".rustup"))
        return found

    def _furnish(self, environ: Mapping[str, str], workspace: Path) -> None:
        """Give the home what programs cannot do without: git its identity, installers the names of their mirrors."""
        quoted = '"' + str(workspace).replace("\\", "\\\\").replace('"', '\\"') + '"'
        text = _GITCONFIG.format(workspace=quoted).encode("utf-8", "surrogateescape")
        (self.home / ".gitconfig").write_bytes(text)
        for home in reversed(homes(environ)):  # what HOME says comes last, and wins
            for name in _CONFIGURATION:
                with suppress(OSError):
                    self._copy(home, name)

    def _copy(self, home: Path, name: str) -> None:
        """Copy a configuration file without the lines that may hold a secret."""
        source = home / name
        if not source.is_file() or source.stat().st_size > _LARGEST:
            return
        lines = [line for line in source.read_bytes().splitlines(keepends=True) if not _SECRET.search(line)]
        place = self.home / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"".join(lines))


def _unlock(folder: Path) -> None:
    if not folder.is_symlink():
        with suppress(OSError):
            folder.chmod(stat.S_IRWXU)


def _make_private(folder: Path) -> None:
    for missing in reversed([folder, *folder.parents]):
        if not missing.is_dir():
            missing.mkdir(0o700, exist_ok=True)
