"""The filter of calls: which machines it knows, and that its jumps lead where they should."""

from __future__ import annotations

import struct

import pytest

from runner_env.guest.barred import program

ALLOW, REFUSE, NOT_THERE = 0x7FFF0000, 0x00050001, 0x00050026
X86_64, AARCH64 = 0xC000003E, 0xC00000B7


def judged(steps: bytes, arch: int, number: int, first: int = 0) -> int:
    """Run the program as the kernel does."""
    data = struct.pack("iIQ6Q", number, arch, 0, first, 0, 0, 0, 0, 0)
    at, accumulator = 0, 0
    while True:
        code, if_true, if_false, value = struct.unpack_from("HBBI", steps, at * 8)
        at += 1
        if code == 0x20:
            accumulator = struct.unpack_from("I", data, value)[0]
        elif code == 0x06:
            return int(value)
        else:
            holds = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[code]
            at += if_true if holds else if_false


@pytest.mark.parametrize(
    ("arch", "machine", "read", "mount", "clone", "socket", "ptrace"),
    [(X86_64, "x86_64", 0, 165, 56, 41, 101), (AARCH64, "aarch64", 63, 40, 220, 198, 117)],
)
def test_what_is_refused(arch: int, machine: str, read: int, mount: int, clone: int, socket: int, ptrace: int) -> None:
    """Ordinary calls and tracing pass; mounts, io_uring and user namespaces do not; sockets if that is asked for."""
    mild = program(machine, foreign=False, network=False)
    strict = program(machine, foreign=True, network=True)
    for steps in (mild, strict):
        assert judged(steps, arch, read) == ALLOW
        assert judged(steps, arch, mount) == REFUSE
        assert judged(steps, arch, 425) == REFUSE
        assert judged(steps, arch, 435) == NOT_THERE
        assert judged(steps, arch, clone, 0x11) == ALLOW
        assert judged(steps, arch, clone, 0x10000011) == REFUSE
    assert (judged(mild, arch, ptrace), judged(strict, arch, ptrace)) == (ALLOW, ALLOW)
    assert [judged(strict, arch, socket, family) for family in (1, 2, 10, 16, 17)] == [
        ALLOW, REFUSE, REFUSE, ALLOW, REFUSE,
    ]  # fmt: skip
    assert judged(mild, arch, socket, 2) == ALLOW


def test_other_interfaces() -> None:
    """A 32-bit program of this machine goes around the numbers: refused where the filter is a boundary."""
    assert judged(program("x86_64", foreign=False, network=False), 0x40000003, 21) == ALLOW
    assert judged(program("x86_64", foreign=True, network=True), 0x40000003, 4) == REFUSE
    assert judged(program("x86_64", foreign=True, network=True), X86_64, 0x40000000 + 41, 2) == REFUSE


def test_unknown_machine() -> None:
    """No filter, which is then said."""
    assert program("vax", foreign=True, network=True) == b""
