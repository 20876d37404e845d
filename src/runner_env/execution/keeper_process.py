"""The host's side of the keeper: start it, have it launch commands, and make sure of its end."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner_env.errors import ExecutionError
from runner_env.execution.streams import wait_readable
from runner_env.guest import messages, orders, tree

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

    from runner_env.execution.levels.model import Start
    from runner_env.execution.request import Request

_START_S = 15.0
_BOOT = "import sys; sys.path.append(sys.argv[1]); from runner_env.guest.keeper import main; main(int(sys.argv[2]))"
SOURCE = str(Path(__file__).resolve().parents[2])
"""Where the keeper imports this package from."""


class KeeperProcess:
    """The keeper of one box with its guardian (`runner_env.guest.keeper` tells who is who).

    It is on its way when this returns; `await_ready` says whether it arrived.

    Attributes:
        launched: how many commands it was asked to start.

    Raises:
        ExecutionError: it cannot be started.
    """

    def __init__(self, start: Start, more_orders: Sequence[tuple[str, str]] = ()) -> None:
        self._token = secrets.token_hex(16)
        self.launched = 0
        self._ready: dict[str, Any] | None = None
        self._free: socket.socket | None = None
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._stderr = os.memfd_create("keeper-stderr", os.MFD_CLOEXEC)
        try:
            with theirs:
                self._guardian = self._start(start, theirs)
            self._confine([*start.orders, *more_orders])
        except BaseException:
            self._control.close()
            os.close(self._stderr)
            raise

    def fileno(self) -> int:
        """The lifeline: readable only when the keeper is gone."""
        return self._control.fileno()

    @staticmethod
    def command(python: str) -> list[str]:
        """The command line of a keeper but for its last word, its descriptor."""
        return [python, "-I", "-S", "-c", _BOOT, SOURCE]

    def await_ready(self) -> dict[str, Any]:
        """Wait until it can launch commands. Idempotent.

        Returns:
            What it found out (`runner_env.guest.facts`).

        Raises:
            ExecutionError: it did not start; everything is released.
        """
        if self._ready is None and wait_readable([self._control.fileno()], _START_S):
            self._ready = messages.receive(self._control)
        if self._ready is not None:
            return self._ready
        self._guardian.kill()
        self._guardian.wait()  # what it had to say is complete then
        what = self.complaint().strip() or f"no answer within {_START_S:g} s"
        self._release()
        raise ExecutionError("keeper_not_started", f"The keeper did not start: {what}")

    def launch(self, request: Request, *writers: int) -> socket.socket:
        """Have a command started.

        Args:
            request: the command.
            *writers: where its standard output and standard error go, and, if it is observed, the events.

        Returns:
            The channel to its minder; if the keeper is gone, its end is seen there.
        """
        payload = messages.pack(request.argv, request.env, str(request.cwd.absolute()))
        try:
            channel, self._free = self._free, None
            given = [] if request.stdin is None else [request.stdin]
            out, err, *trace = writers
            return self._order(channel, _terms(request), [out, err, payload, *trace, *given])
        finally:
            os.close(payload)

    def take_back(self, channel: socket.socket) -> None:
        """Take the channel to a minder that is free again."""
        if self._free is not None:
            self._free.close()
        self._free = channel

    def hang_up(self) -> None:
        """Give the order that everything ends: close the lifeline for both sides. Idempotent."""
        try:
            self._control.shutdown(socket.SHUT_RDWR)
        except OSError:  # the keeper is gone already
            return

    def stop(self) -> int:
        """Hang up, wait until nothing of the box is left, and release everything.

        Returns:
            How many processes had to be killed from here because the keeper did not do it.

        Raises:
            ExecutionError: some processes cannot be ended.
        """
        self.hang_up()
        try:
            clean = self._wait(tree.PATIENCE_S + 2) and self._guardian.wait() == 0
            return 0 if clean else self._sweep()
        finally:
            self._release()

    def kill(self) -> int:
        """As `stop`, when the keeper is lost or does not answer."""
        self.hang_up()
        try:
            return self._sweep()
        finally:
            self._release()

    def complaint(self) -> str:
        """What keeper and minders wrote to their standard error: empty but for a bug."""
        return os.pread(self._stderr, 4000, max(0, os.fstat(self._stderr).st_size - 4000)).decode(errors="replace")

    def _order(
        self, channel: socket.socket | None, terms: dict[str, str | int | bool], descriptors: list[int]
    ) -> socket.socket:
        """Tell a free minder, or else the keeper, what to start."""
        message = {"op": "run", "mark": f"{self._token}.{self.launched + 1}", **terms}
        if channel is None:
            channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                messages.send(self._control, message, [theirs.fileno(), *descriptors])
        elif not messages.send(channel, message, descriptors):
            channel.shutdown(socket.SHUT_RDWR)  # its end is then seen, whatever was the matter
        self.launched += 1
        return channel

    def _confine(self, pairs: Sequence[tuple[str, str]]) -> None:
        descriptor = orders.pack(pairs)
        messages.send(self._control, {"op": "confine"}, [descriptor])
        os.close(descriptor)

    def _start(self, start: Start, theirs: socket.socket) -> subprocess.Popen[bytes]:
        import subprocess

        argv = [*start.argv, str(theirs.fileno())]
        try:
            return subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                pass_fds=[theirs.fileno()],
                env={messages.MARK: f"{self._token}.0"},
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise ExecutionError("keeper_not_started", f"{start.argv[0]} cannot be started: {error}") from error

    def _wait(self, seconds: float) -> bool:
        """Wait until guardian, keeper and minders are gone: only they hold the other end of their standard output."""
        return bool(wait_readable([self._stdout], seconds))

    @property
    def _stdout(self) -> int:
        assert self._guardian.stdout is not None
        return self._guardian.stdout.fileno()

    def _release(self) -> None:
        self._guardian.kill()
        self._guardian.wait()
        if self._guardian.stdout is not None:
            self._guardian.stdout.close()
        if self._free is not None:
            self._free.close()
        self._control.close()
        os.close(self._stderr)

    def _sweep(self) -> int:
        """Kill what is below the guardian and what carries the mark of this box, until nothing is found."""
        killed: set[int] = set()
        deadline = time.monotonic() + tree.PATIENCE_S
        while victims := tree.living({*tree.descendants(self._guardian.pid), *_marked(self._token)}):
            tree.signal_each(victims, signal.SIGKILL)
            killed.update(victims)
            if time.monotonic() > deadline:
                raise ExecutionError("processes_left", f"Processes cannot be ended: {_names(victims)}.")
            self._wait(0.002)
        return len(killed)


def _terms(request: Request) -> dict[str, str | int | bool]:
    """On what terms a minder runs the command."""
    limits, observation = request.limits, request.observation
    below = observation.writes_below if observation else None
    return {
        "observe": "" if observation is None else "programs" if below is None else "writes",
        "root": os.fsencode(below).hex() if below else "",
        "memory": limits.memory_bytes,
        "processes": limits.processes,
        "files": limits.open_files,
        "input": request.stdin is not None,
    }


def _marked(token: str) -> list[int]:
    """Processes with the mark of a box in their environment, which only itself can have handed down."""
    needle = f"{messages.MARK}={token}.".encode()
    found = []
    for entry in os.scandir("/proc"):
        try:
            if entry.name.isdigit() and needle in Path(entry.path, "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:  # gone, or another user's
            continue
    return found


def _names(pids: Sequence[int]) -> str:
    return ", ".join(map(str, sorted(pids)))
