"""What is said about a stage whose command did not end well, or whose output could not be kept."""

from __future__ import annotations

from collections.abc import Iterable

from runner_env.contract.model import StageName, StageSpec
from runner_env.core import Ending, Finding, Span, Verdict, Where
from runner_env.errors import EvidenceError, TargetError
from runner_env.pipeline.attempts import Tried, not_started
from runner_env.pipeline.values import CommandRun

TRACE_LOST = "trace_lost"
"""The only limit that is not about what a command uses."""

_OPEN_FILES = "open_files_limit"
_TOO_MANY_FILES = b"Too many open files"
"""What EMFILE is called in the language that stages are given."""

_RAISE = {
    "memory_limit": "Use less memory, or raise security.max_memory_mb and RUNNER_ENV_MAX_MEMORY_MB.",
    "process_limit": "Start fewer processes at a time, or raise security.max_processes and RUNNER_ENV_MAX_PROCESSES.",
    "disk_limit": "Write less, or raise security.max_disk_mb and RUNNER_ENV_MAX_DISK_MB.",
}
MEND_REFUSED = "Change the command, or the lists and the mode in the contract's `security` section."


def ended_badly(stage: StageName, tried: Tried) -> Finding:
    """What an attempt that did not succeed makes of its stage; the end of its output is the evidence."""
    outcome, text = tried.outcome, _short(tried.command.text)
    spans = (*tried.stdout.tail(), *tried.stderr.tail())
    if not_started(outcome):
        message = f"`{text}` could not be started ({outcome.reason})."
        hint = "The system takes at most 128 KiB for each argument and variable, and a few MiB for all: shorten them."
        where = tried.command.where
        return Finding("command_not_started", message, where, hint, spans, Verdict.UNSCORED, stage.value)
    if outcome.ending is Ending.LIMITED:
        return _limited(outcome.reason, f"`{text}`", tried.command.where, spans, stage=stage)
    code, message, hint, verdict = {
        Ending.EXITED: (
            "command_failed",
            f"`{text}` ended with exit code {outcome.exit_code}.",
            "Its output is in the evidence below.",
            Verdict.FAILED,
        ),
        Ending.SIGNALLED: (
            "command_killed",
            f"`{text}` was killed by signal {(outcome.exit_code or 128) - 128}.",
            "Was it out of memory, or did it crash? Its output is in the evidence below.",
            Verdict.FAILED,
        ),
        Ending.TIMED_OUT: (
            "command_timed_out",
            f"`{text}` was ended after {outcome.duration_s:.1f} s ({outcome.reason}).",
            "Make it faster or raise the limit that is named.",
            Verdict.FAILED,
        ),
        Ending.REFUSED: (
            "command_refused",
            f"`{text}` was not executed ({outcome.reason}).",
            MEND_REFUSED,
            Verdict.FAILED,
        ),
        Ending.CANCELLED: (
            "interrupted",
            f"`{text}` was ended because the run was told to stop ({outcome.reason}).",
            "Run it again.",
            Verdict.UNSCORED,
        ),
        Ending.LOST: (
            "box_lost",
            f"The process that watches over `{text}` disappeared, so its outcome is unknown.",
            "Something ended the runner's own keeper; run it again.",
            Verdict.UNSCORED,
        ),
    }[outcome.ending]
    return Finding(code, message, tried.command.where, hint, spans, verdict, stage.value)


def at_file_limit(stage: StageName, tried: Tried, most: int) -> tuple[Finding, ...]:
    """A note if a command that failed had, or says that it had, as many files open as a process may have."""
    outcome = tried.outcome
    ended = outcome.ending in {Ending.EXITED, Ending.SIGNALLED}
    if not ended or not (outcome.reason.startswith(_OPEN_FILES) or tried.stderr.ends_with(_TOO_MANY_FILES)):
        return ()
    message = f"`{_short(tried.command.text)}` ran out of open files: {most} are allowed for each process."
    hint = "Close what is not needed, or raise security.max_open_files and RUNNER_ENV_MAX_OPEN_FILES."
    return (Finding(_OPEN_FILES, message, tried.command.where, hint, (), Verdict.PASSED, stage.value),)


def stopped_late(spec: StageSpec, reasons: Iterable[str]) -> tuple[Finding, ...]:
    """Limits that were exceeded by what commands of a stage had left running."""
    return tuple(
        _limited(reason, "What a command left running", spec.where, stage=spec.name)
        for reason in dict.fromkeys(reasons)
    )


def _limited(reason: str, what: str, where: Where, spans: tuple[Span, ...] = (), *, stage: StageName) -> Finding:
    """A limit that was exceeded; its name, which the reason begins with, is the code."""
    code, _, figures = reason.partition(": ")
    if code == TRACE_LOST:
        message, hint = f"{what} was ended, because it could not be observed any more ({figures}).", "Run it again."
        return Finding(code, message, where, hint, spans, Verdict.UNSCORED, stage.value)
    message, hint = f"{what} was ended: {figures}.", _RAISE.get(code, "Use less, or raise the limit.")
    return Finding(code, message, where, hint, spans, Verdict.FAILED, stage.value)


def cut_output(stage: StageName, commands: Iterable[CommandRun]) -> tuple[Finding, ...]:
    """A note for each output stream of which only the beginning and the end are kept."""
    return tuple(
        Finding(
            "output_limit",
            f"`{_short(run.command.text)}` wrote {capture.total_bytes} bytes to {name}; {capture.omitted_bytes} of "
            "them were left out between the beginning and the end.",
            where=run.command.where,
            hint="Write less, or raise RUNNER_ENV_MAX_OUTPUT_MB, if more of it is needed.",
            verdict=Verdict.PASSED,
            stage=stage.value,
        )
        for run in commands
        for name, capture in (("standard output", run.stdout), ("standard error", run.stderr))
        if capture.omitted_bytes and not capture.error
    )


def unusable_workdir(spec: StageSpec, error: TargetError) -> Finding:
    """A stage that cannot even begin."""
    message = f"The working directory of stage {spec.name} cannot be used: {error.message}"
    hint = error.hint or "Name a folder of the repository that exists when the stage begins."
    return Finding("workdir_unusable", message, where=spec.where, hint=hint, stage=spec.name.value)


def not_written(stage: StageName, error: EvidenceError) -> Finding:
    """A stage that ran, and about which something could not be written down or published."""
    return Finding(error.code, error.message, error.where, error.hint, verdict=Verdict.UNSCORED, stage=stage.value)


def not_recorded(stage: StageName, commands: Iterable[CommandRun]) -> tuple[Finding, ...]:
    """A finding for each output stream of which a part is lost."""
    return tuple(
        Finding(
            "output_not_recorded",
            f"The output of `{_short(run.command.text)}` could not be recorded: {capture.error}",
            where=run.command.where,
            hint="Make room on the disk that holds RUNNER_ENV_HOME, then run it again.",
            verdict=Verdict.UNSCORED,
            stage=stage.value,
        )
        for run in commands
        for capture in (run.stdout, run.stderr)
        if capture.error
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 100 else line[:97] + "..."
