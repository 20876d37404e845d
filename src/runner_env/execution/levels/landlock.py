"""Landlock: the kernel refuses the keeper, and all it starts, what it was not given; no other program is needed."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.execution.levels.engines import engine_sockets
from runner_env.execution.levels.judging import common_guarantees, common_problem
from runner_env.execution.levels.model import Facts, Guarantee, Guarantees, Network, Places, Start
from runner_env.execution.levels.orders import trials

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm", "kfd", "dri")
_RULES_TRUNCATION = 3
_SCOPES_SIGNALS = 6


class Landlock:
    """Writes and reads are contained by an allow-list; signals too, from Linux 6.12 on."""

    name = "landlock"

    def missing(self, environ: Mapping[str, str]) -> str:  # noqa: ARG002
        """Whether the kernel has it is asked by trying."""
        return ""

    def start(
        self,
        keeper: Sequence[str],
        places: Places | None,
        network: Network,
        environ: Mapping[str, str],  # noqa: ARG002
    ) -> Start:
        """The command line itself: the keeper confines itself."""
        assert places is not None
        barred = (*places.hidden, *places.secrets)
        readable = [*readable_below("/", barred)]
        for place in places.visible:
            inner = (path for path in places.hidden if path != place and path.is_relative_to(place))
            readable += readable_below(str(place), (*inner, *places.secrets))
        orders = [("level", self.name), ("network", network)]
        orders += [("read", path) for path in readable]
        orders += [("write", str(path)) for path in (*places.writable, *_devices())]
        orders += trials(places)
        return Start(tuple(keeper), str(places.tmp), tuple(orders))

    def judge(self, facts: Facts, places: Places | None, network: Network) -> Guarantees | str:
        """As far as the kernel's version goes."""
        assert places is not None
        if facts.landlock == 0:
            return "the kernel has no Landlock, or it is switched off"
        if problem := common_problem(facts):
            return problem
        if facts.signals and facts.landlock >= _SCOPES_SIGNALS:
            return "a process outside can be signalled"
        scoped = not facts.signals
        engine = next((str(path) for path in engine_sockets() if os.access(path, os.W_OK)), "")
        truncates = facts.landlock < _RULES_TRUNCATION
        write = Guarantee("best_effort", f"engine_socket:{engine}") if engine else Guarantee("enforced", "canary_write")
        return common_guarantees(
            facts,
            fs_write=Guarantee("best_effort", "landlock_abi_3") if truncates else write,
            fs_read_secrets=Guarantee("best_effort" if engine else "enforced", "canary_read"),
            git_and_contract=Guarantee("detected", "hashes"),
            net=Guarantee("enforced", "connect") if network == "none" and facts.filtered else None,
            signals=Guarantee("enforced", "canary_signal") if scoped else Guarantee("none", "canary_signal"),
            cleanup=Guarantee("enforced" if scoped else "best_effort", "guardian"),
        )

    def hint(self) -> str:
        """What makes it available."""
        return "Use Linux 5.13 or newer with Landlock switched on (`lsm=landlock,…` on the kernel's command line)."


def readable_below(place: str, barred: Sequence[Path]) -> Iterator[str]:
    """The largest parts of `place` that contain nothing barred.

    Rules only ever add rights to a folder and all below it, so what contains something barred is taken apart. Links
    are left out: what they lead to counts.
    """
    # Plain strings: before each run this looks at all that lies beside what is barred.
    within = tuple(f"{path}/" for path in barred)
    above = frozenset(str(folder) for path in barred for folder in (path, *path.parents))
    yield from _readable(place, within, above)


def _readable(place: str, within: tuple[str, ...], above: frozenset[str]) -> Iterator[str]:
    if f"{place}/".startswith(within):
        return
    if place not in above:
        yield place
        return
    for inner in _listed(place):
        yield from _readable(inner, within, above)


def _listed(folder: str) -> Iterable[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.path for entry in entries if not entry.is_symlink()]
    except OSError:  # what cannot be listed cannot be read
        return []


def _devices() -> Iterator[Path]:
    """Those that programs need; not all, because a disk is a device."""
    dev = Path("/dev")
    for path in (*(dev / name for name in _DEVICES), *dev.glob("nvidia*")):
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if stat.S_ISCHR(mode) or stat.S_ISDIR(mode):
            yield path
