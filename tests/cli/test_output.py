"""Where text goes, and in which dress."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from runner_env.cli.output import is_live, wants_colour


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "colour", "live"),
    [
        (_Terminal(), {"TERM": "xterm"}, True, True),
        (_Terminal(), {"TERM": "xterm", "NO_COLOR": ""}, True, True),
        (_Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, False, True),
        (_Terminal(), {"TERM": "dumb"}, False, False),
        (_Terminal(), {}, False, False),
        (io.StringIO(), {"TERM": "xterm"}, False, False),
    ],
)
def test_colour_and_live_line(stream: io.StringIO, environ: dict[str, str], colour: bool, live: bool) -> None:
    """Colours and a line that moves only on a terminal that can, colours only where NO_COLOR is not set."""
    assert wants_colour(stream, environ) is colour
    assert is_live(stream, environ) is live


def _python(code: str, **more: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"PATH": "", **more}
    )


def test_poor_encoding() -> None:
    """On a terminal without Unicode, what it lacks is escaped instead of ending the program."""
    with _python("from runner_env.cli.output import emit; emit('a…基\\udcff\\n')", PYTHONIOENCODING="ascii") as process:
        stdout, stderr = process.communicate()
    assert (stdout, stderr, process.returncode) == (b"a\\u2026\\u57fa\\udcff\n", b"", 0)


def test_reader_has_gone() -> None:
    """`runner-env … | head -1` ends with the exit code of the verdict, and nothing is said about the pipe."""
    code = "import sys\nfrom runner_env.cli.output import emit\nsys.stdin.read()\nemit('x' * 100)\nsys.exit(0)"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(tmp_path: Path, closed: str) -> None:
    """A stream that the caller closed swallows what is written; no file that is opened later takes its place."""
    code = (
        "import sys\n"
        "from runner_env.cli.output import complain, emit, open_closed_streams\n"
        "open_closed_streams()\n"
        "with open(sys.argv[1], 'w') as journal:\n"
        "    assert journal.fileno() > 2\n"
        "    emit('out')\n"
        "    complain('err')\n"
        "    assert sys.stdin.read() == ''\n"
    )
    journal = tmp_path / "journal"
    script = f'exec "$0" -c "$1" "$2" {closed}'
    done = subprocess.run(
        ["/bin/sh", "-c", script, sys.executable, code, journal],
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0
    assert done.stdout == (b"" if ">&-" in closed.split() else b"out")
    assert done.stderr == (b"" if "2>&-" in closed else b"err")
    assert journal.read_text() == ""
