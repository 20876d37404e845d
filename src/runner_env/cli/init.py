"""`runner-env init`: a starter contract."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

import click


@click.command(short_help="Write a starter contract into a directory.")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
def init(directory: Path) -> int:
    """Write a starter contract that passes into DIR, which is made if it does not exist.

    Nothing is ever overwritten.
    """
    from runner_env.cli.output import emit
    from runner_env.contract import starter_files
    from runner_env.errors import OptionError

    files = starter_files()
    taken = [name for name in files if (directory / name).exists() or (directory / name).is_symlink()]
    if taken:
        message = f"{directory} already has {', '.join(taken)}. Nothing was written."
        raise OptionError("would_overwrite", message, hint="Name another directory, or move these files away.")
    try:
        _write(directory, files)
    except OSError as error:
        message = f"{error.filename or directory} cannot be written: {error.strerror}."
        raise OptionError("cannot_write", message, hint="Name a directory that you may write to.") from error
    emit(_next_steps(directory, list(files)))
    return 0


def _write(directory: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)


def _next_steps(directory: Path, names: list[str]) -> str:
    written = "".join(f"wrote {directory / name}\n" for name in names)
    place = shlex.quote(str(directory))
    return f"""{written}
Next:
  runner-env check {place}
  runner-env run {place} --llm MODEL
Then make the commands in pipeline.yml run your own rollout and evaluation.
"""
