"""Events on their way through a pipe that nobody may read in time."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.guest import events
from runner_env.guest.events import EventLog, EventReader


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The ends of a pipe; the reading end is closed afterwards."""
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)


def read(descriptor: int) -> list[list[bytes]]:
    """All events in a pipe whose writer is gone."""
    data = b""
    while part := os.read(descriptor, 1 << 20):
        data += part
    return list(EventReader().feed(data))


def without_time(found: list[list[bytes]]) -> list[list[bytes]]:
    """Events without their second word."""
    return [[words[0], *words[2:]] for words in found]


def test_words_arrive_as_they_are(pipe: tuple[int, int]) -> None:
    """Kind, process and parent, then words of any bytes; the last event counts them all."""
    log = EventLog(pipe[1])
    log.put("image", 5, 4, b"/bin/\xff\0", 0, "é")
    log.close()
    assert without_time(read(pipe[0])) == [
        [b"image", b"5", b"4", b"/bin/\xff\0", b"0", "é".encode()],
        [b"end", b"1", b"0", b"1"],
    ]


@given(st.lists(st.lists(st.binary(max_size=20), min_size=1, max_size=4), max_size=6), st.integers(1, 7))
def test_however_they_are_cut(found: list[list[bytes]], size: int) -> None:
    """Events are the same in whatever pieces their bytes come."""
    from runner_env.guest import messages

    data = messages.joined(messages.joined(words) for words in found)
    reader = EventReader()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert [words for piece in pieces for words in reader.feed(piece)] == found


def test_no_events() -> None:
    """Bytes that are no events are an error, not a guess."""
    with pytest.raises(ValueError, match="invalid literal"):
        list(EventReader().feed(b"image:5,"))


def test_a_flood_is_counted(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit events are counted, not kept, and programs are counted in any case."""
    monkeypatch.setattr(events, "MOST_EVENTS", 3)
    log = EventLog(pipe[1])
    for _ in range(10):
        log.put("image", 5, 4, b"/bin/true")
    log.close()
    found = without_time(read(pipe[0]))
    assert len(found) == 4
    assert found[-1] == [b"end", b"3", b"7", b"10"]


def test_a_flood_of_bytes_is_counted(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Likewise beyond so many bytes."""
    monkeypatch.setattr(events, "MOST_BYTES", 1000)
    log = EventLog(pipe[1])
    for _ in range(5):
        log.put("exec", 5, 4, bytes(600))
    log.close()
    assert without_time(read(pipe[0]))[-1] == [b"end", b"2", b"3", b"0"]


def test_it_waits_for_nobody(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the reader does not read, events are dropped once enough of them wait, and those that wait arrive later."""
    monkeypatch.setattr(events, "_MOST_PENDING", 1000)
    log = EventLog(pipe[1])
    for _ in range(300):
        log.put("exec", 5, 4, bytes(600))
    assert not log.flush()
    data = b""
    while not log.flush():
        data += os.read(pipe[0], 1 << 16)
    monkeypatch.undo()
    log.close()
    rest = EventReader()
    found = list(rest.feed(data)) + list(rest.feed(os.read(pipe[0], 1 << 20)))
    recorded, dropped = map(int, found[-1][2:4])
    assert recorded == len(found) - 1 < 300
    assert recorded + dropped == 300


def test_a_reader_that_is_gone() -> None:
    """Nobody listens any more: no error, and no wait."""
    reader, writer = os.pipe()
    log = EventLog(writer)
    os.close(reader)
    log.put("exec", 5, 4, b"x")
    log.close()
