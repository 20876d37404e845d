"""What a run is about: the opened target and everything the caller and the surroundings said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner_env.contract.model import Contract
from runner_env.core import Ambient, Finding, Where
from runner_env.errors import ContractError
from runner_env.pipeline.limits import TimeLimits
from runner_env.runs.options import CallOptions, SetupOptions
from runner_env.settings import Settings
from runner_env.targets import Checkout

Observer = Callable[[str, Mapping[str, Any]], None]

NO_SANDBOX = "The contract asks for containment, and this version has only sandbox level none."


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
        observer: called with every event that the run recorded; what it raises is the caller's own affair.
    """

    target: str
    checkout: Checkout
    contract: Contract
    options: SetupOptions
    settings: Settings
    ambient: Ambient = field(default_factory=Ambient)
    observer: Observer | None = None

    def check(self, call: CallOptions) -> None:
        """Find out, before anything is begun, whether a call can be carried out.

        Raises:
            OptionError: a variable that limits time is unusable.
            ContractError: the contract requires a sandbox, which this version does not have.
        """
        security = self.contract.security
        if security.sandbox_required and security.sandbox != "none":
            hint = "Run it in a container, and delete `security.sandbox_required`."
            raise ContractError([Finding("sandbox_not_available", NO_SANDBOX, Where(self.contract.file), hint)])
        declared = (spec.env for spec in self.contract.stages.values())
        environments = (call.env_overrides, self.settings.environ, *declared)
        TimeLimits.of(security, environments, self.ambient.monotonic, 0.0)
