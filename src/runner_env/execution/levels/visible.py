"""What a stage needs to see wherever it lies: the interpreter in use, its libraries, and the toolchains."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.execution.keeper_process import SOURCE
from runner_env.execution.levels.hidden import homes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_BIN = frozenset({"bin", "sbin", "shims", "Scripts", "condabin"})
_ROOTS = (
    "PYENV_ROOT", "NVM_DIR", "CONDA_PREFIX", "CONDA_ROOT", "RUSTUP_HOME", "SDKMAN_DIR", "GOROOT", "JAVA_HOME",
    "VIRTUAL_ENV", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
    "PIP_CERT", "PIP_FIND_LINKS", "UV_PYTHON_INSTALL_DIR", "CUDA_HOME", "CUDA_PATH", "HF_HOME", "MAVEN_HOME",
    "GRADLE_HOME",
)  # fmt: skip
_LISTS = ("PATH", "LD_LIBRARY_PATH")
_OF_A_HOME = (
    ".pyenv", ".nvm", ".rustup", ".cargo/bin", ".sdkman", ".volta", ".asdf", ".bun", ".deno", ".ghcup", ".juliaup",
    ".rbenv", ".jenv", ".goenv", "go/bin", "miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba",
    ".conda/envs", ".local/bin", ".local/lib", ".local/pipx", ".local/share/uv", ".local/share/pipx",
    ".local/share/mise", ".local/share/fnm", ".local/share/pnpm",
)  # fmt: skip
_BROAD = ("", ".local", ".config", ".cache", ".local/share", ".local/state")
_CONFIGURATION = ("/etc/resolv.conf", "/etc/localtime", "/etc/hosts", "/etc/mtab")
"""May be links to where services keep them; only the file itself is shown, for sockets lie beside it."""
_MOST_LINKS = 500


def visible_places(environ: Mapping[str, str], hidden: Iterable[Path], more: Iterable[Path] = ()) -> tuple[Path, ...]:
    """Files and folders that are shown although they lie in a hidden folder; each exists.

    Both the place as it is named and what it leads to are there.

    Args:
        environ: the environment of this program.
        hidden: the hidden folders. None of them, and nothing that contains one, is shown because of the environment.
        more: what else is shown; hidden folders in it stay hidden.
    """
    barred = tuple(hidden)
    broad = {*barred, *(home / name for home in homes(environ) for name in _BROAD)}
    found: dict[Path, None] = {}
    wanted = [*((path, broad) for path in _candidates(environ, broad)), *((path, {Path("/")}) for path in more)]
    for path, too_much in wanted:
        for place in (Path(os.path.normpath(path)), Path(os.path.realpath(path))):
            below = any(place.is_relative_to(one) for one in barred)
            if below and not _contains_any(place, too_much) and place.exists():
                found[place] = None
    return tuple(path for path in found if not any(path != one and path.is_relative_to(one) for one in found))


def _contains_any(place: Path, broad: Iterable[Path]) -> bool:
    return any(one.is_relative_to(place) for one in broad)


def _candidates(environ: Mapping[str, str], broad: set[Path]) -> Iterator[Path]:
    yield from map(Path, (sys.prefix, sys.base_prefix, sys.exec_prefix, SOURCE, *_CONFIGURATION))
    for program in (sys.executable, os.path.realpath(sys.executable), environ.get("AIDER_FSM_PYTHON", "")):
        if program.startswith("/"):
            yield from _installation(Path(program).parent, broad)
    for variable in _ROOTS:
        if environ.get(variable, "").startswith("/"):
            yield Path(environ[variable])
    for variable in _LISTS:
        for entry in environ.get(variable, "").split(os.pathsep):
            if entry.startswith("/"):
                yield from _installation(Path(entry), broad)
                yield from _installation(Path(os.path.realpath(entry)), broad)
    for home in homes(environ):
        yield from (home / name for name in _OF_A_HOME)


def _installation(folder: Path, broad: set[Path]) -> Iterator[Path]:
    """A folder of programs with what they were installed with; or else the folder and what its links lead to."""
    if folder.name in _BIN and not _contains_any(folder.parent, broad):
        yield folder.parent
        return
    yield folder
    if folder.name in _BIN:
        yield folder.parent / "lib"
    if not _contains_any(folder, broad):
        yield from _linked(folder, broad)


def _linked(folder: Path, broad: set[Path]) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            links = [entry.path for _, entry in zip(range(_MOST_LINKS), entries, strict=False) if entry.is_symlink()]
    except OSError:
        return
    for target in {Path(os.path.realpath(link)) for link in links}:
        bin_ = target.parent
        if bin_ == folder:
            continue
        yield bin_.parent if bin_.name in _BIN and not _contains_any(bin_.parent, broad) else target
