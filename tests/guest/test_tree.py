"""Descent, as the kernel lists it and as a scan finds it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from runner_env.guest import tree

if TYPE_CHECKING:
    from collections.abc import Iterator

FAMILY = """
import subprocess, sys, threading
def one(): print(subprocess.Popen(["sleep", "100"]).pid, flush=True)
one()
thread = threading.Thread(target=lambda: (one(), threading.Event().wait()), daemon=True)
thread.start()
threading.Event().wait()
"""


@pytest.fixture
def family() -> Iterator[tuple[int, set[int]]]:
    """A process with a child of its main thread and one of another thread."""
    with subprocess.Popen([sys.executable, "-c", FAMILY], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        children = {int(parent.stdout.readline()), int(parent.stdout.readline())}
        yield parent.pid, children
        for pid in children:
            os.kill(pid, 9)
        parent.kill()


@pytest.mark.parametrize("listed", [True, False])
def test_descendants(family: tuple[int, set[int]], listed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """All children of all threads are found, with and without the kernel's own list of children."""
    monkeypatch.setattr(tree, "_kernel_lists_children", lambda: listed)
    parent, children = family
    assert set(tree.descendants(parent)) == children
    assert parent in tree.descendants(os.getpid())


def test_zombies_and_strangers_do_not_live() -> None:
    """A zombie counts as dead, and so does a number that no process has."""
    with subprocess.Popen(["true"], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.read()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert tree.living([child.pid, 2**22 + 1, os.getpid()]) == [os.getpid()]


def test_signals_to_the_dead_are_no_error() -> None:
    """Who ended in the meantime is left out."""
    with subprocess.Popen(["sleep", "100"]) as child:
        tree.signal_each([2**22 + 1, child.pid], 15)
        assert child.wait() == -15
