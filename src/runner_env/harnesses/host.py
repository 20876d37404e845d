"""Where agent programs run: which of them are there, their environment, their home, and the boxes that contain them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.core import FailureKind
from runner_env.errors import ExecutionError, HarnessError
from runner_env.execution import Box
from runner_env.execution.levels import Places
from runner_env.execution.levels.hidden import hidden_places, secret_places
from runner_env.execution.levels.visible import visible_places
from runner_env.harnesses.footprints import COMMON

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner_env.execution.levels import Sandbox
    from runner_env.harnesses.footprints import Footprint, Place
    from runner_env.harnesses.options import HarnessOptions


class AgentHost:
    """The surroundings of one harness's programs.

    They have a home directory of their own, which lasts as long as the harness; in it, what belongs to the programs
    leads to where the operator has it. Contained, they write to that, to the copies that they work in and to what they
    keep their state in; of other homes, credentials and evidence they see nothing.

    Args:
        options: which folders it is about, and at which levels.
        footprints: of the programs.
        name: of the harness, for errors.

    Attributes:
        sandbox: how the last box contained its commands; None until one was opened.
    """

    def __init__(self, options: HarnessOptions, footprints: tuple[Footprint, ...], name: str) -> None:
        self._options = options
        self._footprints = footprints
        self._name = name
        self.sandbox: Sandbox | None = None

    @property
    def home(self) -> Path:
        """Their home directory, the same path inside and outside of a box."""
        return self._options.premises.scratch / "home"

    def check(self) -> None:
        """Make sure that each program is there.

        Raises:
            HarnessError: kind `spawn`; the hint says how to install what is missing.
        """
        for footprint in self._footprints:
            if find_program(footprint, self._options.environ) is None:
                raise missing(footprint, self._name)

    def environment(self) -> dict[str, str]:
        """All that the programs are passed."""
        environ = self._options.environ
        names = [*COMMON, *self._options.pass_env]
        for footprint in self._footprints:
            names += footprint.variables
        exact = frozenset(names)
        prefixes = tuple(name[:-1] for name in names if name.endswith("*"))
        passed = {name: value for name, value in environ.items() if name in exact or name.startswith(prefixes)}
        return {**passed, "HOME": str(self.home), "TMPDIR": str(self.home / "tmp")}

    def open_box(self) -> Box:
        """Start a box and wait for it; not for an event loop's thread.

        Raises:
            HarnessError: kind `spawn`: no box that will do can be had, or the folders cannot be made.
        """
        try:
            box = Box.open(self._options.wanted, self._places(), environ=self._options.environ)
            self.sandbox = box.sandbox
        except (ExecutionError, OSError) as error:
            message = getattr(error, "message", str(error))
            hint = getattr(error, "hint", None)
            raise HarnessError(FailureKind.SPAWN, message, harness=self._name, hint=hint) from error
        return box

    def _places(self) -> Places:
        environ, premises = self._options.environ, self._options.premises
        self._furnish()
        kept = tuple(dict.fromkeys(self._own(kept=True)))
        read = (*self._own(kept=False), *self._named())
        hidden = tuple(dict.fromkeys((*hidden_places(environ, premises.scratch), *premises.hidden)))
        secrets = secret_places(environ, frozenset(self._options.pass_env))
        return Places(
            workspace=premises.copies,
            home=self.home,
            tmp=premises.scratch / "tmp",
            cache=premises.scratch / "cache",
            canary=premises.scratch / "canary",
            hidden=hidden,
            secrets=tuple(path for path in secrets if not _around(path, (*kept, *read))),
            visible=visible_places(environ, hidden, read),
            also=kept,
        )

    def _furnish(self) -> None:
        """Make the folders, and have what belongs to the programs be found where they look for it."""
        scratch = self._options.premises.scratch
        for folder in (self.home, self.home / "tmp", scratch / "tmp", scratch / "cache"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (scratch / "canary").write_text("no agent can read this\n", encoding="utf-8")
        for place in self._belongings():
            path = place.path(self._options.environ)
            if path is not None and not os.path.lexists(self.home / place.default):
                _furnish(self.home / place.default, place, path)

    def _belongings(self) -> Iterator[Place]:
        return (place for footprint in self._footprints for place in footprint.places)

    def _own(self, *, kept: bool) -> Iterator[Path]:
        """What the programs have for themselves, as far as it is there."""
        for place in self._belongings():
            path = place.path(self._options.environ)
            if place.kept is kept and path is not None and path.exists():
                yield Path(os.path.realpath(path))

    def _named(self) -> Iterator[Path]:
        """What a variable that is passed leads to, as a configuration file."""
        environment = self.environment()
        common = frozenset(COMMON)
        for name in environment.keys() - common - {"HOME", "TMPDIR"}:
            value = environment[name]
            if value.startswith("/") and os.path.exists(value):  # noqa: PTH110 - may be no path at all
                yield Path(os.path.realpath(value))


def find_program(footprint: Footprint, environ: Mapping[str, str]) -> Path | None:
    """The executable on the operator's PATH; None if it is not there."""
    found = shutil.which(footprint.program, path=environ.get("PATH", ""))
    return Path(found) if found else None


def missing(footprint: Footprint, harness: str) -> HarnessError:
    """What it means that a program is not there."""
    message = f"The program `{footprint.program}` is not on PATH."
    hint = f"Install it ({footprint.install}), or choose another harness."
    return HarnessError(FailureKind.SPAWN, message, harness=harness, hint=hint)


def _furnish(link: Path, place: Place, path: Path) -> None:
    """Have a program find at `link` what is at `path`.

    Where it keeps its state, that is the very place. Of what it only reads it gets files of its own, because some
    programs do not start where they cannot write; folders in it are the operator's, to be read only.
    """
    link.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if place.kept:
        if not place.file:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            link.symlink_to(os.path.realpath(path))
    elif path.is_dir():
        link.mkdir(mode=0o700)
        for entry in path.iterdir():
            _copy(entry, link / entry.name)
    else:
        _copy(path, link)


def _copy(entry: Path, link: Path) -> None:
    if entry.is_file():
        shutil.copyfile(entry, link)
    elif entry.exists():
        link.symlink_to(os.path.realpath(entry))


def _around(path: Path, places: Iterable[Path]) -> bool:
    return any(place == path or place.is_relative_to(path) for place in places)
