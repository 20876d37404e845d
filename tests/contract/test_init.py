"""The public face of the room."""

from __future__ import annotations

import subprocess
import sys

import runner_env.contract as room


def test_every_public_name_can_be_had() -> None:
    """Also those that are loaded when first asked for, also after all of their modules are loaded."""
    for _ in range(2):
        assert all(getattr(room, name) is not None for name in room.__all__)
    assert callable(room.lint)


def test_importing_the_room_loads_nothing_heavy() -> None:
    """Names and values come without pydantic and YAML."""
    heavy = ("pydantic", "ruamel.yaml", "asyncio")
    code = f"import sys, runner_env.contract; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
