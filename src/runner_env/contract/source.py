"""From a path inside a repository to text: bounded, a regular file, UTF-8, printable, short lines."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_env.contract.paths import path_problem
from runner_env.contract.places import Lines, refusal, shown
from runner_env.core import Where

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1 << 20
"""Largest contract file. Real ones have a few kilobytes."""
MAX_LINES = 10_000
MAX_LINE_CHARACTERS = 1 << 15
"""Bounds the time the YAML scanner takes, which grows with the square of a line's length in some constructs."""

_UNPRINTABLE = re.compile("[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""Everything outside `c-printable` of YAML 1.2.2 section 5.1 (after line ends were made line feeds)."""


@dataclass(frozen=True, slots=True)
class Source:
    """A contract file as it was read.

    Attributes:
        file: POSIX, relative to the repository.
        sha256: of the bytes.
        text: decoded, without byte order mark, every line end a line feed.
    """

    file: str
    sha256: str
    text: str


def read_source(repo: Path, rel: str) -> Source | None:
    """Read the contract file `rel` of `repo`.

    Returns:
        None if nothing is there.

    Raises:
        ContractError: it is not a readable regular file inside the repository, or not YAML text.
    """
    data = _read_bytes(repo, rel)
    return None if data is None else Source(rel, hashlib.sha256(data).hexdigest(), _decode(data, rel))


def _read_bytes(repo: Path, rel: str) -> bytes | None:
    where = Where(rel)
    if problem := path_problem(rel):
        raise refusal("path_escapes", f"The contract path {shown(rel)} {problem}.", where)
    path = repo / rel
    try:
        real, root = path.resolve(strict=True), repo.resolve()
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            raise refusal(
                "broken_link", "This is a symbolic link to nothing.", where, "Commit the file itself."
            ) from None
        return None
    except (OSError, RuntimeError) as error:  # pathlib of Python 3.11 and 3.12 reports link loops as RuntimeError
        hint = "Put a plain file in its place."
        raise refusal("unreadable", f"Cannot be read: {error}.", where, hint) from error
    if not real.is_relative_to(root):
        message = f"This is a symbolic link that leaves the repository: {shown(str(real))}."
        raise refusal("link_escapes", message, where, "Commit the file itself.")
    return _read_regular(real, where)


def _read_regular(real: Path, where: Where) -> bytes:
    try:
        # O_NONBLOCK: opening a FIFO must not wait for a writer.
        descriptor = os.open(real, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise refusal("not_a_file", "This is not a regular file.", where, "Put a plain file in its place.")
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        code = "not_a_file" if isinstance(error, IsADirectoryError) else "unreadable"
        hint = "Put a plain file that you may read in its place."
        raise refusal(code, f"Cannot be read: {error.strerror}.", where, hint) from error
    if len(data) > MAX_BYTES:
        raise refusal("too_large", f"The file is larger than {MAX_BYTES} bytes.", where, "Move long scripts to files.")
    return data


def _decode(data: bytes, file: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise refusal("not_utf8", "The file is UTF-16, not UTF-8.", Where(file, 1, 1), "Save the file as UTF-8.")
    try:
        text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        bad = error.object[error.start]
        where = _where(error.object[: error.start].decode("utf-8"), file)
        raise refusal("not_utf8", f"Byte 0x{bad:02x} is not UTF-8.", where, "Save the file as UTF-8.") from error
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if match := _UNPRINTABLE.search(text):
        name = "a NUL character" if match[0] == "\0" else f"the control character U+{ord(match[0]):04X}"
        where, hint = (
            _where(text[: match.start()], file),
            "Delete it; a text editor that shows control characters helps.",
        )
        raise refusal("bad_character", f"The file contains {name}.", where, hint)
    _check_lines(text, file)
    return text


def _check_lines(text: str, file: str) -> None:
    lines = text.split("\n")
    if len(lines) > MAX_LINES:
        where = Where(file, MAX_LINES + 1, 1)
        raise refusal("too_large", f"The file has more than {MAX_LINES} lines.", where, "Move long scripts to files.")
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE_CHARACTERS:
            message = f"This line has more than {MAX_LINE_CHARACTERS} characters."
            raise refusal("too_large", message, Where(file, number, 1), "Break the line, or move it to a file.")


def _where(before: str, file: str) -> Where:
    before = before.replace("\r\n", "\n").replace("\r", "\n")
    return Where(file, *Lines(before).place(len(before)))
