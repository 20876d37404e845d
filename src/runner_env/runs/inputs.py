"""What a run is about: the opened target and everything the caller and the surroundings said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner_env.contract.model import Contract
from runner_env.contract.requests import unusable_out_dir
from runner_env.core import Ambient
from runner_env.errors import ContractError, OptionError
from runner_env.pipeline.limits import TimeLimits
from runner_env.pipeline.resources import Resources
from runner_env.runs.options import CallOptions, SetupOptions, operator_wish
from runner_env.runs.written import Written
from runner_env.settings import Settings
from runner_env.targets import Checkout

Observer = Callable[[str, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class SessionInputs:
    """What a session is about before there is a contract; the fields mean what they mean in `RunInputs`.

    Attributes:
        root: the repository.
    """

    root: Path
    options: SetupOptions
    settings: Settings
    ambient: Ambient = field(default_factory=Ambient)
    observer: Observer | None = None


@dataclass(frozen=True, slots=True)
class RunInputs:
    """The opened target.

    Attributes:
        target: what the caller named.
        checkout: the directory and its exact revision.
        contract: the parsed contract.
        options: what `setup()` was asked for.
        settings: what the surroundings ask for.
        ambient: clock, identifiers, randomness.
        observer: called with every event that the run recorded; it is not called again once it raised an `Exception`.
        written: how the contract came to be, where it is not the repository's own.
    """

    target: str
    checkout: Checkout
    contract: Contract
    options: SetupOptions
    settings: Settings
    ambient: Ambient = field(default_factory=Ambient)
    observer: Observer | None = None
    written: tuple[Written, ...] = ()

    @property
    def session(self) -> SessionInputs:
        """The part of it that is not about the contract."""
        return SessionInputs(self.checkout.root, self.options, self.settings, self.ambient, self.observer)

    def check(self, call: CallOptions) -> None:
        """Find out, before anything is begun, whether a call can be carried out.

        Raises:
            OptionError: evidence would lie inside the target, or a variable that limits time, or that asks for a
                sandbox, is unusable.
            ContractError: its `artifacts.out_dir` leads out of the repository.
        """
        root = self.checkout.root
        if self.settings.home.resolve().is_relative_to(root):
            message = f"The evidence would lie inside the target: {self.settings.home} is part of {root}."
            raise OptionError("home_in_target", message, hint="Set RUNNER_ENV_HOME to a directory outside of it.")
        operator_wish(self.options, self.settings)
        out_dir = None if call.artifacts_dir else unusable_out_dir(self.contract, root)
        if out_dir:
            raise ContractError([out_dir])
        self.limits(call, 0.0)
        self.resources()

    def resources(self) -> Resources:
        """What commands may use besides time.

        Raises:
            OptionError: a variable that limits it is unusable.
        """
        return Resources.of(self.contract.security, self.settings.environ)

    def limits(self, call: CallOptions, started: float) -> TimeLimits:
        """The limits of a call whose time began at `started` on the monotonic clock.

        Raises:
            OptionError: a variable that limits time is unusable.
        """
        declared = (spec.env for spec in self.contract.stages.values())
        environments = (call.env_overrides, self.settings.environ, *declared)
        return TimeLimits.of(self.contract.security, environments, self.ambient.monotonic, started)
