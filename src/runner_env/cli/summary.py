"""`runner-env summary`: what a test run's output states."""

from __future__ import annotations

import sys

import click


@click.command(short_help="Read a test run's output: counts and score.")
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--exit-code", type=int, metavar="N", help="How the command ended; negative: by signal N.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as one JSON object.")
def summary(file: str, exit_code: int | None, as_json: bool) -> int:
    """Read FILE, the output of a test run or the report that one wrote, and print its counts. `-` is standard input.

    Ends with 0 if tests ran and all is well, with 1 if not, with 3 if the output states no score.
    """
    from runner_env.cli.output import emit
    from runner_env.core import Verdict
    from runner_env.errors import InputError
    from runner_env.summaries import summarize_stream
    from runner_env.summaries.reading import opened

    try:
        with opened(file, sys.stdin.buffer) as stream:
            found = summarize_stream(stream, exit_code)
    except OSError as error:
        hint = "Give the file that holds the output, or - for standard input."
        raise InputError("unreadable_output", f"{file} cannot be read: {error.strerror}.", hint=hint) from error
    emit(found.to_json() + "\n" if as_json else found.describe() + "\n")
    if found.ok:
        return Verdict.PASSED.exit_code
    return (Verdict.UNSCORED if found.score is None else Verdict.FAILED).exit_code
