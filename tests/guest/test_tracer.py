"""The tracer where its listener fails it; what it tells of programs is in tests/execution/test_observing.py."""

from __future__ import annotations

import os

import pytest

from runner_env.guest.events import EventLog
from runner_env.guest.memory import Memory
from runner_env.guest.tracer import Tracer


def test_a_listener_that_does_not_work() -> None:
    """It is an error that whoever serves must see: the calls of the command would fail from now on."""
    reader, writer = os.pipe()
    os.write(writer, b"not a notification")
    events, log = os.pipe()
    tracer = Tracer(reader, EventLog(log))
    with pytest.raises(OSError, match="ioctl"):
        tracer.serve()
    tracer.close()
    tracer.close()
    for descriptor in (writer, events, log):
        os.close(descriptor)


def test_a_listener_whose_processes_are_gone() -> None:
    """Then it is closed, and that is no error."""
    reader, writer = os.pipe()
    events, log = os.pipe()
    tracer = Tracer(reader, EventLog(log))
    os.close(writer)
    tracer.serve()
    assert not tracer.open
    os.close(events)
    os.close(log)


def test_memory_of_a_process() -> None:
    """Texts and lists of texts, across pages, bounded; at no address there is nothing."""
    import ctypes

    long = b"x" * 30_000  # whole pages are read, so the bound may be passed by one or two
    words = (ctypes.c_char_p * 4)(b"a", long, b"", None)
    with Memory(os.getpid(), 40_000) as memory:
        assert memory.texts(ctypes.addressof(words), 8) == [b"a", long, b""]
        assert (memory.text(0), memory.cut) == (b"", False)
    with Memory(os.getpid(), 5000) as memory:
        assert len(b"".join(memory.texts(ctypes.addressof(words), 8))) < 15_000
        assert memory.cut
