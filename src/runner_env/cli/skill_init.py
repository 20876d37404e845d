"""`runner-env skill init`: a skill, a case and a config to begin with."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

import click

from runner_env.cli.skill import config_option


@click.command(short_help="Write an example skill, case and config into a directory.")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path), default=".")
@config_option(hidden=True)
def init(directory: Path) -> int:
    """Write an example skill with a case that passes offline into DIR (default: here), which is made if need be.

    Nothing is ever overwritten.
    """
    from runner_env.cli.output import emit
    from runner_env.errors import OptionError
    from runner_env.skills.scaffold import scaffold_files

    files = scaffold_files()
    taken = [name for name in files if (directory / name).exists() or (directory / name).is_symlink()]
    if taken:
        message = f"{directory} already has {', '.join(taken)}. Nothing was written."
        raise OptionError("would_overwrite", message, hint="Name another directory, or move these files away.")
    try:
        _write(directory, files)
    except OSError as error:
        message = f"{error.filename or directory} cannot be written: {error.strerror}."
        raise OptionError("cannot_write", message, hint="Name a directory that you may write to.") from error
    emit("".join(f"wrote {directory / name}\n" for name in files) + _next_steps(directory))
    return 0


def _write(directory: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)


def _next_steps(directory: Path) -> str:
    go = "" if directory == Path() else f"  cd {shlex.quote(str(directory))}\n"
    return f"\nNext:\n{go}  runner-env skill run cases\nThen name a real provider in skilltest.yaml.\n"
