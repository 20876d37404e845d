"""From paths on a command line to cases, in a fixed order."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.core import Where
from runner_env.skills.case import load_case, load_case_json
from runner_env.skills.reading import refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner_env.skills.values import Case

_SUFFIXES = (".yaml", ".yml")


def case_files(paths: Iterable[str], cwd: Path) -> list[str]:
    """Every case file that `paths` name, each as `os.path.join` spells it.

    A directory stands for the `*.yaml` and `*.yml` directly inside it, sorted by their bytes; a file for itself.
    A path that is given twice counts twice.

    Raises:
        DefinitionError: a path does not exist, or a directory has no case files.
    """
    return [file for path in paths for file in _expanded(path, cwd)]


def load_cases(paths: Sequence[str], json_files: Sequence[str], cwd: Path) -> list[Case]:
    """The cases in `paths`, then those in `json_files` (`--case-json`).

    Raises:
        DefinitionError: there are none, or one cannot be used.
    """
    cases = [load_case(file, cwd) for file in case_files(paths, cwd)]
    for file in json_files:
        cases += load_case_json(file, cwd)
    if not cases:
        message = "no test cases given: pass a test-case PATH or --case-json <FILE>"
        raise refusal("no_cases", message, Where("command line"), "`runner-env skill init` writes an example.")
    return cases


def _expanded(path: str, cwd: Path) -> list[str]:
    full = cwd / path
    if not full.is_dir():
        if not full.exists():
            raise refusal("no_such_path", "This path does not exist.", Where(path), "Check the spelling.")
        return [path]
    try:
        found = [entry.name for entry in os.scandir(full) if entry.name.endswith(_SUFFIXES) and entry.is_file()]
    except OSError as error:
        raise refusal("unreadable", f"This could not be read: {error.strerror}.", Where(path)) from error
    if not found:
        raise refusal("no_cases", "There are no .yaml test cases in this directory.", Where(path), _deeper(full))
    # A report shows the path as it was given.
    return [os.path.join(path, name) for name in sorted(found, key=os.fsencode)]  # noqa: PTH118


def _deeper(directory: Path) -> str:
    """A hint if case files lie deeper, because directories are not searched through."""
    found = next((p for p in sorted(directory.glob("*/*")) if p.suffix in _SUFFIXES), None)
    if found is None:
        return "Cases are files that end in .yaml or .yml."
    return f"Directories below are not searched; name {found.parent.relative_to(directory)} itself."
