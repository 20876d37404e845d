"""`runner-env hints`: the official commands of a repository."""

from __future__ import annotations

import click


@click.command(short_help="List the commands a repository publishes for its tests, evaluation and benchmarks.")
@click.argument("target")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of objects, the surest first.")
def hints(target: str, as_json: bool) -> int:
    """List the commands that TARGET, a directory or a git URL, publishes for its tests, evaluation and benchmarks.

    They are read from its documents, CI files, task files and manifests, the surest first. Nothing of it is run. A
    repository that states nothing has none, which is no error.
    """
    from runner_env.cli.output import emit
    from runner_env.hints import find_hints
    from runner_env.reporting.hints import hints_json, render_hints
    from runner_env.settings import Settings
    from runner_env.targets import fetch

    found = find_hints(fetch(target, settings=Settings.from_environ()).root)
    emit(hints_json(found) if as_json else render_hints(found))
    return 0
