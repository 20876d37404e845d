"""Real processes in real boxes: `run(text)` is one command of one stage, `alive(marker)` counts what survived."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from runner_env.core import Outcome
from runner_env.execution import Box, Cancel, Limits, Request, StageScope

PATH = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
Eventually = Callable[..., bool]


class Buffer:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: memoryview | bytes, /) -> None:
        """Append a copy."""
        self.data += data


class Bench:
    """One box with a mark of its own in every command's environment."""

    def __init__(self, box: Box, cwd: Path, cancel: Cancel | None = None) -> None:
        self.box = box
        self.cancel = cancel
        self.cwd = cwd
        self.token = f"TEST_{uuid4().hex}"
        self.out = Buffer()
        self.err = Buffer()

    def request(self, *argv: str, timeout_s: float | None = 10, grace_s: float = 0.3, **env: str) -> Request:
        """A request with this bench's mark in its environment."""
        environ = {"PATH": PATH, "TEST_TOKEN": self.token, **env}
        return Request(argv, self.cwd, environ, Limits(timeout_s, grace_s))

    def sh(self, stage: StageScope, text: str, *, timeout_s: float | None = 10, grace_s: float = 0.3) -> Outcome:
        """Run a shell command in a stage."""
        request = self.request("/bin/sh", "-c", text, timeout_s=timeout_s, grace_s=grace_s)
        return stage.run(request, self.out, self.err)

    def run(self, text: str, *, timeout_s: float | None = 10, grace_s: float = 0.3) -> Outcome:
        """Run a shell command in a stage of its own."""
        with self.box.stage("test", cancel=self.cancel) as stage:
            return self.sh(stage, text, timeout_s=timeout_s, grace_s=grace_s)

    def python(self, stage: StageScope, code: str, **env: str) -> Outcome:
        """Run Python code in a stage."""
        return stage.run(self.request(sys.executable, "-I", "-S", "-c", code, **env), self.out, self.err)

    def alive(self) -> list[int]:
        """Processes that carry the mark."""
        return marked(self.token)


def marked(token: str) -> list[int]:
    """Processes with a token in their environment, zombies excepted (theirs is empty)."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and token.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def eventually(fact: Callable[[], bool], seconds: float = 5) -> bool:
    """Whether a fact comes true in time."""
    deadline = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A box, closed afterwards; nothing of it may survive."""
    with Box.open() as box:
        bench = Bench(box, tmp_path)
        yield bench
    assert bench.alive() == []


@pytest.fixture
def cancel() -> Iterator[Cancel]:
    """A cancel, closed afterwards."""
    with Cancel() as cancel:
        yield cancel


@pytest.fixture
def cancellable(tmp_path: Path, cancel: Cancel) -> Iterator[Bench]:
    """A box whose commands listen to the cancel."""
    with Box.open() as box:
        yield Bench(box, tmp_path, cancel)


@pytest.fixture(name="eventually")
def eventually_fixture() -> Callable[..., bool]:
    """Waits for a fact."""
    return eventually


@pytest.fixture(name="marked")
def marked_fixture() -> Callable[[str], list[int]]:
    """Finds processes by a token."""
    return marked
