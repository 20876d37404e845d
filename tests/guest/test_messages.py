"""What goes over the control sockets."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
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


_PACK = """
import os, sys
from runner_env.guest import messages
assert sys.getfilesystemencoding() != "utf-8", sys.getfilesystemencoding()
text = bytes.fromhex(sys.argv[1]).decode()
env = {"CONTRACT": text, "SYSTEM": os.environ["SYSTEM"]}
argv, variables, cwd = messages.unpack(messages.pack([text], env, os.environ["SYSTEM"]))
print(argv[0].hex(), variables[b"CONTRACT"].hex(), variables[b"SYSTEM"].hex(), cwd.hex())
"""


def test_a_contract_is_utf8_in_every_locale() -> None:
    """Text that the locale cannot express arrives as UTF-8; what came from the system arrives as it was."""
    text, foreign = "é目".encode(), b"caf\xc3\xa9\xff"
    environ = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", b"SYSTEM": foreign}
    code = [sys.executable, "-c", _PACK, text.hex()]
    done = subprocess.run(code, env=environ, check=True, capture_output=True, text=True, timeout=30)
    assert done.stdout.split() == [text.hex(), text.hex(), foreign.hex(), foreign.hex()]
