"""Make the project's virtual environment, or say plainly what is missing. Needs nothing but Python."""

from __future__ import annotations

import subprocess
import sys

NEEDED = (3, 11)


def main() -> int:
    """Make a virtual environment in the directory that the first argument names."""
    if sys.version_info < NEEDED:
        found = ".".join(map(str, sys.version_info[:3]))
        print(f"runner-env needs Python 3.11 or newer; this is {found}. Try: make PYTHON=python3.12", file=sys.stderr)
        return 2
    made = subprocess.run([sys.executable, "-m", "venv", sys.argv[1]], check=False)
    if made.returncode:
        print("The venv module is missing; on Debian: apt-get install python3-venv", file=sys.stderr)
    return made.returncode


if __name__ == "__main__":
    sys.exit(main())
