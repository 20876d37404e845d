"""`runner-env skill schema`: the JSON Schemas of skill testing."""

from __future__ import annotations

import click

from runner_env.cli.skill import config_option


@click.command(short_help="Print a JSON Schema of skill testing.")
@click.argument("name", type=click.Choice(["config", "report", "validation", "case", "error"]))
@config_option(hidden=True)
def schema(name: str) -> int:
    """Print the JSON Schema NAME: of a file that you write, or of what --format json prints."""
    import json

    from runner_env.cli.output import emit
    from runner_env.skills.schemas import skill_schema

    emit(json.dumps(skill_schema(name), indent=2) + "\n")
    return 0
