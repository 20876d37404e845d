"""bubblewrap: the keeper is the first process of namespaces of its own, in which only chosen files are there."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.execution.levels.judging import common_guarantees, common_problem
from runner_env.execution.levels.model import Facts, Guarantee, Guarantees, Network, Places, Start
from runner_env.execution.levels.orders import trials

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_NAMESPACES = ("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts")
"""bwrap makes a user namespace by itself only for ordinary users; root needs it as much."""
_FOR_THE_KEEPER = ("--cap-drop", "ALL", "--cap-add", "CAP_SYS_ADMIN", "--cap-add", "CAP_SETPCAP")
"""With these, which reach no further than the namespaces, it sets limits, covers /proc/sys, and then gives them up."""
_TEMPORARY = ("/tmp", "/var/tmp")
"""What is there inside is the run's own."""


class Bwrap:
    """Everything is read-only or hidden but the workspace, the run's own home, temporary folder and cache.

    `--die-with-parent` is not used: it ends the box with the *thread* that started it, and the lifeline does what it is
    for.
    """

    name = "bwrap"

    def missing(self, environ: Mapping[str, str]) -> str:
        """The program."""
        return "" if shutil.which("bwrap", path=environ.get("PATH")) else "bwrap is not installed"

    def start(
        self, keeper: Sequence[str], places: Places | None, network: Network, environ: Mapping[str, str]
    ) -> Start:
        """The command line, from the root downwards: what comes later covers what came earlier."""
        assert places is not None
        program = shutil.which("bwrap", path=environ.get("PATH")) or "bwrap"
        argv = [program, *_NAMESPACES, *(["--unshare-net"] if network == "none" else []), *_FOR_THE_KEEPER]
        argv += ["--as-pid-1", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
        for device in _devices():
            argv += ["--dev-bind-try", device, device]
        for mount in _mounts(places):
            argv += mount
        orders = [("level", self.name), ("network", network), *_trials(places)]
        return Start((*argv, "--chdir", "/", "--", *keeper), _TEMPORARY[0], tuple(orders))

    def judge(self, facts: Facts, places: Places | None, network: Network) -> Guarantees | str:
        """Nothing but a box in which all of it is true counts."""
        assert places is not None
        if facts.pid != 1 or facts.outside_processes:
            return "processes outside can be seen"
        if problem := common_problem(facts):
            return problem
        if network == "none" and (facts.network or not facts.loopback):
            return "the network outside can be reached" if facts.network else "the box has no loopback"
        found = common_guarantees(
            facts,
            fs_write=Guarantee("enforced", "canary_write"),
            fs_read_secrets=Guarantee("enforced", "canary_read"),
            git_and_contract=Guarantee("detected", "hashes")
            if places.unfixed
            else Guarantee("enforced", "canary_fixed"),
            net=Guarantee("enforced", "connect") if network == "none" else None,
            signals=Guarantee("enforced", "pids_visible"),
            cleanup=Guarantee("enforced", "pid_namespace"),
        )
        return replace(found, pids_limit=Guarantee("enforced", "pid_max")) if facts.limited else found

    def hint(self) -> str:
        """What makes it available."""
        return (
            "Install it (`apt install bubblewrap`); if it is there, allow user namespaces: an AppArmor profile for it, "
            "`sysctl kernel.apparmor_restrict_unprivileged_userns=0` or `kernel.unprivileged_userns_clone=1`; in a "
            "container, a seccomp profile that allows them and `--security-opt systempaths=unconfined`."
        )


def _mounts(places: Places) -> Iterator[tuple[str, ...]]:
    writable = [path for path in places.writable if path != places.tmp]
    folders = _outermost(path for path in places.hidden if path.is_dir() and str(path) not in _TEMPORARY)
    for path in _TEMPORARY:
        yield "--bind", str(places.tmp), path
    yield from (("--tmpfs", str(path)) for path in folders)
    yield from (("--ro-bind-try", str(path), str(path)) for path in _ordered(_covered(places.visible, places.hidden)))
    # within what was made visible again, and within a workspace that contains a whole home
    yield from (_cover(path) for path in _ordered(places.hidden) if _shown(path, places.visible))
    yield from (("--bind", str(path), str(path)) for path in _ordered(writable))
    yield from (_cover(path) for path in _ordered(places.secrets) if not _gone(path, places))
    yield from (("--bind", str(path), str(path)) for path in _ordered(places.loose))
    yield from (("--ro-bind", str(path), str(path)) for path in places.fixed)
    yield from (("--remount-ro", str(path)) for path in folders)  # or else they could be filled with all the memory


def _cover(path: Path) -> tuple[str, ...]:
    return ("--tmpfs", str(path)) if path.is_dir() else ("--ro-bind", os.devnull, str(path))


def _gone(path: Path, places: Places) -> bool:
    """Whether it lies in a hidden folder, and in nothing that is shown all the same."""
    return _shown(path, places.hidden) and not _shown(path, (*places.visible, *places.writable))


def _shown(path: Path, within: Iterable[Path]) -> bool:
    return any(path.is_relative_to(place) for place in within)


def _covered(paths: Iterable[Path], within: Sequence[Path]) -> Iterator[Path]:
    return (path for path in paths if _shown(path, within))


def _outermost(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in _ordered(paths):
        if not _shown(path, found):
            found.append(path)
    return found


def _ordered(paths: Iterable[Path]) -> list[Path]:
    """Each once, a folder before what is in it."""
    return sorted(set(paths), key=lambda path: (len(path.parts), path))


def _devices() -> Iterator[str]:
    dev = Path("/dev")
    return (str(path) for path in (*dev.glob("nvidia*"), dev / "kfd", dev / "dri") if path.exists())


def _trials(places: Places) -> Iterator[tuple[str, str]]:
    yield from trials(places)
    for path in places.fixed:
        yield "outside" if path.is_dir() else "fixed", str(path)
