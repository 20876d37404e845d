"""What a level is told, what it does, and what is said about the box that came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Network = Literal["host", "none"]
Held = Literal["enforced", "detected", "best_effort", "none"]
"""How far something is guaranteed: the kernel sees to it; it is noticed afterwards; often, not always; not at all."""


@dataclass(frozen=True, slots=True)
class Places:
    """The files and folders that a box is about: absolute, resolved, existing.

    Attributes:
        workspace: where the stages work; writable but for what is in `fixed`.
        home: the run's own home directory; writable.
        tmp: the run's own folder for temporary files; writable.
        cache: where package managers keep what they fetched, one for each target; writable.
        canary: a file that no stage may read or write; what comes of trying is part of the probe.
        hidden: files and folders that no stage may read, but for what is in `visible` and writable.
        secrets: files and folders that hold credentials, wherever they are: never readable.
        visible: files and folders that stay readable although they lie in a hidden one.
        fixed: files and folders of the workspace that must not be changed.
        loose: the folders on the way from the workspace to `fixed`, which must not be moved away.
        unfixed: some of what must not be changed cannot be listed in `fixed`, being reached by a link.
        also: further files and folders that may be written, such as those in which a program keeps its state.
    """

    workspace: Path
    home: Path
    tmp: Path
    cache: Path
    canary: Path
    hidden: tuple[Path, ...] = ()
    secrets: tuple[Path, ...] = ()
    visible: tuple[Path, ...] = ()
    fixed: tuple[Path, ...] = ()
    loose: tuple[Path, ...] = ()
    unfixed: bool = False
    also: tuple[Path, ...] = ()

    @property
    def writable(self) -> tuple[Path, ...]:
        """Every place that stages may write to."""
        return (self.home, self.tmp, self.cache, self.workspace, *self.also)


@dataclass(frozen=True, slots=True)
class Guarantee:
    """One thing that a box promises.

    Attributes:
        held: how far. In JSON it is called `is`.
        probe: what it rests on: the id of what was tried in this very box, or of what makes it so.
    """

    held: Held
    probe: str


@dataclass(frozen=True, slots=True)
class Guarantees:
    """All that is promised, or not.

    Attributes:
        fs_write: outside of the writable folders no file is made, removed or given other content.
        fs_read_secrets: credentials, other homes and evidence are not read.
        git_and_contract: `.git` and the contract files are not changed.
        net: no connection leaves the box.
        pids_hidden: processes outside cannot be seen.
        signals: processes outside cannot be signalled.
        cleanup: nothing that a run started outlives it.
        caps_dropped: no privilege of root is left.
        mem_limit: memory is limited.
        pids_limit: the number of processes is limited.
        disk_limit: what is written is limited.
        observed: which programs ran is recorded.
    """

    fs_write: Guarantee
    fs_read_secrets: Guarantee
    git_and_contract: Guarantee
    net: Guarantee
    pids_hidden: Guarantee
    signals: Guarantee
    cleanup: Guarantee
    caps_dropped: Guarantee
    mem_limit: Guarantee
    pids_limit: Guarantee
    disk_limit: Guarantee
    observed: Guarantee


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The box as it came to be.

    Attributes:
        level: its level.
        requested: what was asked for.
        network: `host` or `none`, as asked for; `guarantees.net` says what holds.
        fallback_reason: why it is not the first level that was tried; empty if it is.
        landlock_abi: the version of Landlock in force; 0 for none.
        guarantees: what it promises.
    """

    level: str
    requested: str
    network: Network
    fallback_reason: str
    landlock_abi: int
    guarantees: Guarantees


@dataclass(frozen=True, slots=True)
class Facts:
    """What the keeper found out by trying (`runner_env.guest.facts`)."""

    pid: int
    landlock: int
    filtered: bool
    written: str
    seen: str
    unwritable: str
    signals: bool
    outside_processes: int
    loopback: bool
    network: bool
    limited: bool
    capabilities: str = ""
    capability_bound: str = ""
    no_new_privileges: str = ""

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Facts:
        """From the keeper's message."""
        return cls(**{name: value for name, value in message.items() if name != "event"})


@dataclass(frozen=True, slots=True)
class Start:
    """How to start a keeper at some level.

    Attributes:
        argv: the command line; descriptors stay open across it.
        tmp: where its commands find their temporary files.
        orders: what it is told, names and values.
    """

    argv: tuple[str, ...]
    tmp: str = ""
    orders: tuple[tuple[str, str], ...] = field(default=())


class Level(Protocol):
    """A way to start the keeper, so that all it starts is contained."""

    @property
    def name(self) -> str:
        """As the user writes it."""

    def missing(self, environ: Mapping[str, str]) -> str:
        """What is plainly not there, without which it need not be tried; empty if nothing."""

    def start(
        self, keeper: Sequence[str], places: Places | None, network: Network, environ: Mapping[str, str]
    ) -> Start:
        """How to start the keeper; `keeper` is the beginning of its own command line, and must come last."""

    def judge(self, facts: Facts, places: Places | None, network: Network) -> Guarantees | str:
        """What the box promises, from what was tried in it; or why this level does not hold here."""

    def hint(self) -> str:
        """What a user can do where it does not hold."""
