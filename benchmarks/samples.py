"""How fast samples files are validated, and in how much memory: `python benchmarks/samples.py`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

from _row import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL = 64_000_000
LARGE = 1_000_000_000
_MEASURE = """
import json, os, sys, time
from runner_env.verification.samples import read_samples
fd = os.open(sys.argv[1], os.O_RDONLY)
begun = time.process_time(), time.perf_counter()
report = read_samples(fd, os.fstat(fd).st_size)
cpu, wall = time.process_time() - begun[0], time.perf_counter() - begun[1]
rss = int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])
print(json.dumps([report.bytes / cpu / 1e6, report.bytes / wall / 1e6, rss / 1024, report.lines, report.bad]))
"""


def rows() -> Iterator[Row]:
    """Validate 64 MB and 1 GB of lines of 1 kB, each in a process of its own; MB per second, the better of the two."""
    with tempfile.TemporaryDirectory() as folder:
        small, small_rss = _measure(Path(folder) / "small.jsonl", SMALL)
        large, large_rss = _measure(Path(folder) / "large.jsonl", LARGE)
    cpu, wall = map(max, zip(small, large, strict=True))
    yield Row("samples.jsonl validation", ">= 100 MB/s", f"{wall:.0f} MB/s wall, {cpu:.0f} MB/s CPU", wall >= 100)
    growth = large_rss - small_rss
    result = f"{growth:.1f} MiB ({large_rss:.0f} MiB peak)"
    yield Row("samples.jsonl memory, 64 MB to 1 GB", "< 10 MB", result, abs(growth) < 10)


def _measure(path: Path, size: int) -> tuple[tuple[float, float], float]:
    lines = [_line(n) for n in range(1000)]
    batch = b"".join(lines)
    with path.open("wb") as file:
        while file.tell() < size:
            file.write(batch)
    done = subprocess.run([sys.executable, "-c", _MEASURE, path], check=True, capture_output=True, text=True)
    path.unlink()
    cpu, wall, rss, count, bad = json.loads(done.stdout)
    if bad or count % len(lines):
        raise SystemExit(f"the samples were misread: {count} lines, {bad} bad")
    return (cpu, wall), rss


def _line(number: int) -> bytes:
    """1,000 bytes of a code-generation sample: escapes, quotes and a little meta data, as real ones have."""
    sample = {
        "prompt": f'def solve_{number}(items):\n    """Return the n-th \\"item\\"."""\n' * 4,
        "completion": f"    total = {number}\n    for item in items:\n        total += item\n    return total\n" * 5,
        "reward": number / 1000,
        "meta": {"id": f"task/{number}", "pad": ""},
    }
    sample["meta"] = {"id": f"task/{number}", "pad": "x" * (999 - len(json.dumps(sample)))}
    line = json.dumps(sample).encode() + b"\n"
    assert len(line) == 1000
    return line


if __name__ == "__main__":
    for row in rows():
        print(row)
