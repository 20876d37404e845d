"""What ran a run, for its record."""

from __future__ import annotations

import platform
import sys
from functools import cache
from importlib.metadata import version


@cache
def versions() -> dict[str, str]:
    """The versions of the runner, Python and the platform."""
    return {
        "runner_env": version("runner-env"),
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "platform": platform.platform(),
    }
