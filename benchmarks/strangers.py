"""Repositories that never heard of us: contract by rules, score, seconds: `python benchmarks/run.py --only strangers`.

Twenty source distributions and packages of real projects, fetched by pip and npm; each is installed and tested in the
box. Needs the network and some ten minutes; `STRANGERS_SECONDS` bounds it (default 720).
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))

from _row import Row

from runner_env.hints.find import find_hints

if TYPE_CHECKING:
    from collections.abc import Iterator

SDISTS = (
    "pluggy", "jinja2", "flask", "django-environ", "markdown", "structlog", "tenacity", "babel", "click",
    "poetry-core", "itsdangerous", "iniconfig", "toolz", "python-slugify",
)  # fmt: skip
PACKAGES = ("fast-json-stable-stringify", "is-callable", "minimist", "extend", "object-inspect", "concat-stream")
GOAL = 0.7
HINTS_MS = 100.0
OWN_SECONDS = 120.0
"""What a score may take beyond the project's own install and tests."""

_EACH = 300.0


def rows() -> Iterator[Row]:
    """A row for each project, and the share of those that came to a score."""
    until = time.monotonic() + float(os.environ.get("STRANGERS_SECONDS", "720"))
    scored: list[bool] = []
    beyond: list[float] = []
    finding: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, kind in [*((name, "pip") for name in SDISTS), *((name, "npm") for name in PACKAGES)]:
            if time.monotonic() > until:
                yield Row(f"stranger {name}", "a score", "left out: no time left", None)
                continue
            project = fetched(Path(folder), name, kind)
            if project is None:
                yield Row(f"stranger {name}", "a score", "left out: it cannot be fetched", None)
                continue
            begun = time.process_time()
            find_hints(project)
            finding.append((time.process_time() - begun) * 1000)
            result, own = _scored(Path(folder) / "home", project)
            scored.append(own is not None)
            beyond += [] if own is None else [own]
            yield Row(f"stranger {name}", "a score", result, own is not None)
            shutil.rmtree(project, ignore_errors=True)
    share = sum(scored) / len(scored) if scored else 0.0
    text = f"{sum(scored)} of {len(scored)} ({share:.0%})"
    yield Row("strangers with a score by rules alone", f">= {GOAL:.0%}", text, share >= GOAL if scored else None)
    slowest = max(finding, default=0.0)
    text = f"{statistics.median(finding or [0]):.0f} ms CPU, {slowest:.0f} at most, of {len(finding)}"
    yield Row("finding hints in a stranger", f"<= {HINTS_MS:.0f} ms", text, slowest <= HINTS_MS if finding else None)
    longest = max(beyond, default=0.0)
    name = "strangers, time beyond installs and tests"
    yield Row(name, f"<= {OWN_SECONDS:.0f} s", f"{longest:.1f} s at most", longest <= OWN_SECONDS if beyond else None)


def fetched(folder: Path, name: str, kind: str) -> Path | None:
    """The unpacked sources of a project; None if they cannot be had."""
    place = folder / f"{kind}-{name}"
    place.mkdir()
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", name]
    command = [*pip, "-d", str(place), name] if kind == "pip" else ["npm", "pack", "--silent", name]
    try:
        done = subprocess.run(command, cwd=place, capture_output=True, check=False, timeout=_EACH)
    except subprocess.TimeoutExpired:
        return None
    archives = [*place.glob("*.tar.gz"), *place.glob("*.tgz")]
    if done.returncode or not archives:
        return None
    with tarfile.open(archives[0]) as archive:
        archive.extractall(place / "sources", filter="data")
    top = next((place / "sources").iterdir())
    target = folder / f"target-{name}"
    top.rename(target)
    shutil.rmtree(place)
    return target


def _scored(home: Path, project: Path) -> tuple[str, float | None]:
    """What `runner-env run` makes of a project, and the seconds beyond the commands of the contract that it kept.

    Those of contracts that did not do are among the seconds; None if there is no score.
    """
    env = {**os.environ, "RUNNER_ENV_HOME": str(home)}
    command = [
        sys.executable,
        "-m",
        "runner_env",
        "run",
        str(project),
        "--llm",
        "none",
        "--scaffold",
        "rules",
        "--json",
    ]
    begun = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_EACH, env=env)
    except subprocess.TimeoutExpired:
        return f"no end within {_EACH:.0f} s", None
    seconds = time.monotonic() - begun
    try:
        record: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return f"{_first(done.stderr)} ({seconds:.0f} s)", None
    if record.get("score") is None:
        found = next((one["code"] for one in record.get("findings", ()) if one["verdict"] != "passed"), "no score")
        return f"{found} ({seconds:.0f} s)", None
    counts = record["metrics"]["counts"]
    run = sum(stage["duration_s"] for stage in record["stages"])
    ran = f"{counts.get('passed')} of {counts.get('total')}, {record['metrics']['runner']}"
    text = f"`{_hint(project)}`: {record['score']:.4g} ({ran}; {seconds:.0f} s, {run:.0f} s of it commands)"
    return text, seconds - run


def _hint(project: Path) -> str:
    """The command in the contract that was kept."""
    lines = (project / "pipeline.yml").read_text("utf-8").splitlines()
    return next(line.partition(":")[2].strip().strip('"') for line in lines if line.strip().startswith("hint:"))


def _first(text: bytes) -> str:
    return (text.decode("utf-8", "replace").strip().splitlines() or ["nothing"])[-1][:60]
