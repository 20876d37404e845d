"""The keeper: one process for each box, from which all commands of a run descend.

    runner ── guardian ── keeper ─┬─ minder ── command ── whatever it starts
                                  └─ minder ── command (a kept service)

Keeper, guardian and minders are subreapers: nobody below can detach. The control socket is the lifeline: when the
runner ends, even by SIGKILL, its end closes, the keeper kills all and exits. The guardian does the same when the
keeper is killed. Nothing here polls, and PDEATHSIG is not used (it fires when the *thread* that forked ends).

    runner -> keeper   {"op": "run", "mark": "..."} with the descriptors [channel, stdout, stderr, packed command]
    keeper -> runner   {"event": "ready", "pid": 123}
"""

from __future__ import annotations

import os
import select
import socket
from typing import NoReturn

from runner_env.guest import kernel, launch, messages, tree
from runner_env.guest.minder import mind
from runner_env.guest.waker import Waker, ignore_requests_to_end

_ALL_GONE, _SOME_LEFT = 0, 1


def main(control: int) -> NoReturn:
    """Guard and keep a box until the other end of the socket `control` closes.

    The exit status is 0 only if the kernel confirmed that no process of the box is left.
    """
    kernel.adopt_orphans()
    kernel.hide_memory()
    ignore_requests_to_end()
    keeper = os.fork()
    if keeper:
        _guard(keeper)
    _keep(socket.socket(fileno=control))


def _guard(keeper: int) -> NoReturn:
    launch.close_all_above(2)
    waker = Waker()
    while not any(death.pid == keeper for death in tree.reap()[0]):
        waker.pause(3600)
    _end(waker)


def _keep(control: socket.socket) -> NoReturn:
    kernel.adopt_orphans()
    waker = Waker()
    messages.send(control, {"event": "ready", "pid": os.getpid()})
    poll = select.poll()
    poll.register(waker.fileno(), select.POLLIN)
    poll.register(control.fileno(), select.POLLIN)
    serving = True
    while serving:
        ready = [fd for fd, _ in poll.poll()]
        waker.drain()
        serving = _minders_are_well() and (control.fileno() not in ready or _serve(control))
    _end(waker)


def _minders_are_well() -> bool:
    """Only minders are children here and they exit with 0: anything else means that one was killed or failed."""
    return all(death.code == 0 for death in tree.reap()[0])


def _serve(control: socket.socket) -> bool:
    message, descriptors = messages.receive_with_descriptors(control, 4)
    if message is None:
        return False
    channel = socket.socket(fileno=descriptors[0])
    try:
        _start_minder(channel, descriptors[1:], (messages.MARK, message["mark"]))
    finally:
        channel.close()
        for descriptor in descriptors[1:]:
            os.close(descriptor)
    return True


def _start_minder(channel: socket.socket, descriptors: list[int], mark: tuple[str, str]) -> None:
    try:
        pid = os.fork()
    except OSError as error:
        messages.send(channel, {"event": "error", "reason": f"cannot fork: {error.strerror}"})
        return
    if pid == 0:
        out, err, payload = descriptors
        mind(channel, out, err, payload, mark)


def _end(waker: Waker) -> NoReturn:
    all_gone = tree.end_children(waker.pause)[1]
    os._exit(_ALL_GONE if all_gone else _SOME_LEFT)
