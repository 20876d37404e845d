"""Where agent programs run: which of them are there, their environment, their home, and the boxes that contain them."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.core import FailureKind
from runner_env.errors import ExecutionError, HarnessError
from runner_env.execution import Box
from runner_env.execution.levels import Places
from runner_env.execution.levels.hidden import hidden_places, secret_places
from runner_env.execution.levels.visible import visible_places
from runner_env.harnesses.footprints import COMMON
from runner_env.harnesses.furniture import furnish

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner_env.execution.levels import Sandbox
    from runner_env.harnesses.footprints import Footprint, Place
    from runner_env.harnesses.options import HarnessOptions


class AgentHost:
    """The surroundings of one harness's programs.

    They have a home directory of their own, which lasts as long as the harness, with what the operator has for them.
    Contained, they write to that, to the copies that they work in and to their logins; of other homes, credentials and
    evidence they see nothing.

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
        self._wanted = options.wanted
        self._ruled_out: list[str] = []
        self.sandbox: Sandbox | None = None

    @property
    def home(self) -> Path:
        """Their home directory, the same path inside and outside of a box."""
        return self._options.premises.scratch / "home"

    def check(self, *footprints: Footprint) -> None:
        """Make sure that each program is there.

        Args:
            footprints: of the programs; none: all that run here.

        Raises:
            HarnessError: kind `spawn`; the hint says how to install what is missing.
        """
        for footprint in footprints or self._footprints:
            if find_program(footprint, self._options.environ) is None:
                message = f"The program `{footprint.program}` is not on PATH."
                hint = f"Install it ({footprint.install}), or choose another harness."
                raise HarnessError(FailureKind.SPAWN, message, harness=self._name, hint=hint)

    def environment(self) -> dict[str, str]:
        """All that the programs are passed."""
        environ = self._options.environ
        names = [*COMMON, *self._options.pass_env]
        for footprint in self._footprints:
            names += footprint.variables
        exact = frozenset(names)
        prefixes = tuple(name[:-1] for name in names if name.endswith("*"))
        passed: dict[str, str] = {}
        for footprint in self._footprints:
            passed |= footprint.defaults
        passed |= {name: value for name, value in environ.items() if name in exact or name.startswith(prefixes)}
        for footprint in self._footprints:
            passed |= footprint.settings
        moved = {place.variable: str(self.home / place.default) for place in self._belongings if not place.below}
        passed |= {name: path for name, path in moved.items() if name in passed}
        return {**passed, "HOME": str(self.home), "TMPDIR": str(self.home / "tmp")}

    def open_box(self) -> Box:
        """Start a box and wait for it; not for an event loop's thread.

        Raises:
            HarnessError: kind `spawn`: no box that will do can be had, or the folders cannot be made.
        """
        try:
            box = Box.open(self._wanted, self._places(), environ=self._options.environ)
        except (ExecutionError, OSError) as error:
            message = getattr(error, "message", str(error))
            hint = getattr(error, "hint", None)
            raise HarnessError(FailureKind.SPAWN, message, harness=self._name, hint=hint) from error
        assert box.sandbox is not None
        reasons = "; ".join(filter(None, (*self._ruled_out, box.sandbox.fallback_reason)))
        self.sandbox = replace(box.sandbox, fallback_reason=reasons)
        return box

    def rule_out(self, reason: str) -> bool:
        """Have the next box be at another level, because a program does not work at the last one's.

        Args:
            reason: why; it is among the reasons of the boxes that follow.

        Returns:
            Whether there is another level that will do.
        """
        level = self.sandbox.level if self.sandbox else ""
        later = self._wanted.levels[self._wanted.levels.index(level) + 1 :] if level in self._wanted.levels else ()
        if later:
            self._wanted = replace(self._wanted, levels=later)
            self._ruled_out.append(f"{level}: {reason}")
        return bool(later)

    def _places(self) -> Places:
        environ, premises = self._options.environ, self._options.premises
        for folder in (self.home, self.home / "tmp", premises.scratch / "tmp", premises.scratch / "cache"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        canary = premises.scratch / "canary"
        canary.write_text("no agent can read this\n", encoding="utf-8")
        furniture = furnish(self.home, self._belongings, environ)
        shown = (*furniture.read, *self._named())
        hidden = tuple(dict.fromkeys((*hidden_places(environ, premises.scratch), *premises.hidden)))
        secrets = secret_places(environ, frozenset(self._options.pass_env))
        return Places(
            workspace=premises.copies,
            home=self.home,
            tmp=premises.scratch / "tmp",
            cache=premises.scratch / "cache",
            canary=canary,
            hidden=hidden,
            secrets=tuple(path for path in secrets if not _around(path, (*furniture.kept, *shown))),
            visible=visible_places(environ, hidden, shown),
            also=furniture.kept,
        )

    @property
    def _belongings(self) -> tuple[Place, ...]:
        return tuple(place for footprint in self._footprints for place in footprint.places)

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


def _around(path: Path, places: Iterable[Path]) -> bool:
    return any(place == path or place.is_relative_to(path) for place in places)
