"""What it costs to begin: import, `--version`, `--help`, and a whole cold run; `python benchmarks/startup.py`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

from _process import compiled, medians, program
from _project import COMMANDS, make_project
from _row import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

IMPORT_MS = 30
VERSION_MS = 150
_RUNS = 15


def rows() -> Iterator[Row]:
    """Medians of whole processes, user and system time together."""
    compiled()
    bare, imported = medians(
        [[sys.executable, "-c", "pass"], [sys.executable, "-c", "import runner_env"]], os.environ, _RUNS
    )
    more = imported.cpu - bare.cpu
    result = f"{more:+.1f} ms CPU ({imported.cpu:.1f} ms, bare {bare.cpu:.1f} ms)"
    yield Row("import runner_env, beyond bare python", f"<= {IMPORT_MS} ms", result, more <= IMPORT_MS)

    version, helped = medians([[*program(), "--version"], [*program(), "--help"]], os.environ, _RUNS)
    result = f"{version.cpu:.0f} ms CPU, {version.wall:.0f} ms wall"
    yield Row("runner-env --version", f"<= {VERSION_MS} ms", result, version.cpu <= VERSION_MS)
    yield Row("runner-env --help", "", f"{helped.cpu:.0f} ms CPU, {helped.wall:.0f} ms wall", None)
    yield _cold_run()


def _cold_run() -> Row:
    with tempfile.TemporaryDirectory() as folder:
        target = make_project(Path(folder) / "target", git=False)
        environ = {**os.environ, "RUNNER_ENV_HOME": f"{folder}/home"}
        (run,) = medians([[*program(), "run", str(target), "--llm", "a-model", "--json"]], environ, _RUNS // 3)
    result = f"{run.cpu:.0f} ms CPU, {run.wall:.0f} ms wall, commands included"
    return Row(f"runner-env run, cold, {COMMANDS} commands", "", result, None)


if __name__ == "__main__":
    for row in rows():
        print(row)
