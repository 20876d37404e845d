"""What `runner-env doctor` tries. Each probe does the thing itself, and says what came of it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.cli.sandbox_probes import sandbox_rows
from runner_env.errors import RunnerEnvError
from runner_env.reporting.doctor import Row
from runner_env.reporting.words import one_line

if TYPE_CHECKING:
    from runner_env.settings import Settings

_SHELL = Path("/bin/sh")
_LITTLE_SPACE = 1 << 30
_EXTRAS = {"testing": ("starlette", "uvicorn")}


def probe_all(settings: Settings) -> tuple[Row, ...]:
    """One row for each thing; none of the probes changes anything that stays but the (empty) runner-env home."""
    return (
        _python(),
        _platform(),
        _git(settings),
        _shell(),
        _home(settings.home),
        _keeper(settings),
        *sandbox_rows(settings),
        _agent(settings),
        *(_extra(name, modules) for name, modules in _EXTRAS.items()),
    )


def _python() -> Row:
    return Row("python", "ok", f"{platform.python_implementation()} {platform.python_version()} at {sys.executable}")


def _platform() -> Row:
    if platform.system() == "Linux":
        return Row("platform", "ok", platform.platform())
    return Row("platform", "fail", platform.platform(), "Stages run on Linux only; checking contracts works here.")


def _git(settings: Settings) -> Row:
    program = shutil.which("git", path=settings.environ.get("PATH"))
    hint = "Install git: without it, git URLs cannot be opened and no revision can be recorded."
    if program is None:
        return Row("git", "warn", "not found", hint)
    try:
        done = subprocess.run([program, "--version"], capture_output=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return Row("git", "warn", f"{program} does not work: {one_line(str(error))}", hint)
    return Row("git", "ok", f"{one_line(done.stdout.decode(errors='replace'))} at {program}")


def _shell() -> Row:
    if os.access(_SHELL, os.X_OK):
        return Row("shell", "ok", f"{_SHELL} ({_SHELL.resolve()})")
    return Row("shell", "fail", f"{_SHELL} is missing", "Every command of a contract is given to it.")


def _home(home: Path) -> Row:
    hint = "Set RUNNER_ENV_HOME to a directory that you may write to, on a disk with room."
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=home, prefix=".doctor-") as file:
            file.write(b"written")
            file.flush()
        free = shutil.disk_usage(home).free
    except OSError as error:
        return Row("home", "fail", f"{home} cannot be written: {error.strerror}", hint)
    detail = f"{home}, {free / (1 << 30):.1f} GiB free"
    return Row("home", "ok", detail) if free >= _LITTLE_SPACE else Row("home", "warn", detail, hint)


def _keeper(settings: Settings) -> Row:
    """Start a box and run a command in it, as a run does."""
    from runner_env.execution import Box, Limits, Request

    output = _Memory()
    environ = {"PATH": settings.environ.get("PATH", os.defpath)}
    try:
        with Box.open() as box, box.stage("doctor") as stage:
            request = Request((str(_SHELL), "-c", "true"), Path("/"), environ, Limits(timeout_s=20))
            outcome = stage.run(request, output, output)
    except (RunnerEnvError, OSError) as error:
        message = error.message if isinstance(error, RunnerEnvError) else str(error)
        return Row("keeper", "fail", one_line(message), "No command can be run. Is /proc mounted?")
    if not outcome.ok:
        said = f"{outcome.reason} {output.data.decode(errors='replace')}"
        return Row("keeper", "fail", one_line(f"`true`: {outcome.ending.value}: {said}"), "No command can be run.")
    return Row("keeper", "ok", f"ran a command in {outcome.duration_s * 1000:.0f} ms")


def _agent(settings: Settings) -> Row:
    """Which agent program would write or repair contracts; none is started."""
    from runner_env.errors import HarnessError
    from runner_env.harnesses.table import choose

    try:
        return Row("agent", "ok", f"{choose('', settings.environ)} would write and repair contracts")
    except HarnessError as error:
        hint = f"{error.hint} Contracts by rules, and all else, need none."
        return Row("agent", "warn", one_line(error.message), hint)


class _Memory:
    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: memoryview | bytes, /) -> None:
        self.data += data


def _extra(name: str, modules: tuple[str, ...]) -> Row:
    missing = [module for module in modules if find_spec(module) is None]
    if not missing:
        return Row(f"extra {name}", "ok", "installed")
    return Row(
        f"extra {name}",
        "warn",
        f"not installed: {', '.join(missing)}",
        f"pip install 'runner-env[{name}]' if you want the scripted model server.",
    )
