"""From an exception to a message and an exit code: 2 where the input is to blame, 3 otherwise."""

from __future__ import annotations

import errno
import io
import sys
import traceback

import click

from runner_env.cli.output import complain, emit, mute, wants_colour
from runner_env.core import EXIT_BAD_INPUT, Verdict
from runner_env.errors import InputError, RunnerEnvError
from runner_env.reporting.error import ErrorReport, error_report, render_error
from runner_env.reporting.json import json_text
from runner_env.settings import Settings

_INFRASTRUCTURE = Verdict.UNSCORED.exit_code
_FULL = (errno.ENOSPC, errno.EDQUOT)


def report_failure(error: Exception, *, as_json: bool) -> int:
    """Say what went wrong, on standard error, or with `--json` as one object on standard output.

    Returns:
        The exit code.
    """
    if isinstance(error, BrokenPipeError):
        mute(sys.stdout)
        complain("runner-env: error: the reader of the output has gone\n")
        return _INFRASTRUCTURE
    if isinstance(error, RunnerEnvError):
        report, code = error_report(error), EXIT_BAD_INPUT if isinstance(error, InputError) else _INFRASTRUCTURE
    elif isinstance(error, click.ClickException):
        report, code = _usage(error), EXIT_BAD_INPUT
    elif isinstance(error, OSError) and error.errno in _FULL:
        mute(sys.stdout)
        report, code = _full(error), _INFRASTRUCTURE
    else:
        report, code = _bug(error), _INFRASTRUCTURE
    if as_json and _emitted(report):
        pass
    elif isinstance(error, click.ClickException):
        shown = io.StringIO()
        error.show(shown)
        complain(shown.getvalue())
    else:
        complain(render_error(report, colour=wants_colour(sys.stderr, Settings.from_environ().environ)))
    if report.code == "internal_error":
        complain("".join(traceback.format_exception(error)))
    return code


def _emitted(report: ErrorReport) -> bool:
    """Whether the object reached standard output; if not, standard error has to do."""
    if report.code == "no_space":
        return False
    try:
        emit(json_text(report))
    except OSError:
        return False
    return True


def _usage(error: click.ClickException) -> ErrorReport:
    path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "runner-env"
    return ErrorReport("usage", error.format_message(), hint=f"`{path} --help` explains every option.")


def _full(error: OSError) -> ErrorReport:
    place = f" ({error.filename})" if error.filename else ""
    return ErrorReport(
        "no_space",
        f"The output cannot be written{place}: {error.strerror}.",
        hint="Free some space; what a run has recorded by now stays readable.",
    )


def _bug(error: Exception) -> ErrorReport:
    return ErrorReport(
        "internal_error",
        f"{type(error).__name__}: {error}. This is a bug in runner-env; nothing is said about the target.",
        hint="Please report it with the traceback on standard error.",
    )
