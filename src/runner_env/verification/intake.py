"""Taking in a file that a stage made: opened once, kept, and judged by the very bytes that were kept."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_env.core import Finding, Where
from runner_env.errors import TargetError, TargetNotFound
from runner_env.targets.inside import open_inside, shown
from runner_env.verification.model import Claim, Verified
from runner_env.verification.strict_json import JsonTrouble, json_type, parse_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_env.verification.model import Context

MAX_DOCUMENT_BYTES = 16 << 20
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Artifact:
    """One kind of file that a stage makes.

    Attributes:
        name: its name as a claim.
        made_by: the stage that makes it.
        stage: the stage that its findings name.
        path: where it is, relative to the repository, or absolute and inside.
        missing: the code if it is not there.
        stale: the code if it was there before the stage.
        not_object: the code if it is JSON, but no object.
    """

    name: str
    made_by: str
    stage: str
    path: str
    missing: str
    stale: str
    not_object: str = ""

    @property
    def claim(self) -> str:
        """Where the copy goes, relative to the run directory."""
        return f"claims/{self.made_by}/{self.name}"

    def finding(
        self, code: str, message: str, *, hint: str | None = None, line: int | None = None, column: int | None = None
    ) -> Finding:
        """A failure that lies in this file."""
        return Finding(code, message, where=Where(shown(self.path), line, column), hint=hint, stage=self.stage)


class Unusable(Exception):
    """An artifact cannot be judged any further; carries the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


@contextmanager
def opened(context: Context, artifact: Artifact) -> Iterator[int]:
    """A descriptor of the artifact, which is a regular file inside the repository and of this stage's making.

    Raises:
        Unusable: it is missing, outside, something else, hard-linked, unreadable or stale.
    """
    try:
        fd = open_inside(context.repo, artifact.path)
    except TargetNotFound as error:
        hint = f"let the {artifact.made_by} stage write it; a file of an earlier run does not count"
        raise Unusable(artifact.finding(artifact.missing, error.message, hint=hint)) from error
    except TargetError as error:
        hint = error.hint or f"let the {artifact.made_by} stage write a plain file, and name it here"
        raise Unusable(artifact.finding(error.code, error.message, hint=hint)) from error
    try:
        _refuse_second_name(artifact, fd)
        _refuse_stale(context, artifact, fd)
        yield fd
    finally:
        os.close(fd)


def _refuse_second_name(artifact: Artifact, fd: int) -> None:
    # What a hard link shares its content with may lie outside, and making one makes an old file look new.
    if os.fstat(fd).st_nlink > 1:
        message = f"`{shown(artifact.path)}` is a hard link: the same file has another name elsewhere."
        raise Unusable(artifact.finding("path_hard_linked", message, hint="write a file of its own, or copy it"))


def _refuse_stale(context: Context, artifact: Artifact, fd: int) -> None:
    if not context.started.is_fresh(os.fstat(fd).st_ctime_ns):
        message = f"`{shown(artifact.path)}` was there before the {artifact.made_by} stage, which did not write it."
        hint = f"let the {artifact.made_by} stage write it anew each time"
        raise Unusable(artifact.finding(artifact.stale, message, hint=hint))


def take_object(context: Context, artifact: Artifact) -> Verified:
    """Take in a JSON document that must be an object.

    Returns:
        `value` is the object if there is no finding. `claims` has the file as soon as it was taken in.

    Raises:
        EvidenceError: the run directory would not take it.
    """
    return take_document(context, artifact)[0]


def take_document(context: Context, artifact: Artifact) -> tuple[Verified, bytes]:
    """As `take_object`, and the bytes that were judged (none if they could not be read)."""
    claims: tuple[Claim, ...] = ()
    data = b""
    try:
        with opened(context, artifact) as fd:
            data = _read_document(artifact, fd)
            claims = (keep(context, artifact, fd, sha256=hashlib.sha256(data).hexdigest(), size=len(data)),)
        value = _parse(artifact, data)
    except Unusable as unusable:
        return Verified(findings=(unusable.finding,), claims=claims), data
    return Verified(value=value, claims=claims), data


def keep(context: Context, artifact: Artifact, fd: int, *, sha256: str, size: int, limit: int | None = None) -> Claim:
    """Store the file of which `size` bytes with this hash were judged; only its hash if it is over `limit` bytes.

    Raises:
        Unusable: `artifact_changed`: what was stored is not what was judged.
        EvidenceError: the run directory would not take it.
    """
    stored = context.store(fd, artifact.claim, MAX_DOCUMENT_BYTES if limit is None else limit)
    changed = stored.sha256 != sha256 if stored else os.fstat(fd).st_size != size
    if changed:
        message = f"`{shown(artifact.path)}` was still being written after the {artifact.made_by} stage had ended."
        hint = "let the stage wait for what it starts in the background"
        raise Unusable(artifact.finding("artifact_changed", message, hint=hint))
    return Claim(artifact.name, stored.reference if stored else None, size, sha256)


def _read_document(artifact: Artifact, fd: int) -> bytes:
    blocks, size = [], 0
    try:
        while block := os.pread(fd, _BLOCK_BYTES, size):
            blocks.append(block)
            size += len(block)
            if size > MAX_DOCUMENT_BYTES:
                message = f"The file has more than {MAX_DOCUMENT_BYTES} bytes."
                hint = "keep details in another file and name it here"
                raise Unusable(artifact.finding("json_too_large", message, hint=hint))
    except OSError as error:
        raise Unusable(artifact.finding("path_unreadable", f"Reading failed: {error.strerror}.")) from error
    return b"".join(blocks)


def _parse(artifact: Artifact, data: bytes) -> dict[str, object]:
    try:
        value = parse_document(data)
    except JsonTrouble as trouble:
        finding = artifact.finding(
            trouble.code, trouble.message, hint=trouble.hint, line=trouble.line, column=trouble.column
        )
        raise Unusable(finding) from trouble
    if not isinstance(value, dict):
        message = f"The file holds {json_type(value)}, not an object."
        raise Unusable(artifact.finding(artifact.not_object, message, hint="write { ... }", line=1, column=1))
    return value
