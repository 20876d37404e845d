"""What goes over the control sockets."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from runner_env.guest import messages

WORD = st.binary(max_size=30).map(lambda data: os.fsdecode(data.replace(b"\0", b"")))


@settings(max_examples=50, deadline=None)
@given(st.lists(WORD, max_size=4), st.dictionaries(WORD, WORD, max_size=4), WORD)
def test_any_bytes_survive_packing(argv: list[str], env: dict[str, str], cwd: str) -> None:
    """Arguments, variables and directory arrive byte for byte, whatever their encoding."""
    descriptor = messages.pack(argv, env, cwd)
    try:
        unpacked = messages.unpack(descriptor)
    finally:
        os.close(descriptor)
    encoded = {os.fsencode(name): os.fsencode(value) for name, value in env.items()}
    assert unpacked == ([os.fsencode(arg) for arg in argv], encoded, os.fsencode(cwd))


def test_messages_and_descriptors() -> None:
    """A message carries descriptors, which are not inherited by programs; the end is told as None."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, Path(os.devnull).open("rb") as file:
        with theirs:
            os.set_inheritable(file.fileno(), True)  # noqa: FBT003
            assert messages.send(ours, {"op": "run"}, [file.fileno(), file.fileno()])
            message, descriptors = messages.receive_with_descriptors(theirs, 4)
            assert message == {"op": "run"}
            assert [os.get_inheritable(descriptor) for descriptor in descriptors] == [False, False]
            for descriptor in descriptors:
                os.close(descriptor)
        assert messages.receive(ours) is None
        assert not messages.send(ours, {"op": "run"})


def test_last_words_are_heard() -> None:
    """What the other side said before its end is received, even if it left something of ours unread."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        messages.send(theirs, {"event": "exit"})
        messages.send(ours, {"op": "end"})
        theirs.close()
        assert messages.receive(ours) == {"event": "exit"}
        assert messages.receive(ours) is None
