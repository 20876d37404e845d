"""The filter, interpreted as the kernel would; that it works is seen in tests/execution/test_observing.py."""

from __future__ import annotations

import errno
import os
import struct

import pytest

from runner_env.guest import seccomp

ALLOW, ASK, REFUSE = 0x7FFF0000, 0x7FC00000, 0x00050000 | errno.ENOSYS
X86_64, I386, AARCH64 = 0xC000003E, 0x40000003, 0xC00000B7


def decide(program: bytes, arch: int, number: int, *arguments: int) -> int:
    """What the filter says to a call (classic BPF over struct seccomp_data)."""
    words = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number, arch, 0, *words)
    at, value = 0, 0
    while True:
        code, if_true, if_false, k = struct.unpack_from("=HBBI", program, 8 * at)
        at += 1
        if code == 0x06:
            return int(k)
        if code == 0x20:
            value = struct.unpack_from("<I", data, k)[0]
            continue
        holds = {0x15: value == k, 0x35: value >= k, 0x45: bool(value & k)}[code]
        at += if_true if holds else if_false


def built(machine: str, *, writes: bool = False) -> bytes:
    """The filter for a machine that is known."""
    program = seccomp.build(machine, writes=writes)
    assert program is not None
    return program


@pytest.mark.parametrize(
    ("machine", "arch", "numbers"),
    [
        ("x86_64", X86_64, (59, 322, 218, 231)),
        ("x86_64", I386, (11, 358, 258, 252)),
        ("aarch64", AARCH64, (221, 281, 96, 94)),
    ],
)
def test_what_is_asked_about(machine: str, arch: int, numbers: tuple[int, ...]) -> None:
    """Programs that begin and end are asked about, on each interface; nothing else is."""
    program = built(machine)
    asked = {number for number in range(600) if decide(program, arch, number) == ASK}
    assert asked == set(numbers)


def test_writes() -> None:
    """With writes: opening for writing, not for reading, and what gives a file another name."""
    program = built("x86_64", writes=True)
    assert decide(program, X86_64, 257, 0, 0, os.O_RDONLY | os.O_CLOEXEC) == ALLOW
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_CREAT, os.O_RDONLY | os.O_TRUNC):
        assert decide(program, X86_64, 257, 0, 0, flags) == ASK
        assert decide(program, X86_64, 2, 0, flags) == ASK
    assert [decide(program, X86_64, number) for number in (82, 86, 76, 0, 1)] == [ASK, ASK, ASK, ALLOW, ALLOW]
    assert decide(built("x86_64"), X86_64, 82) == ALLOW


def test_what_is_refused() -> None:
    """Calls by an unknown interface, of the x32 kind, and those that would let a process lie about itself."""
    program = built("x86_64")
    assert decide(program, AARCH64, 221) == REFUSE
    assert decide(program, X86_64, 0x40000000 + 520) == REFUSE
    assert decide(program, X86_64, 323) == REFUSE
    assert decide(program, X86_64, 157, 35) == REFUSE
    assert decide(program, X86_64, 157, 15) == ALLOW
    assert decide(program, X86_64, 425) == ALLOW
    assert decide(built("x86_64", writes=True), X86_64, 425) == REFUSE


def test_another_machine() -> None:
    """Where the numbers are not known there is no filter, rather than a wrong one."""
    assert seccomp.build("riscv64", writes=False) is None
