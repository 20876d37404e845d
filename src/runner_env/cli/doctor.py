"""`runner-env doctor`: what this machine can do."""

from __future__ import annotations

import sys

import click


@click.command(short_help="Find out what this machine can do.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON object.")
def doctor(as_json: bool) -> int:
    """Try everything that a run needs on this machine.

    Ends with 0 if nothing that every run needs is missing, with 3 otherwise.
    """
    from runner_env.cli.output import emit, wants_colour
    from runner_env.cli.probes import probe_all
    from runner_env.core import Verdict
    from runner_env.reporting.doctor import DoctorReport, render_doctor
    from runner_env.reporting.json import json_text
    from runner_env.settings import Settings

    settings = Settings.from_environ()
    report = DoctorReport.of(probe_all(settings))
    colour = wants_colour(sys.stdout, settings.environ)
    emit(json_text(report) if as_json else render_doctor(report, colour=colour))
    return 0 if report.ok else Verdict.UNSCORED.exit_code
