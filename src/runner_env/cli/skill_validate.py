"""`runner-env skill validate`: the lint of skills."""

from __future__ import annotations

from pathlib import Path

import click

from runner_env.cli.skill import config_option, remember_format


@click.command(short_help="Check skills without running them.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@config_option(hidden=True)
@click.option("--strict", is_flag=True, help="Also fail on what the agentskills.io specification forbids.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["human", "json", "json-stream"]),
    default="human",
    show_default=True,
    is_eager=True,
    callback=remember_format,
    help="How to print the findings.",
)
def validate(paths: tuple[str, ...], output_format: str, *, strict: bool) -> int:
    """Check skills: each PATH is a skill's directory, or a directory whose immediate children are skills.

    Ends with 0 if all are valid, with 1 otherwise, with 2 if a PATH does not exist.
    """
    from runner_env.cli.output import complain, emit
    from runner_env.core import Verdict
    from runner_env.reporting.skill_validation import validation_json, validation_lines
    from runner_env.skills.validation import validate_skills

    report = validate_skills(paths, Path.cwd(), strict=strict)
    if output_format != "human":
        emit(validation_json(report))
    else:
        out, complaint = validation_lines(report)
        complain(complaint)
        emit(out)
    return (Verdict.PASSED if report.valid else Verdict.FAILED).exit_code
