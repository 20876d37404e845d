"""One output stream on its way to the disk."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner_env.core import Capture
from runner_env.evidence import RunDir
from runner_env.formats.journal import verify
from runner_env.text.masking import Masker

_TEXT = b"start of it, then the key sk-0123456789abcdef, then much more of everything, and sk-0123456789abcdef the end"


def _check(run: RunDir, capture: Capture) -> bytes:
    stored = (run.path / capture.reference).read_bytes()
    assert capture.sha256 == hashlib.sha256(stored).hexdigest()
    return stored


def test_everything_is_kept_up_to_the_limit(
    run: RunDir, no_secrets: Masker, names: Callable[[Path], list[str]]
) -> None:
    """A stream of exactly the limit is stored byte for byte, with nothing omitted and one file."""
    file = run.capture("out.txt", masker=no_secrets, limit_bytes=10)
    file.write(b"01234")
    file.write(memoryview(b"56789"))
    capture = file.close()
    assert _check(run, capture) == b"0123456789"
    assert (capture.total_bytes, capture.omitted_bytes, capture.masked, capture.error) == (10, 0, 0, None)
    assert names(run.path) == ["journal.jsonl", "out.txt", "run.lock"]


def test_the_middle_goes_first(run: RunDir, no_secrets: Masker) -> None:
    """Beyond the limit the start and the end are kept, and the stored file says how much is missing (RT068)."""
    file = run.capture("out.txt", masker=no_secrets, limit_bytes=10)
    for byte in b"abcdefghijklmnopqrstuvwxyz":
        file.write(bytes([byte]))
    capture = file.close()
    assert _check(run, capture) == b"abcde\n[... 16 bytes omitted ...]\nvwxyz"
    assert (capture.total_bytes, capture.omitted_bytes) == (26, 16)


def test_silence(run: RunDir, no_secrets: Masker) -> None:
    """A command that writes nothing has an empty file."""
    capture = run.capture("out.txt", masker=no_secrets).close()
    assert _check(run, capture) == b""
    assert (capture.total_bytes, capture.omitted_bytes) == (0, 0)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, len(_TEXT)), max_size=8).map(sorted), limit=st.integers(2, 120))
def test_any_split_gives_the_same_capture(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], limit: int
) -> None:
    """Where the pipe happens to cut the stream changes neither the file nor the counts, and no secret is stored."""
    masker = Masker({"API_KEY": "sk-0123456789abcdef"})
    edges = [0, *cuts, len(_TEXT)]
    with RunDir.create(tmp_path_factory.mktemp("runs"), "r") as run:
        whole, split = (run.capture(name, masker=masker, limit_bytes=limit) for name in ("whole", "split"))
        whole.write(_TEXT)
        for start, end in pairwise(edges):
            split.write(_TEXT[start:end])
        one, other = whole.close(), split.close()
        assert _check(run, one) == _check(run, other)
        assert (one.total_bytes, one.omitted_bytes, one.masked) == (len(_TEXT), other.omitted_bytes, 2)
        assert (other.total_bytes, other.masked) == (one.total_bytes, one.masked)
        assert b"sk-" not in _check(run, one)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.binary(max_size=20), max_size=8), limit=st.integers(2, 40), n=st.integers(0, 50))
def test_spans_point_at_the_tail(
    tmp_path_factory: pytest.TempPathFactory, no_secrets: Masker, pieces: list[bytes], limit: int, n: int
) -> None:
    """A tail's range has exactly these bytes in the stored file, whether asked for just before or after close."""
    with RunDir.create(tmp_path_factory.mktemp("runs"), "r") as run:
        file = run.capture("out", masker=no_secrets, limit_bytes=limit)
        for piece in pieces:
            file.write(piece)
        spans, size = [file.tail(n)], file.size
        stored = _check(run, file.close())
        spans.append(file.tail(n))
    assert size == file.size == len(stored)
    for data, start, end in spans:
        assert (stored[start:end], end) == (data, len(stored))
    assert len(spans[1][0]) == min(n, len(stored))


def test_size_and_total_grow_while_it_is_open(run: RunDir, no_secrets: Masker) -> None:
    """An observer sees how much came and how much of it is kept."""
    file = run.capture("out", masker=no_secrets, limit_bytes=10)
    file.write(b"abc")
    assert (file.size, file.total) == (3, 3)
    file.write(b"x" * 997)
    assert (file.size, file.total) == (10 + len("\n[... 990 bytes omitted ...]\n"), 1000)


def test_a_closed_capture(run: RunDir, no_secrets: Masker) -> None:
    """Closing twice says the same; writing after close is the caller's error."""
    file = run.capture("out", masker=no_secrets)
    assert file.close() == file.close()
    with pytest.raises(ValueError, match="out is closed"):
        file.write(b"x")


def test_a_limit_too_small(run: RunDir, no_secrets: Masker) -> None:
    """Two halves need two bytes."""
    with pytest.raises(ValueError, match="at least 2"):
        run.capture("out", masker=no_secrets, limit_bytes=1)


_FULL_DISK = """
import json, resource, sys
from dataclasses import asdict
from pathlib import Path
from runner_env.evidence import RunDir
from runner_env.text.masking import Masker
run = RunDir.create(Path(sys.argv[1]), "r")
run.journal.append("before")
file = run.capture("out", masker=Masker({}), limit_bytes=int(sys.argv[2]))
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
for n in range(1000):
    file.write(b"%09d\\n" % n)
print(json.dumps(asdict(file.close())))
"""


@pytest.mark.parametrize(
    ("limit", "stored", "left"),
    [(1 << 20, 5000, []), (9000, 4500, ["out.tail0", "out.tail1"]), (4000, 4030, [])],
    ids=["in-the-head", "in-the-joining", "never"],
)
def test_a_full_disk(
    tmp_path: Path,
    start: Callable[..., subprocess.Popen[str]],
    limit: int,
    stored: int,
    left: list[str],
    names: Callable[[Path], list[str]],
) -> None:
    """The command goes on, what was kept is what the hash says, the capture says why it ends, the journal verifies."""
    output, _ = start(_FULL_DISK, tmp_path, str(limit)).communicate(timeout=30)
    capture = Capture(**json.loads(output))
    data = (tmp_path / "r" / "out").read_bytes()
    assert (len(data), hashlib.sha256(data).hexdigest()) == (stored, capture.sha256)
    assert data.startswith(b"000000000\n000000001\n")
    assert capture.total_bytes == 10_000
    assert capture.omitted_bytes == (6000 if limit == 4000 else 10_000 - stored)
    assert (capture.error is None) == (limit == 4000)
    assert capture.error is None or "cannot go on recording out: File too large" in capture.error
    assert sorted(set(names(tmp_path / "r")) - {"journal.jsonl", "run.lock", "out"}) == left
    assert verify(tmp_path / "r" / "journal.jsonl").ok


_FLOOD = """
import sys
from pathlib import Path
from runner_env.evidence import RunDir
from runner_env.text.masking import Masker
run = RunDir.create(Path(sys.argv[1]), "r")
file = run.capture("out", masker=Masker({}), limit_bytes=8 << 20)
chunk = memoryview(b"x" * 65536)
before = int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])
for _ in range(200 * 16):
    file.write(chunk)
capture = file.close()
after = int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])
print(after - before, capture.total_bytes, capture.omitted_bytes)
"""


def test_a_flood_takes_no_memory(tmp_path: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    """200 MiB of output leave 8 MiB and a line on the disk, and less than 8 MiB more in memory (RT068)."""
    output, _ = start(_FLOOD, tmp_path).communicate(timeout=60)
    grown_kib, total, omitted = map(int, output.split())
    assert (total, omitted) == (200 << 20, 192 << 20)
    assert (tmp_path / "r" / "out").stat().st_size < (8 << 20) + 100
    assert grown_kib < 8 * 1024
