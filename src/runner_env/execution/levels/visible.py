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
_MOST_IN_A_ROW = 40


def visible_places(environ: Mapping[str, str], hidden: Iterable[Path], more: Iterable[Path] = ()) -> tuple[Path, ...]:
    """Files and folders that are shown although they lie in a hidden folder; each exists.

    Both the place as it is named and what it leads to are there.

    Args:
        environ: the environment of this program.
        hidden: the hidden folders. None of them, and nothing that contains one, is shown because of the environment.
        more: what else is shown; hidden folders in it stay hidden.
    """
    # Plain strings: hundreds of links are looked at before each run, and paths as objects would take most of its time.
    barred = [os.fspath(path) for path in hidden]
    below = tuple(map(_slashed, barred))
    broad = _with_parents([*barred, *(f"{home}/{name}" for home in homes(environ) for name in _BROAD)])
    wanted = [(path, broad) for path in dict.fromkeys(_candidates(environ, broad))]
    wanted += [(os.fspath(path), frozenset({"/"})) for path in more]
    found: dict[str, None] = {}
    for path, too_much in wanted:
        for place in (os.path.normpath(path), os.path.realpath(path)):
            if _slashed(place).startswith(below) and place not in too_much and os.access(place, os.F_OK):
                found[place] = None
    return tuple(Path(path) for path in found if found.keys().isdisjoint(_parents(path)))


def _slashed(path: str) -> str:
    return path if path.endswith("/") else f"{path}/"


def _parents(path: str) -> Iterator[str]:
    while path != (path := _above(path)):
        yield path


def _above(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _with_parents(paths: Iterable[str]) -> frozenset[str]:
    """The paths, and all that contains one of them."""
    each = [os.path.normpath(path) for path in paths]
    return frozenset([*each, *(parent for path in each for parent in _parents(path))])


def _candidates(environ: Mapping[str, str], broad: frozenset[str]) -> Iterator[str]:
    yield from (sys.prefix, sys.base_prefix, sys.exec_prefix, SOURCE, *_CONFIGURATION)
    folders = [
        _above(program)
        for program in (sys.executable, os.path.realpath(sys.executable), environ.get("AIDER_FSM_PYTHON", ""))
        if program.startswith("/")
    ]
    for variable in _ROOTS:
        if environ.get(variable, "").startswith("/"):
            yield environ[variable]
    for variable in _LISTS:
        for entry in environ.get(variable, "").split(os.pathsep):
            if entry.startswith("/"):
                folders += [os.path.normpath(entry), os.path.realpath(entry)]
    for folder in dict.fromkeys(folders):
        yield from _installation(folder, broad)
    for home in homes(environ):
        yield from (f"{home}/{name}" for name in _OF_A_HOME)


def _installation(folder: str, broad: frozenset[str]) -> Iterator[str]:
    """A folder of programs with what they were installed with; or else the folder and what its links lead to."""
    above, name = _above(folder), folder.rpartition("/")[2]
    if name in _BIN and above not in broad:
        yield above
        return
    yield folder
    if name in _BIN:
        yield f"{_slashed(above)}lib"
    if folder not in broad:
        yield from _linked(folder, broad)


def _linked(folder: str, broad: frozenset[str]) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            links = [entry.path for _, entry in zip(range(_MOST_LINKS), entries, strict=False) if entry.is_symlink()]
    except OSError:
        return
    known: dict[str, str] = {}
    for target in {_real(link, known) for link in links}:
        bin_ = _above(target)
        if bin_ == folder:
            continue
        above, name = _above(bin_), bin_.rpartition("/")[2]
        yield above if name in _BIN and above not in broad else target


def _real(path: str, known: dict[str, str], links: int = 0) -> str:
    """What a path leads to; `known` keeps what its folders lead to, which for links of one folder are few."""
    folder, _, name = path.rpartition("/")
    if name in {"", ".", ".."} or links == _MOST_IN_A_ROW:
        return os.path.realpath(path)
    real = known.get(folder) or known.setdefault(folder, os.path.realpath(folder or "/"))
    place = f"{_slashed(real)}{name}"
    try:
        target = os.readlink(place)  # noqa: PTH115 - a path as an object costs more than the call
    except OSError:  # it is no link
        return place
    return _real(target if target.startswith("/") else f"{real}/{target}", known, links + 1)
