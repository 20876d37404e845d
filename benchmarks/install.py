"""How much disk a core install takes: `python benchmarks/install.py`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

from _row import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

GOAL_MB = 30
_ROOT = Path(__file__).parents[1]
_NAME = "core install"
_GOAL = f"<= {GOAL_MB} MB"


def rows() -> Iterator[Row]:
    """Build the wheel, install it without extras into a fresh environment, weigh what that added, bytecode included."""
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / "venv" / "bin" / "python"
        try:
            _call(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", f"{folder}/dist", str(_ROOT))
            _call(sys.executable, "-m", "venv", f"{folder}/venv")
            before = _sizes(python)
            _call(str(python), "-m", "pip", "install", "-q", *map(str, Path(folder, "dist").glob("*.whl")))
        except subprocess.CalledProcessError as error:
            reason = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
            yield Row(_NAME, _GOAL, f"not measured: {reason[:200]}", None)
            return
        added = {name: size - before.get(name, 0) for name, size in _sizes(python).items()}
    total = sum(added.values()) / 1e6
    heaviest = sorted(added.items(), key=lambda item: -item[1])[:4]
    shown = ", ".join(f"{name} {size / 1e6:.1f}" for name, size in heaviest)
    yield Row(_NAME, _GOAL, f"{total:.1f} MB ({shown})", total <= GOAL_MB)


def _call(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def _sizes(python: Path) -> dict[str, int]:
    """Bytes by top-level name in site-packages."""
    site = Path(_call(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    return {entry.name: _size(entry) for entry in site.iterdir()}


def _size(path: Path) -> int:
    if not path.is_dir():
        return path.lstat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())


if __name__ == "__main__":
    for row in rows():
        print(row)
