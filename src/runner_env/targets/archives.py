"""A target that is an archive: a file on this machine, a URL, or what GitHub packs of a repository."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from runner_env.errors import TargetError
from runner_env.targets.address import without_credentials
from runner_env.targets.download import Downloads, Refused, TooLarge
from runner_env.targets.snapshots import Snapshots
from runner_env.targets.unpack import UnpackLimits, unpack

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner_env.targets.git import Git

MAX_PACKED_BYTES = 4 << 30
"""The largest archive that is fetched."""

_BRANCHES = ("main", "master")
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Archives:
    """Takes archives apart into directories that are kept.

    Attributes:
        base: directory that holds what was fetched of all targets.
        local: git for making and looking into snapshots.
        limits: what an archive may become.
        timeout_s: seconds for fetching one.
    """

    base: Path
    local: Git
    limits: UnpackLimits
    timeout_s: float

    def of_file(self, path: Path) -> tuple[Path, str]:
        """The tree in an archive on this machine, and the SHA-256 of the archive.

        Raises:
            TargetError: what `unpack` raises.
            OSError: the file cannot be read, or `base` cannot be written.
        """
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return self._kept(self._snapshots(f"file\n{path}", path.name), digest, path), digest

    def of_url(self, url: str) -> tuple[Path, str]:
        """The tree in an archive behind a URL, which is fetched each time, and the SHA-256 of the archive.

        Raises:
            TargetError: it cannot be fetched, and what `unpack` raises.
            OSError: `base` cannot be written.
        """
        shown = without_credentials(url)
        return self._fetched(url, self._snapshots(shown, shown.rpartition("/")[2]))

    def of_github(self, repository: str, ref: str | None) -> tuple[Path, str, str]:
        """The tree that GitHub packs of a repository, where git itself does not get through.

        Args:
            repository: its address without `.git`.
            ref: branch, tag or commit; None: `main`, or else `master`.

        Returns:
            The tree, the SHA-256 of the archive, and the address of the archive.

        Raises:
            TargetError: it cannot be fetched, and what `unpack` raises.
            OSError: `base` cannot be written.
        """
        problem: Refused | None = None
        for url in _github_archives(repository, ref):
            try:
                return (*self._fetched(url, self._snapshots(f"{repository}\n{ref}", repository)), url)
            except Refused as error:
                if problem is None or error.status != _NOT_FOUND:
                    problem = error
        assert problem is not None
        raise problem

    def _snapshots(self, identity: str, name: str) -> Snapshots:
        return Snapshots(self.base, f"archive\n{identity}", "_".join(name.split("/")[-2:]), self.local)

    def _fetched(self, url: str, snapshots: Snapshots) -> tuple[Path, str]:
        self.base.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".new-", dir=self.base) as file:
            digest = self._fetch(url, file)
            return self._kept(snapshots, digest, Path(file.name)), digest

    def _fetch(self, url: str, file: IO[bytes]) -> str:
        shown = without_credentials(url)
        with Downloads(self.timeout_s) as downloads:
            try:
                found = downloads.file(url, file, MAX_PACKED_BYTES)
            except TooLarge as error:
                message = f"{shown} is larger than {MAX_PACKED_BYTES:,} bytes."
                raise TargetError("archive_too_large", message, hint="Fetch and unpack it yourself.") from error
        file.seek(0)
        beginning = file.read(200)
        if b"<html" in beginning.lower() or b"<!doctype" in beginning.lower():
            message = (
                f"{shown} is no archive but {found.content_type or 'a page'}: {beginning.decode('utf-8', 'replace')!r}"
            )
            raise TargetError("archive_broken", message, hint="Is it the right address? It may want a login.")
        return found.sha256

    def _kept(self, snapshots: Snapshots, digest: str, archive: Path) -> Path:
        with snapshots.making():
            return snapshots.find(digest) or snapshots.make(digest, lambda into: unpack(archive, into, self.limits))


def _github_archives(repository: str, ref: str | None) -> Iterable[str]:
    if ref is None:
        return [f"{repository}/archive/refs/heads/{branch}.zip" for branch in _BRANCHES]
    if ref.startswith("refs/"):
        return [f"{repository}/archive/{ref}.zip"]
    return [f"{repository}/archive/{place}{ref}.zip" for place in ("refs/heads/", "refs/tags/", "")]
