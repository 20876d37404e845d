"""What a run is about: the opened target and everything the caller and the surroundings said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner_env.contract.model import Contract
from runner_env.core import Ambient
from runner_env.runs.options import SetupOptions
from runner_env.settings import Settings
from runner_env.targets import Checkout

Observer = Callable[[str, Mapping[str, Any]], None]


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
