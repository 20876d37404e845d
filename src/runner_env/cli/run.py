"""`runner-env run`: the main job."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pathlib import Path

    from runner_env.formats.record import RunRecord

_FOLDER = click.Path(file_okay=False)


@click.command(short_help="Roll out and evaluate a target; print its score with the proof.")
@click.argument("target")
@click.option(
    "--llm", required=True, metavar="MODEL", help="A model id, or a model directory; none if no model is asked."
)
@click.option("--mode", type=click.Choice(["smoke", "full"]), help="How much to run.  [default: smoke]")
@click.option("--require-samples", is_flag=True, help="Fail unless the rollout leaves valid samples.")
@click.option(
    "--repair",
    "repair_iters",
    type=click.IntRange(min=0),
    metavar="N",
    help="How often a failing contract may be repaired.  [default: 3]",
)
@click.option("--env", multiple=True, metavar="NAME=VALUE", help="A variable for every stage; repeatable.")
@click.option(
    "--env-file", type=click.Path(dir_okay=False), metavar="FILE", help="Variables, a line each; --env wins over it."
)
@click.option("--pass-env", multiple=True, metavar="NAME", help="Let stages see this variable of yours; repeatable.")
@click.option("--artifacts-dir", type=_FOLDER, metavar="DIR", help="Where the published copy goes.")
@click.option(
    "--workspace",
    type=click.Choice(["inplace", "copy"]),
    help="Run in the target itself, or in a copy, beside other runs.  [default: inplace]",
)
@click.option("--clones-dir", type=_FOLDER, metavar="DIR", help="Where git URLs are cloned.")
@click.option(
    "--pipeline", "pipeline_rel", metavar="PATH", help="The contract, inside the target.  [default: pipeline.yml]"
)
@click.option(
    "--no-require-metrics", "require_metrics", flag_value=False, default=None, help="Let a run without a score pass."
)
@click.option(
    "--unattended",
    type=click.Choice(["strict", "guided"]),
    help="What to do about commands that wait for a person.  [default: strict]",
)
@click.option(
    "--scaffold",
    type=click.Choice(["auto", "agent", "rules", "off"]),
    help="Who may write a missing contract.  [default: auto]",
)
@click.option(
    "--harness",
    metavar="NAME",
    help="The agent program that writes or repairs contracts: auto, opencode or oneharness:NAME.  [default: auto]",
)
@click.option("--opencode-model", metavar="MODEL", help="The agent's model, as the agent program names it.")
@click.option("--opencode-url", metavar="URL", help="A running OpenCode server to use.")
@click.option(
    "--sandbox",
    type=click.Choice(["auto", "bwrap", "landlock", "docker", "none"]),
    help="How stages are contained; anything but auto must hold.  [default: auto]",
)
@click.option("--network", type=click.Choice(["host", "none"]), help="Whether stages have one.  [default: host]")
@click.option("--json", "as_json", is_flag=True, help="Print the run record as one JSON object.")
def run(target: str, llm: str, as_json: bool, **given: Any) -> int:  # noqa: ANN401 - what click parsed
    """Run TARGET's contract with a model and print the score with its proof.

    TARGET is a directory, a git URL or owner/repo, each with @REF if wanted, an archive (file or URL), or the URL of a
    Hugging Face dataset. The report goes to standard output, progress to
    standard error.
    """
    from runner_env.cli.job import perform
    from runner_env.cli.output import is_live
    from runner_env.reporting.progress import Progress
    from runner_env.settings import Settings

    settings = Settings.from_environ()
    with Progress(sys.stderr, live=is_live(sys.stderr, settings.environ)) as progress:
        try:
            record = perform(target, llm, given, progress)
        except (KeyboardInterrupt, SystemExit):
            progress.close()
            if progress.run_id:
                _report_interrupted(settings.runs_dir / progress.run_id, as_json=as_json)
            raise
    print_record(record, as_json=as_json)
    return record.verdict.exit_code


def _report_interrupted(run_dir: Path, *, as_json: bool) -> None:
    """Report as far as there is a record; the exit code is the signal's in any case."""
    from runner_env.cli.failure import report_failure
    from runner_env.errors import EvidenceError
    from runner_env.reporting.records import load_record

    try:
        record = load_record(run_dir)
    except EvidenceError as error:
        report_failure(error, as_json=as_json)
    else:
        print_record(record, as_json=as_json)


def print_record(record: RunRecord, *, as_json: bool) -> None:
    """Print a record, for people or as JSON."""
    from runner_env.cli.output import emit, wants_colour
    from runner_env.reporting.json import dumps
    from runner_env.reporting.terminal import render
    from runner_env.settings import Settings

    colour = wants_colour(sys.stdout, Settings.from_environ().environ)
    emit(dumps(record) if as_json else render(record, colour=colour))
