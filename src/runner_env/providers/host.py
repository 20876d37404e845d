"""Where a provider's commands run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runner_env.core import Ambient


@dataclass(frozen=True, slots=True)
class Host:
    """The surroundings of a provider.

    Attributes:
        cwd: the directory that its commands start in.
        env: their whole environment, which is also where a model API's key and proxies are looked up.
        ambient: clock and randomness.
    """

    cwd: Path
    env: Mapping[str, str] = field(repr=False)
    ambient: Ambient = field(default_factory=Ambient, repr=False)
