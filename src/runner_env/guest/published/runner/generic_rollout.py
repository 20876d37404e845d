"""The generic rollout, as a file that a stage starts; see `runner_env.guest.programs.rollout`."""

from __future__ import annotations

import sys
import types
from pathlib import Path

if __name__ == "__main__":
    # The package's rooms by their names, without its own start, and without what else is installed beside it.
    _ROOMS = types.ModuleType("runner_env")
    _ROOMS.__path__ = [str(Path(__file__).resolve().parents[3])]
    sys.modules["runner_env"] = _ROOMS
    sys.path[:] = [entry for entry in sys.path if entry != str(Path(__file__).resolve().parent)]
    sys.dont_write_bytecode = True

    from runner_env.guest.programs.rollout import main

    sys.exit(main())
