"""Print the newest Python on this machine that is newer than the one given; nothing if there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

_WHO = "import sys; print(*sys.version_info[:2], sys.executable)"


def candidates() -> Iterator[tuple[list[str], dict[str, str]]]:
    """Commands that may start a Python, with the environment they need."""
    for minor in range(30, 10, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            yield [found], {}
    if shutil.which("pyenv"):
        listed = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True, check=False)
        for version in listed.stdout.split():
            yield ["pyenv", "exec", "python"], {"PYENV_VERSION": version}


def main() -> int:
    """Compare what the candidates say of themselves with the interpreter that runs this."""
    best, path = sys.version_info[:2], ""
    for command, extra in candidates():
        said = subprocess.run(
            [*command, "-c", _WHO], capture_output=True, text=True, check=False, env={**os.environ, **extra}
        )
        words = said.stdout.split(maxsplit=2)
        if said.returncode == 0 and len(words) == 3 and (int(words[0]), int(words[1])) > best:
            best, path = (int(words[0]), int(words[1])), words[2].strip()
    if path:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
