"""`runner-env check`: the contract lint."""

from __future__ import annotations

import sys

import click


@click.command(short_help="Check a target's contract without running any of it.")
@click.argument("target")
@click.option(
    "--pipeline",
    default="pipeline.yml",
    show_default=True,
    metavar="PATH",
    help="The contract, inside the target.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON object.")
def check(target: str, pipeline: str, as_json: bool) -> int:
    """Check the contract of TARGET, a directory or a git URL, without running any of it.

    Ends with 0 if nothing worse than a note was found, with 2 otherwise.
    """
    from runner_env.cli.output import emit, wants_colour
    from runner_env.core import EXIT_BAD_INPUT
    from runner_env.pipeline.precheck import refused_commands
    from runner_env.reporting.check import CheckReport, render_check
    from runner_env.reporting.json import json_text
    from runner_env.runs.sources import lint_of
    from runner_env.settings import Settings
    from runner_env.targets import fetch

    settings = Settings.from_environ()
    root = fetch(target, settings=settings).root
    report = CheckReport.of(target, pipeline, (*lint_of(root, pipeline), *refused_commands(root, pipeline)))
    colour = wants_colour(sys.stdout, settings.environ)
    emit(json_text(report) if as_json else render_check(report, colour=colour))
    return 0 if report.ok else EXIT_BAD_INPUT
