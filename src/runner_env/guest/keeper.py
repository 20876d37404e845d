"""The keeper: one process for each box, from which all commands of a run descend.

    runner ── guardian ── keeper ─┬─ minder ── command ── whatever it starts
                                  ├─ minder ── command (a kept service)
                                  └─ minder, waiting for its first command, or for its next one

Keeper, guardian and minders are subreapers: nobody below can detach. The control socket is the lifeline: when the
runner ends, even by SIGKILL, its end closes, the keeper kills all and exits. The guardian does the same when the
keeper is killed. Nothing here polls, and PDEATHSIG is not used (it fires when the *thread* that forked ends).

    runner -> keeper   {"op": "confine"} with the descriptor of its orders (`runner_env.guest.orders`), once, first
                       {"op": "run", "mark": "..."} with the descriptors [channel, stdout, stderr, packed command],
                       for a minder that had none before; the next one goes over its channel
    keeper -> runner   {"event": "ready", "pid": 123, …}   with what `runner_env.guest.facts` found out

As the first process of a PID namespace the keeper needs no guardian: with it the kernel ends all of the namespace, and
nothing inside can end it. Elsewhere the guardian stays outside of what confines the keeper.
"""

from __future__ import annotations

import gc
import os
import select

from runner_env.guest import kernel, launch, messages, tree
from runner_env.guest.barred import bar
from runner_env.guest.confine import confine
from runner_env.guest.facts import measure
from runner_env.guest.minder import mind
from runner_env.guest.orders import Orders
from runner_env.guest.waker import Waker, ignore_requests_to_end

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import NoReturn
else:
    import _socket as socket

_ALL_GONE, _SOME_LEFT = 0, 1
_FIRST = 1


def main(control: int) -> NoReturn:
    """Guard and keep a box until the other end of the socket `control` closes.

    The exit status is 0 only if the kernel confirmed that no process of the box is left.
    """
    kernel.adopt_orphans()
    kernel.hide_memory()
    ignore_requests_to_end()
    lifeline = socket.socket(fileno=control)
    message, descriptors = messages.receive_with_descriptors(lifeline, 1)
    if message is None:
        os._exit(_ALL_GONE)
    guardian = os.getpid()
    if guardian == _FIRST:
        guardian = 0
    elif keeper := os.fork():
        _guard(keeper)
    _keep(lifeline, Orders(descriptors[0]), guardian)


def _guard(keeper: int) -> NoReturn:
    launch.close_all_above(2)
    waker = Waker()
    while not any(death.pid == keeper for death in tree.reap()[0]):
        waker.pause(3600)
    _end(waker)


def _keep(control: socket.socket, orders: Orders, guardian: int) -> NoReturn:
    kernel.adopt_orphans()
    landlock = confine(orders)
    contained = orders.one("level") == "landlock"
    filtered = orders.one("level") != "none" and bar(
        foreign=contained, network=contained and orders.one("network") == "none"
    )
    facts = measure(orders, landlock, filtered, guardian)
    waker = Waker()
    gc.freeze()  # a minder, being a fork, would copy every page on which the collector makes its marks
    messages.send(control, {"event": "ready", **facts})
    poll = select.poll()
    poll.register(waker.fileno(), select.POLLIN)
    poll.register(control.fileno(), select.POLLIN)
    spare = _try_fork_minder()
    serving = True
    while serving:
        ready = [fd for fd, _ in poll.poll()]
        waker.drain()
        serving = _minders_are_well()
        if serving and control.fileno() in ready:
            serving, spare = _serve(control, spare), None
        elif serving and spare is None:  # a minder has ended; while a command is at work, it shall have the processor
            spare = _try_fork_minder()
    _end(waker)


def _minders_are_well() -> bool:
    """Only minders are children here and they exit with 0: anything else means that one was killed or failed."""
    return all(death.code == 0 for death in tree.reap()[0])


def _serve(control: socket.socket, spare: socket.socket | None) -> bool:
    """Hand one order to the minder behind `spare`, or to a new one; False if there will be no more orders."""
    message, descriptors = messages.receive_with_descriptors(control, messages.MOST_DESCRIPTORS)
    if message is None:
        return False
    try:
        minder = spare or _fork_minder()
        messages.send(minder, message, descriptors)
        minder.close()
    except OSError as error:
        channel = socket.socket(fileno=os.dup(descriptors[0]))
        messages.send(channel, {"event": "error", "reason": f"cannot fork: {error.strerror}"})
        channel.close()
    for descriptor in descriptors:
        os.close(descriptor)
    return True


def _try_fork_minder() -> socket.socket | None:
    try:
        return _fork_minder()
    except OSError:  # by the next order there may be room again; if not, that order is told
        return None


def _fork_minder() -> socket.socket:
    """Fork a minder; returns where it takes its order."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        if os.fork() == 0:
            mind(theirs)
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
    return ours


def _end(waker: Waker) -> NoReturn:
    all_gone = tree.end_children(waker.pause)[1]
    os._exit(_ALL_GONE if all_gone else _SOME_LEFT)
