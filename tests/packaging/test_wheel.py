"""What is installed is what users get."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.timeout(600)]


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command that must succeed."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", folder, ROOT)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    """Types marker and licence are in it; tests, examples and machine paths are not."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "runner_env/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"runner_env"}


def test_the_seeds_own_lines_work(tmp_path: Path) -> None:
    """`pip install -r requirements.txt`, then `pytest -q`, in a virtual environment of its own."""
    python = tmp_path / "venv/bin/python"
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    run(python, "-m", "pip", "install", "-q", "-r", "requirements.txt")
    assert " passed" in run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/core")


def test_pipx_installs_it(tmp_path: Path) -> None:
    """`pipx install .` gives the command."""
    python = tmp_path / "venv/bin/python"
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    run(python, "-m", "pip", "install", "-q", "pipx")
    places = (f"PIPX_HOME={tmp_path}/pipx", f"PIPX_BIN_DIR={tmp_path}/bin", f"PIPX_MAN_DIR={tmp_path}/man")
    run("env", *places, python, "-m", "pipx", "install", "--python", sys.executable, ROOT)
    assert "runner-env" in run(tmp_path / "bin/runner-env", "--version")
