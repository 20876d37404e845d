"""Every figure beside its goal: `make bench`, or `python benchmarks/run.py --only overhead`.

A missed goal is printed, not an error: what a machine measures says as much about the machine as about the code.
"""

from __future__ import annotations

import argparse
import platform
import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from _row import HEAD, Row

MODULES = (
    "startup",
    "install",
    "overhead",
    "sandbox",
    "commands",
    "output",
    "samples",
    "skills",
    "strangers",
    "agents",
)


def main(argv: list[str] | None = None) -> int:
    """Measure and print; 0 whatever came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=MODULES, action="append", help="measure only this; repeatable")
    names = parser.parse_args(argv).only or MODULES
    print(f"Python {platform.python_version()} on {platform.platform()}\n\n{HEAD}", flush=True)
    missed: list[Row] = []
    for name in names:
        for row in import_module(name).rows():
            print(row, flush=True)
            missed += [row] if row.ok is False else []
    for row in missed:
        print(f"\nMISSED: {row.name}: {row.result}, the goal is {row.goal}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
