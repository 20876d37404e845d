"""`runner-env init`: a starter contract."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

import click


@click.command(short_help="Write a starter contract into a directory.")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--from-hints", is_flag=True, help="Write the contract that rules make of what the repository states.")
def init(directory: Path, from_hints: bool) -> int:
    """Write a starter contract that passes into DIR, which is made if it does not exist.

    Nothing is ever overwritten.
    """
    from runner_env.cli.output import emit
    from runner_env.errors import OptionError

    files = _from_hints(directory) if from_hints else _starter()
    taken = [name for name in files if (directory / name).exists() or (directory / name).is_symlink()]
    if taken:
        message = f"{directory} already has {', '.join(taken)}. Nothing was written."
        raise OptionError("would_overwrite", message, hint="Name another directory, or move these files away.")
    try:
        _write(directory, files)
    except OSError as error:
        message = f"{error.filename or directory} cannot be written: {error.strerror}."
        raise OptionError("cannot_write", message, hint="Name a directory that you may write to.") from error
    emit(_next_steps(directory, list(files), from_hints=from_hints))
    return 0


def _starter() -> Mapping[str, str]:
    from runner_env.contract import starter_files

    return starter_files()


def _from_hints(directory: Path) -> Mapping[str, str]:
    from runner_env.authoring.render import render
    from runner_env.authoring.rules import propose
    from runner_env.errors import OptionError

    recipe = propose(directory.resolve()) if directory.is_dir() else None
    if recipe is None:
        message = f"{directory} states no command that tests or evaluates it, so rules can write no contract."
        raise OptionError("no_hints", message, hint="`runner-env init` without --from-hints writes one to start from.")
    return render(recipe)


def _write(directory: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)


def _next_steps(directory: Path, names: list[str], *, from_hints: bool) -> str:
    written = "".join(f"wrote {directory / name}\n" for name in names)
    place = shlex.quote(str(directory))
    then = (
        "It is a proposal until it has run; then commit it."
        if from_hints
        else "Then make the commands in pipeline.yml run your own rollout and evaluation."
    )
    return f"""{written}
Next:
  runner-env check {place}
  runner-env run {place} --llm MODEL
{then}
"""
