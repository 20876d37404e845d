"""Writing to a disk that may be full."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.errors import EvidenceError
from runner_env.formats.disk import disk_error, replace_at, shown, write_atomic


def test_write_atomic_replaces(tmp_path: Path, names: Callable[[Path], list[str]]) -> None:
    """The new bytes take the place of the old ones, for the owner alone, and nothing else is left in the folder."""
    path = tmp_path / "record.json"
    path.write_bytes(b"old")
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(tmp_path) == ["record.json"]


def test_write_atomic_does_not_follow_a_link(tmp_path: Path) -> None:
    """A link in the file's place is replaced; what it pointed to stays."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"precious")
    path = tmp_path / "record.json"
    path.symlink_to(elsewhere)
    write_atomic(path, b"new")
    assert (path.is_symlink(), path.read_bytes(), elsewhere.read_bytes()) == (False, b"new", b"precious")


def test_replace_at_gives_the_permissions_that_are_asked_for(tmp_path: Path) -> None:
    """Whatever the umask would take away."""
    folder, before = os.open(tmp_path, os.O_RDONLY), os.umask(0o077)
    try:
        replace_at(folder, "run.sh", b"#!/bin/sh\n", 0o755)
    finally:
        os.umask(before)
        os.close(folder)
    assert stat.S_IMODE((tmp_path / "run.sh").stat().st_mode) == 0o755


def test_write_atomic_on_a_full_disk(tmp_path: Path, names: Callable[[Path], list[str]]) -> None:
    """When the disk takes no more, the old file stays whole, nothing half is left, and the error says what to do."""
    (tmp_path / "record.json").write_bytes(b"old")
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from runner_env.errors import EvidenceError; from runner_env.formats.disk import write_atomic\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: write_atomic(Path(sys.argv[1]), b'x' * 5000)\n"
        "except EvidenceError as error: print(error)\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "record.json"], capture_output=True, text=True, check=True, timeout=30
    )
    assert "[evidence_disk_full] Hint: Free some space" in child.stdout
    assert (tmp_path / "record.json").read_bytes() == b"old"
    assert names(tmp_path) == ["record.json"]


def test_write_atomic_killed_at_any_moment(tmp_path: Path) -> None:
    """A reader meets the old file or the new one, never half of one, however the writer dies (RT075)."""
    code = (
        "import itertools, sys; from pathlib import Path; from runner_env.formats.disk import write_atomic\n"
        "for n in itertools.count():\n"
        "    write_atomic(Path(sys.argv[1]), str(n % 10).encode() * 300_000)\n"
        "    if n == 0: print('written', flush=True)\n"
    )
    path = tmp_path / "record.json"
    for _ in range(4):
        writer = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE)
        try:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"written\n"
            seen = {path.read_bytes() for _ in range(50)}
        finally:
            writer.send_signal(signal.SIGKILL)
            writer.communicate(timeout=30)
        seen.add(path.read_bytes())
        assert all(len(data) == 300_000 and len(set(data)) == 1 for data in seen)


def test_write_atomic_without_a_folder(tmp_path: Path) -> None:
    """A missing folder is an evidence error that names the file."""
    with pytest.raises(EvidenceError, match=r"missing/record\.json: No such file") as caught:
        write_atomic(tmp_path / "missing" / "record.json", b"")
    assert caught.value.code == "evidence_io"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "evidence_disk_full"),
        (errno.EDQUOT, "evidence_disk_full"),
        (errno.EEXIST, "evidence_exists"),
        (errno.EIO, "evidence_io"),
    ],
)
def test_disk_error_names_the_cause(number: int, code: str) -> None:
    """Each kind of trouble has its code, the system's words and a hint."""
    error = disk_error("write", "x.json", OSError(number, os.strerror(number)))
    assert (error.code, error.message) == (code, f"cannot write x.json: {os.strerror(number)}.")
    assert error.hint


def test_shown_paths_are_printable() -> None:
    """A path that is not UTF-8 can be printed anywhere (RT084)."""
    assert shown(Path("caf\udce9")).encode("utf-8") == rb"caf\xe9"
