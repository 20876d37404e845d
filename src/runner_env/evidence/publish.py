"""The published copy: what a run shows in its workspace, under the predecessor's file names. No verdict reads it."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.core import Ending
from runner_env.errors import EvidenceError
from runner_env.evidence.places import (
    FOLDER_OR_LINK,
    PLAIN_FILE,
    copy,
    create_file,
    folder_at,
    is_regular,
    opened,
    parts_of,
)
from runner_env.formats.disk import on_disk, shown, write_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner_env.core import Finding, Outcome

_CONTRACT_FOLDER = ".aider_fsm"


class Publisher:
    """Writes files of one pass into its published folder. Nothing is ever overwritten.

    A file is made in place, which is three times as fast as making it whole elsewhere: a crash may leave the last one
    short, and no verdict reads what is published.

    Below `base`, no part of `root` may be a link: what lies in a workspace belongs to the target, which could otherwise
    lead writes out of it. This is looked at anew for each file, and for the files of one command together.

    Args:
        root: the folder; made with the first file if it is missing.
        base: a folder above `root`; by default what `.aider_fsm` is in, or else what `root` itself is in.

    Raises:
        EvidenceError: from every method: a link is in the way, the name is taken or unusable, a value is not JSON, or
            the disk would not take it. The evidence itself is not touched by that.
    """

    def __init__(self, root: Path, base: Path | None = None) -> None:
        self.root = root.absolute()
        self._base, self._names = _split(self.root, base)

    def command(
        self, stage: str, number: int, attempt: int, *, text: str, stdout: Path, stderr: Path, outcome: Outcome
    ) -> None:
        """Publish one try of a command: `<stage>_cmd01_try01_cmd.txt`, `_stdout.txt`, `_stderr.txt`, `_result.json`.

        Args:
            stage: as in `deploy_setup`.
            number: of the command in its stage, from 1.
            attempt: of the command, from 1.
            text: the command, masked.
            stdout: its captured output, masked.
            stderr: likewise.
            outcome: becomes `rc`, `timed_out`, `duration_s`, `ending` (and `reason`, if there is one).
        """
        prefix = f"{stage}_cmd{number:02d}_try{attempt:02d}"
        result: dict[str, object] = {
            "rc": outcome.exit_code,
            "timed_out": outcome.ending is Ending.TIMED_OUT,
            "duration_s": round(outcome.duration_s, 6),
            "ending": outcome.ending,
        }
        if outcome.reason:
            result["reason"] = outcome.reason
        with self._folder() as folder:
            self._put(folder, f"{prefix}_cmd.txt", _text(text + "\n"))
            self._put_copy(folder, f"{prefix}_stdout.txt", stdout)
            self._put_copy(folder, f"{prefix}_stderr.txt", stderr)
            self._put(folder, f"{prefix}_result.json", _json(f"{prefix}_result.json", result))

    def summary(
        self, stage: str, *, ok: bool, failed_index: int | None, total_results: int, findings: Sequence[Finding] = ()
    ) -> None:
        """Publish what became of a stage as `<stage>_summary.json`.

        Args:
            stage: as in `deploy_setup`.
            ok: whether it succeeded.
            failed_index: which of its results failed it, from 0, all attempts counted.
            total_results: how many results it has.
            findings: what was found out about it.
        """
        shown_findings = [_finding(finding) for finding in findings]
        summary = {"ok": ok, "failed_index": failed_index, "total_results": total_results, "findings": shown_findings}
        self.json(f"{stage}_summary.json", summary)

    def text(self, name: str, text: str) -> None:
        """Publish `text` as UTF-8; what UTF-8 does not have is escaped."""
        self._bytes(name, _text(text))

    def json(self, name: str, value: object) -> None:
        """Publish `value` as JSON for people: indented, in its own order."""
        self._bytes(name, _json(name, value))

    def file(self, name: str, source: Path) -> None:
        """Publish a copy of a regular file; a link is refused. A hard link would let the target change the evidence."""
        *folders, last = parts_of(name)
        with self._folder(*folders) as folder:
            self._put_copy(folder, last, source)

    @staticmethod
    def next_pass(root: Path, name: str, base: Path | None = None) -> Path:
        """Make the folder of the next pass: the first of `<name>_attempt_01`, `_02`, … that nobody has."""
        if len(parts_of(name)) != 1:
            raise EvidenceError("evidence_name", f"{name!r} cannot name a pass.")
        root = root.absolute()
        with on_disk("make the next folder in", root), _below(*_split(root, base)) as folder:
            for number in count(1):
                attempt = f"{name}_attempt_{number:02d}"
                try:
                    os.mkdir(attempt, 0o777, dir_fd=folder)
                except FileExistsError:
                    continue
                return root / attempt
        raise AssertionError("count never ends")

    def _bytes(self, name: str, data: bytes) -> None:
        *folders, last = parts_of(name)
        with self._folder(*folders) as folder:
            self._put(folder, last, data)

    def _put(self, folder: int, name: str, data: bytes) -> None:
        with on_disk("publish", self.root / name), _new_file(folder, name) as fd:
            write_all(fd, data)

    def _put_copy(self, folder: int, name: str, source: Path) -> None:
        with on_disk("publish", source), opened(source, PLAIN_FILE) as source_fd:
            if not is_regular(source_fd):
                raise EvidenceError("evidence_io", f"{shown(source)} is not a regular file, so it is not published.")
            with on_disk("publish", self.root / name), _new_file(folder, name) as fd:
                copy(source_fd, fd)

    @contextmanager
    def _folder(self, *inner: str) -> Iterator[int]:
        with on_disk("publish in", self.root), _below(self._base, (*self._names, *inner)) as folder:
            yield folder


def _split(root: Path, base: Path | None) -> tuple[Path, tuple[str, ...]]:
    """The folder whose links are nobody's business, and the names below it, none of which may be a link."""
    if base is not None:
        return base, parts_of(root.relative_to(base).as_posix())
    parts = root.parts
    trusted = parts.index(_CONTRACT_FOLDER) if _CONTRACT_FOLDER in parts else len(parts) - 1
    return Path(*parts[:trusted]), parts_of("/".join(parts[trusted:]))


@contextmanager
def _new_file(folder: int, name: str) -> Iterator[int]:
    """A new file to write; it is gone again if writing fails."""
    fd = create_file(folder, name, mode=0o666)
    try:
        yield fd
    except BaseException:
        os.unlink(name, dir_fd=folder)
        raise
    finally:
        os.close(fd)


@contextmanager
def _below(base: Path, names: tuple[str, ...]) -> Iterator[int]:
    if not base.is_dir():
        base.mkdir(parents=True, exist_ok=True)
    with opened(base, FOLDER_OR_LINK) as base_fd, folder_at(base_fd, names, 0o777) as folder:
        yield folder


def _text(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _json(name: str, value: object) -> bytes:
    try:
        return _text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    except (ValueError, TypeError, RecursionError) as error:
        raise EvidenceError("evidence_value", f"{shown(name)} cannot be published as JSON: {error}.") from error


def _finding(finding: Finding) -> dict[str, str | None]:
    where = str(finding.where) if finding.where else None
    return {
        "code": finding.code,
        "message": finding.message,
        "where": where,
        "hint": finding.hint,
        "verdict": finding.verdict,
    }
