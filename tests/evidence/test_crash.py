"""What a killed runner leaves behind."""

from __future__ import annotations

import hashlib
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.evidence import RunDir
from runner_env.formats.journal import read, verify

_RUNNER = """
import itertools, sys, threading
from pathlib import Path
from runner_env.evidence import RunDir
from runner_env.text.masking import Masker
run = RunDir.create(Path(sys.argv[1]), "r")
open_one = run.capture("open", masker=Masker({}), limit_bytes=10_000)
def flood():
    for n in itertools.count():
        open_one.write(b"%09d\\n" % n)
threading.Thread(target=flood, daemon=True).start()
for n in itertools.count(1):
    done = run.capture(f"closed/{n}", masker=Masker({}), limit_bytes=1000)
    done.write(b"y" * 3000)
    capture = done.close()
    print(run.journal.append("command.ended", reference=capture.reference, sha256=capture.sha256), flush=True)
"""


@pytest.mark.parametrize("moment_s", [0.0, 0.05, 0.2])
def test_sigkill(tmp_path: Path, start: Callable[..., subprocess.Popen[str]], moment_s: float) -> None:
    """Killed at any moment: the journal has every event that was told, verifies, and its captures are as it says."""
    runner = start(_RUNNER, tmp_path)
    assert runner.stdout is not None
    told = int(runner.stdout.readline())
    time.sleep(moment_s)
    runner.kill()
    told = max([told, *(int(line) for line in runner.communicate(timeout=30)[0].splitlines()[:-1])])
    path = tmp_path / "r"
    report = verify(path / "journal.jsonl")
    assert report.ok
    assert report.entries >= told
    for entry in read(path / "journal.jsonl"):
        assert hashlib.sha256((path / entry.data["reference"]).read_bytes()).hexdigest() == entry.data["sha256"]
    assert not RunDir.is_live(path)


def test_an_open_capture_survives(tmp_path: Path, start: Callable[..., subprocess.Popen[str]]) -> None:
    """Of a capture that was never closed, the start and the end are there as they came, within twice its limit."""
    runner = start(_RUNNER, tmp_path)
    assert runner.stdout is not None
    runner.stdout.readline()
    time.sleep(0.1)
    runner.kill()
    runner.communicate(timeout=30)
    head = (tmp_path / "r" / "open").read_bytes()
    tails = [path.read_bytes() for path in (tmp_path / "r").glob("open.tail?")]
    assert head[:20] == b"000000000\n000000001\n"
    assert len(head) + sum(map(len, tails)) <= 20_000
    for data in tails:
        numbers = [int(line) for line in data.split(b"\n")[1:-1]]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
