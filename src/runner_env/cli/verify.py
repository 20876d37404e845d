"""`runner-env verify`: is a stored run still what was recorded?"""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command(short_help="Check that a stored run is still what was recorded.")
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON object.")
def verify(run: str, as_json: bool) -> int:
    """Check RUN: the journal's chain, the record against the journal, every kept file against the record.

    RUN is an id, the beginning of one, or a run directory.
    Ends with 0 if all is as it was recorded, with 1 otherwise.
    """
    from runner_env.cli.output import emit, wants_colour
    from runner_env.reporting.json import json_text
    from runner_env.reporting.proof import ProofReport, render_proof
    from runner_env.runs.listing import find_run
    from runner_env.runs.proof import check_proof
    from runner_env.settings import Settings

    settings = Settings.from_environ()
    run_dir = Path(run) if Path(run).is_dir() else find_run(settings.runs_dir, run)
    proof = check_proof(run_dir)
    report = ProofReport.of(run_dir, proof.record, proof.entries, proof.files, proof.problems)
    colour = wants_colour(sys.stdout, settings.environ)
    emit(json_text(report) if as_json else render_proof(report, colour=colour))
    return 0 if report.ok else 1
