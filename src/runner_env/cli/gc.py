"""`runner-env gc`: tidy up after lost runs."""

from __future__ import annotations

import sys

import click


@click.command(short_help="Tidy up after runs that were interrupted by a crash.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option(
    "--older-than",
    type=click.FloatRange(min=0),
    metavar="DAYS",
    help="Also remove evidence, clones, caches and copies that were not used for so many days.",
)
@click.option("--env", multiple=True, metavar="NAME=VALUE", help="A variable for the teardowns; repeatable.")
@click.option(
    "--env-file", type=click.Path(dir_okay=False), metavar="FILE", help="Variables, a line each; --env wins over it."
)
@click.option("--pass-env", multiple=True, metavar="NAME", help="Let teardowns see this variable of yours; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON object.")
def gc(
    dry_run: bool,
    older_than: float | None,
    env: tuple[str, ...],
    env_file: str | None,
    pass_env: tuple[str, ...],
    as_json: bool,
) -> int:
    """Run the teardowns that lost runs still owe, put back what they moved aside, and remove what they left.

    Evidence stays, unless --older-than says otherwise. A run that is going on is never touched. Ends with 0 if nothing
    is left to do, with 1 otherwise.
    """
    from pathlib import Path

    from runner_env.cli.env_file import parse_assignments, read_env_file
    from runner_env.cli.output import emit, wants_colour
    from runner_env.reporting.gc import render_gc
    from runner_env.reporting.json import json_text
    from runner_env.runs.gc import GcOptions, collect
    from runner_env.runs.resume import Given
    from runner_env.settings import Settings

    settings = Settings.from_environ()
    variables = (read_env_file(Path(env_file)) if env_file else {}) | parse_assignments(env)
    report = collect(settings, GcOptions(dry_run, older_than, Given(pass_env, variables)))
    colour = wants_colour(sys.stdout, settings.environ)
    emit(json_text(report) if as_json else render_gc(report, colour=colour))
    return 0 if report.ok else 1
