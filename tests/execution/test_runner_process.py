"""What can only be seen from outside the runner: its death, its memory, its standard input, its imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Eventually

PREAMBLE = """
import re, sys
from pathlib import Path
from runner_env.execution import Box, Request
class Null:
    total = 0
    def write(self, data): self.total += len(data)
env = {"PATH": "/usr/bin:/bin", "TEST_TOKEN": sys.argv[1]}
def request(text): return Request(("/bin/sh", "-c", text), Path("/tmp"), env)
"""


def start(code: str, token: str) -> subprocess.Popen[bytes]:
    """A Python process that uses boxes as a runner does."""
    argv = [sys.executable, "-c", PREAMBLE + code, token]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_runner_killed(eventually: Eventually, marked: Callable[[str], list[int]]) -> None:
    """When the runner is killed, command, daemon and kept service are gone within a second, and so is the keeper."""
    token = uuid4().hex
    code = """
with Box.open() as box:
    with box.stage("deploy", keep=True) as deploy: deploy.run(request("sleep 100 &"), Null(), Null())
    with box.stage("test") as stage: stage.run(request("setsid sleep 100 & sleep 100 & sleep 100"), Null(), Null())
"""
    with start(code, token) as runner:
        assert eventually(lambda: len(marked(token)) >= 5)
        environ = Path(f"/proc/{marked(token)[0]}/environ").read_bytes()
        box = environ.split(b"RUNNER_ENV_BOX=")[1][:32].decode()
        runner.kill()
        assert eventually(lambda: not marked(token) and not marked(box), 1)


def test_memory_stays_flat() -> None:
    """200 MB of output pass through a runner that stays small (RT068)."""
    code = """
sink = Null()
with Box.open() as box, box.stage("test") as stage:
    assert stage.run(request("head -c 200000000 /dev/zero"), sink, Null()).ok
print(sink.total, re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
"""
    with start(code, "x") as runner:
        total, peak_kib = map(int, runner.communicate()[0].split())
    assert total == 200_000_000
    assert peak_kib < 60 * 1024


def test_standard_input_of_the_caller_is_not_read() -> None:
    """A command that reads gets nothing, and the caller's line is still there."""
    code = """
with Box.open() as box, box.stage("test") as stage:
    stage.run(request("cat; read x"), Null(), Null())
print(sys.stdin.readline(), end="")
"""
    with start(code, "x") as runner:
        assert runner.communicate(b"line for the caller\n")[0] == b"line for the caller\n"


def test_import_stays_light() -> None:
    """Importing the room loads nothing heavy."""
    heavy = "{'asyncio', 'pydantic', 'ctypes', 'subprocess', 'rich', 'ruamel'} & set(sys.modules)"
    code = f"import sys, runner_env.execution; print({heavy})"
    answer = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, check=True)
    assert answer.stdout.strip() == b"set()"
