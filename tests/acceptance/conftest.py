"""Programs that use the public API in a process of their own, and what is left of them afterwards."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydantic
import pytest

import runner_env
from runner_env.guest import tree
from runner_env.runs.proof import check_proof

PATIENCE_S = 30.0


def _marked(root: Path) -> list[int]:
    """Processes that a stage of a run in `root` started, by the variable that every stage gets."""
    needle = f"AIDER_FSM_REPO_ROOT={root}\0".encode()
    found = []
    for entry in os.scandir("/proc"):
        try:
            if entry.name.isdigit() and needle in Path(entry.path, "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return tree.living(found)


@pytest.fixture
def alive() -> Callable[[Path], list[int]]:
    """Ask which processes the stages of runs in a directory have left: `alive(root)`."""
    return _marked


@dataclass
class Program:
    """A running Python program."""

    process: subprocess.Popen[str]
    seen: set[int] = field(default_factory=set)

    def await_file(self, path: Path) -> None:
        """Wait until `path` exists; by then its box is up, and its processes are noted for `left`."""
        give_up = time.monotonic() + PATIENCE_S
        while not path.exists():
            if self.process.poll() is not None or time.monotonic() > give_up:
                self.process.kill()
                raise AssertionError(f"{path.name} never appeared: {self.process.communicate()}")
            time.sleep(0.01)
        self.seen.update(tree.descendants(self.process.pid))

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self) -> tuple[int, str, str]:
        """Wait for its end: exit code as a shell has it, standard output, standard error."""
        stdout, stderr = self.process.communicate(timeout=PATIENCE_S)
        code = self.process.returncode
        return (code if code >= 0 else 128 - code), stdout, stderr

    def await_gone(self, alive: Callable[[], list[int]]) -> None:
        """Wait until nobody is alive; after a sudden end that takes a moment."""
        give_up = time.monotonic() + 5
        while rest := alive():
            assert time.monotonic() < give_up, rest
            time.sleep(0.01)

    @property
    def left(self) -> list[int]:
        """Which of its processes, the keeper included, are still there; gives them a moment after a SIGKILL."""
        give_up = time.monotonic() + 5
        while (rest := tree.living(self.seen)) and time.monotonic() < give_up:
            time.sleep(0.01)
        return rest


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Start a program: `program(source, *arguments, shell=None)`; `shell` wraps it, `{}` being its command line."""
    started: list[Program] = []

    def start(source: str, *arguments: object, shell: str | None = None) -> Program:
        script = tmp_path / f"program{len(started)}.py"
        script.write_text("import runner_env, sys, time\nfrom pathlib import Path\n" + source)
        argv = [sys.executable, "-X", "dev", "-W", "error", str(script), *map(str, arguments)]
        if shell is not None:
            argv = ["/bin/sh", "-c", shell, "sh", *argv]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
        started.append(Program(process))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.send_signal(signal.SIGKILL)
        one.process.communicate(timeout=PATIENCE_S)


@pytest.fixture
def records(home: Path) -> Callable[[], list[dict[str, Any]]]:
    """Read the records of all runs so far, oldest first; fails where a journal or its end is not as recorded."""

    def read() -> list[dict[str, Any]]:
        found = []
        for folder in sorted((home / "runs").iterdir()):
            record = json.loads((folder / "record.json").read_bytes())
            assert check_proof(folder).problems == ()
            found.append(record)
        return sorted(found, key=lambda record: str(record["started_at"]))

    return read


@dataclass(frozen=True)
class Ordinary:
    """A user without any rights of root, and a folder that everybody may enter.

    Attributes:
        place: the folder.
        uid: of the user, and of its group.
    """

    place: Path
    uid: int = 65534

    def run(self, argv: list[str], seconds: float = 100, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a program of this version of Python as that user, with the modules of this one."""
        folders = [Path(runner_env.__file__).parents[1], Path(pydantic.__file__).parents[1]]
        environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join(map(str, folders)), **environ}
        return subprocess.run(
            argv, env=environ, cwd=self.place, user=self.uid, group=self.uid, extra_groups=[], capture_output=True,
            text=True, timeout=seconds, check=False,
        )  # fmt: skip

    def take(self) -> None:
        """Give the folder, with all that is in it now, to the user."""
        subprocess.run(["chown", "-R", f"{self.uid}:{self.uid}", "--", self.place], check=True)

    @property
    def python(self) -> str:
        """An interpreter that the user may execute."""
        minor = sys.version_info.minor
        for name in (sys.executable, f"/usr/bin/python3.{minor}", f"/usr/local/bin/python3.{minor}"):
            try:
                if self.run([name, "-c", "import pydantic, ruamel.yaml, runner_env"]).returncode == 0:
                    return name
            except OSError:
                continue
        pytest.skip("no interpreter of this version, with the modules of this one, that an ordinary user may execute")


@pytest.fixture
def ordinary() -> Iterator[Ordinary]:
    """An ordinary user, where this is root."""
    if os.getuid() != 0:
        pytest.skip("only root can become another user; as an ordinary user every other test shows this")
    place = Path(tempfile.mkdtemp(prefix="ordinary"))
    place.chmod(0o755)
    yield Ordinary(place)
    shutil.rmtree(place)
