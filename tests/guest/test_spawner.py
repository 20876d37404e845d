"""posix_spawn without the interpreter's lock; traced commands in all are in tests/execution/test_observing.py."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from runner_env.guest.spawner import spawn


def _ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_program_with_its_words_and_streams(tmp_path: Path) -> None:
    """Arguments, environment and the three streams are what was given, byte for byte; the session is its own."""
    (tmp_path / "in").write_bytes(b"given\n")
    given = os.open(tmp_path / "in", os.O_RDONLY)
    out, err = (os.open(tmp_path / name, os.O_WRONLY | os.O_CREAT) for name in ("out", "err"))
    script = b'cat; printf "%s %s\\n" "$1" "$A"; cut -d " " -f 1,6 /proc/$$/stat >&2'
    pid, problem = spawn([b"/bin/sh"], [b"sh", b"-c", script, b"-", b"\xff"], {b"A": b"\xfe="}, (out, err, given))
    assert (problem, _ended(pid)) == (0, 0)
    assert (tmp_path / "out").read_bytes() == b"given\n\xff \xfe=\n"
    assert (tmp_path / "err").read_text().split() == [str(pid), str(pid)]
    for descriptor in (given, out, err):
        os.close(descriptor)


def test_without_input_there_is_nothing_to_read(tmp_path: Path) -> None:
    """Standard input is then `/dev/null`, and the first candidate that can be executed is the one."""
    out = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)
    candidates = [b"/nowhere/sh", b"/etc/passwd/sh", b"/bin/sh"]
    pid, problem = spawn(candidates, [b"sh", b"-c", b"cat; exit 3"], {}, (out, out, None))
    assert (problem, _ended(pid)) == (0, 3)
    os.close(out)


def test_why_nothing_could_be_executed(tmp_path: Path) -> None:
    """A file that is there and must not be run is a worse find than none."""
    (tmp_path / "text").write_text("no program")
    missing, barred = b"/nowhere/sh", os.fsencode(tmp_path / "text")
    assert spawn([missing], [b"x"], {}, (1, 2, None)) == (0, errno.ENOENT)
    assert spawn([missing, barred, missing], [b"x"], {}, (1, 2, None)) == (0, errno.EACCES)
