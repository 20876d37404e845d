"""`runner-env runs`: which runs there are."""

from __future__ import annotations

import sys

import click


@click.group(short_help="List the stored runs.")
def runs() -> None:
    """Look at stored runs."""


@runs.command("list", short_help="List the stored runs, newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list with one object for each run.")
def list_(as_json: bool) -> int:
    """List every run, newest first, from the run directories alone.

    STATE is running, interrupted (lost before its record was complete), passed, failed or unscored.
    """
    from runner_env.cli.output import emit, wants_colour
    from runner_env.reporting.runs import render_runs, runs_json
    from runner_env.runs.listing import list_runs
    from runner_env.settings import Settings

    settings = Settings.from_environ()
    found = list_runs(settings.runs_dir)
    colour = wants_colour(sys.stdout, settings.environ)
    emit(runs_json(found) if as_json else render_runs(found, colour=colour))
    return 0
