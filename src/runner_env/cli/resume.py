"""`runner-env resume`: go on with a run that was lost."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner_env.formats.record import RunRecord
    from runner_env.reporting.progress import Progress


@click.command(short_help="Go on with a run that was interrupted by a crash.")
@click.argument("run")
@click.option("--env", multiple=True, metavar="NAME=VALUE", help="A variable for every stage; repeatable.")
@click.option(
    "--env-file", type=click.Path(dir_okay=False), metavar="FILE", help="Variables, a line each; --env wins over it."
)
@click.option("--pass-env", multiple=True, metavar="NAME", help="Let stages see this variable of yours; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="Print the run record as one JSON object.")
def resume(run: str, env: tuple[str, ...], env_file: str | None, pass_env: tuple[str, ...], as_json: bool) -> int:
    """Go on with RUN (an id, the beginning of one, or a run directory), which was lost before it ended.

    Stages that ended are not run again, except for auth and deploy where a later stage is due. Secrets and variables
    are not recorded: give again what the run was given.
    """
    from pathlib import Path

    from runner_env.cli.env_file import parse_assignments, read_env_file
    from runner_env.cli.output import is_live
    from runner_env.cli.run import print_record
    from runner_env.reporting.progress import Progress
    from runner_env.runs.listing import find_run
    from runner_env.settings import Settings

    settings = Settings.from_environ()
    variables = (read_env_file(Path(env_file)) if env_file else {}) | parse_assignments(env)
    run_dir = find_run(settings.runs_dir, run)
    with Progress(sys.stderr, live=is_live(sys.stderr, settings.environ)) as progress:
        record = _resumed(run_dir, pass_env, variables, progress)
    print_record(record, as_json=as_json)
    return record.verdict.exit_code


def _resumed(run_dir: Path, pass_env: tuple[str, ...], variables: Mapping[str, str], progress: Progress) -> RunRecord:
    from runner_env.reporting.records import load_record
    from runner_env.runs.resume import Given, resume_run
    from runner_env.settings import Settings

    resume_run(run_dir, Settings.from_environ(), Given(pass_env, variables, progress))
    return load_record(run_dir)
