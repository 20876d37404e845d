"""How fast a command's output is recorded, plain and masked, and in how much memory: `python benchmarks/output.py`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

from _row import Row
from sandbox import LEVELS

from runner_env.execution.levels import find_level

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = 500_000_000
_MEASURE = """
import json, os, sys, time
sys.path.insert(0, sys.argv[5])
from pathlib import Path
from sandbox import places
from runner_env.evidence.rundir import RunDir
from runner_env.execution import Box, Limits, Request
from runner_env.execution.levels import Wanted
from runner_env.text.masking import Masker

def rss():
    return int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) / 1024

folder, size, masked = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == 'masked'
secrets = {'A_KEY': 'sk-0123456789abcdef0123456789abcdef', 'B_TOKEN': 'ghp_abcdefghijklmnopqrstuvwxyz0123456789'}
masker = Masker(secrets if masked else {})
line = 'a line of output as programs write them, with some 80 characters to each of them, %06d\\n'
about = places(folder)
block = about.workspace / 'block'
block.write_text(''.join(line % n for n in range(12000)))
count = size // block.stat().st_size
command = 'set -e; i=0; while [ $i -lt %d ]; do cat block block block block; i=$((i+4)); done' % count
opened = Box.open(Wanted.only(sys.argv[4]), about, environ=os.environ)
with RunDir.create(folder / 'runs', 'r') as run_dir, opened as box, box.stage('bench') as stage:
    files = [run_dir.capture(name, masker=masker, limit_bytes=20 << 20) for name in ('out', 'err')]
    before = rss()
    begun = time.perf_counter()
    request = Request(('/bin/sh', '-c', command), about.workspace, {'PATH': '/usr/bin:/bin'}, Limits(300))
    outcome = stage.run(request, *files)
    taken = time.perf_counter() - begun
    total = [file.close() for file in files][0].total_bytes
    assert outcome.ok, outcome
print(json.dumps([total / taken / 1e6, rss(), rss() - before]))
"""


def rows() -> Iterator[Row]:
    """Half a gigabyte of lines through a pipe, 20 MiB of it kept, at each level that this machine has."""
    for level in LEVELS:
        missing = find_level(level).missing(os.environ)
        if missing:
            yield Row(f"output, sandbox {level}", ">= 200 MB/s", f"not here: {missing}", None)
            continue
        for kind, goal in (("unmasked", 200), ("masked", 120)):
            speed, memory, growth = _measure(kind, level)
            yield Row(f"output {kind}, sandbox {level}", f">= {goal} MB/s", f"{speed:.0f} MB/s", speed >= goal)
            result = f"{growth:.1f} MiB more than before ({memory:.0f} MiB in all)"
            yield Row(f"memory, {kind}, sandbox {level}", "<= 32 MiB", result, memory <= 32)


def _measure(kind: str, level: str) -> tuple[float, float, float]:
    best = (0.0, 0.0, 0.0)
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            argv = [sys.executable, "-c", _MEASURE, folder, str(SIZE), kind, level, str(Path(__file__).parent)]
            done = subprocess.run(argv, check=True, capture_output=True, text=True)
        best = max(best, tuple(json.loads(done.stdout)))
    return best


if __name__ == "__main__":
    for row in rows():
        print(row)
