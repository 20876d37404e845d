"""A hint that the runner runs itself, as the last command of the evaluation: what it prints is the result."""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from dataclasses import asdict, dataclass, field, replace
from typing import IO, TYPE_CHECKING, Any

from runner_env.contract.model import CommandSpec, StageSpec
from runner_env.core import Ending, Finding, Span, Verdict
from runner_env.errors import TargetError
from runner_env.evidence.merged import merged
from runner_env.hints.find import find_hints
from runner_env.hints.model import Hint, Purpose
from runner_env.hints.runners import direct_call
from runner_env.hints.shelltext import words_of
from runner_env.hints.unwrap import unwrap
from runner_env.summaries.summarize import summarize_stream
from runner_env.targets.inside import open_inside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner_env.pipeline.values import CommandRun, StageRun
    from runner_env.summaries.model import Summary

AUTO = "auto"
"""As `evaluation.hint`: the surest command that the repository states."""

_STAGE = "evaluation"
_SPECIAL = re.compile(r"[;&|<>`$()\n]")
_PYTEST_REPORT = re.compile(r"^--junit-?xml\b")
_PYTEST_ENDED = (0, 1)
"""Exit codes of pytest when it ran all that it had collected; with another one its report is of a part."""


def surest(hints: tuple[Hint, ...]) -> Hint | None:
    """The hint that `auto` stands for: the first that tests, or else the first that evaluates."""
    wanted = (Purpose.TEST, Purpose.EVALUATE)
    return next((hint for purpose in wanted for hint in hints if hint.purpose is purpose), None)


def in_its_place(hint: Hint) -> str:
    """The command as it is run from the top of the repository, with its variables."""
    variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in hint.env.items())
    command = f"env {variables} {hint.command}" if variables and not _SPECIAL.search(hint.command) else hint.command
    return f"cd {shlex.quote(hint.workdir)} && {command}" if hint.workdir else command


def with_hint(spec: StageSpec, root: Path, report: str) -> StageSpec | Finding:
    """The stage with its hint as its last command, or why there is none to run.

    Args:
        spec: the declared stage; its `hint` is not None.
        root: the workspace.
        report: where a report in XML may be written, POSIX, relative to it, for runners that are asked for one.
    """
    stated = spec.hint
    if stated is None:
        return spec
    text = stated.text
    if text == AUTO:
        hint = surest(find_hints(root))
        if hint is None:
            message = "`evaluation.hint` is `auto`, and the repository states no command that tests or evaluates it."
            advice = "Write the command as `evaluation.hint`; `runner-env hints` shows what is found."
            return Finding("hint_not_found", message, stated.where, advice, (), Verdict.UNSCORED, _STAGE)
        text = in_its_place(hint)
    command = CommandSpec(_asked(text, str(root / report)), stated.where)
    return replace(spec, commands=(*spec.commands, command), hint=command)


def _asked(text: str, report: str) -> str:
    """The command, with a report for machines asked for where that changes nothing else.

    As an argument, never as a variable, which would reach what the tests themselves start.
    """
    if _SPECIAL.search(text) or "'" in text or '"' in text:
        return text
    words = words_of(text)
    inner = unwrap(words)
    call = direct_call(inner) if inner else None
    if call is None or call.purpose is not Purpose.TEST or "--" in words:
        return text
    if call.runner == "pytest" and not any(_PYTEST_REPORT.match(word) for word in words):
        return f"{text} --junitxml={shlex.quote(report)}"
    if inner[:2] == ("go", "test") and not {"-json", "-v", "-args"} & set(words):
        return text.replace("go test", "go test -json", 1)
    return text


@dataclass(slots=True)
class HintResult:
    """Reads the result of a hint once its stage has ended.

    Attributes:
        run_dir: the evidence.
        root: the workspace.
        report: the report in XML, POSIX, relative to the workspace; it need not be there.
        metrics: what the run amounts to, once it was read; None if it amounts to nothing.
    """

    run_dir: Path
    root: Path
    report: str
    metrics: dict[str, Any] | None = field(default=None)

    def judge(self, run: StageRun) -> tuple[Finding, ...]:
        """Read the last command's output; says why there is no score, if there is none."""
        last = run.commands[-1] if run.commands else None
        if last is None or last.outcome.ending is not Ending.EXITED or run.cancelled or not run.ok:
            return ()
        summary = self._summary(last)
        found = _doubt(summary, last)
        if found is None:
            self.metrics = _metrics(summary, last)
            return _note(summary, last)
        code, message, advice = found
        spans = _ends(last)
        return (Finding(code, message, last.command.where, advice, spans, Verdict.UNSCORED, _STAGE),)

    def _summary(self, run: CommandRun) -> Summary:
        with tempfile.TemporaryFile() as text:
            for line in _lines(self.run_dir, run):
                text.write(line)
            summary = summarize_stream(text, run.outcome.exit_code)
        return summary if summary.score is not None else self._reported(run) or summary

    def _reported(self, run: CommandRun) -> Summary | None:
        """What the report says, where the text says nothing and pytest did not break off."""
        if "--junitxml=" not in run.command.text or run.outcome.exit_code not in _PYTEST_ENDED:
            return None
        try:
            fd = open_inside(self.root, self.report)
        except TargetError:  # it was not written
            return None
        with os.fdopen(fd, "rb") as file:
            summary = summarize_stream(file, run.outcome.exit_code)
        return summary if summary.score is not None else None


def _doubt(summary: Summary, run: CommandRun) -> tuple[str, str, str] | None:
    """Why the output gives no score: code, message, advice; None if it gives one."""
    if summary.runner is None:
        message = f"The hint's output states no result (exit code {run.outcome.exit_code})."
        return "hint_no_result", message, "Let it run a test runner whose output names what passed; see docs/hints.md."
    ran = summary.passed or summary.failed or summary.xfailed or summary.xpassed
    measured = summary.passed is None and not summary.errors  # by a program that states a score and counts nothing
    if summary.score is None or not (ran or measured):
        message = f"The hint ran no tests, or did not end properly: {summary.describe()}."
        return "hint_no_score", message, "Its output is in the evidence below."
    if run.outcome.exit_code and not summary.failed and not summary.errors:
        message = f"All tests that ran passed, and the hint ended with exit code {run.outcome.exit_code}."
        return "hint_exit_code", message, "Something besides the tests failed, so there may be tests that did not run."
    return None


def _note(summary: Summary, run: CommandRun) -> tuple[Finding, ...]:
    if summary.ok:
        return ()
    message = f"Some tests did not pass: {summary.describe()}."
    return (Finding("tests_failed", message, run.command.where, None, _ends(run), Verdict.PASSED, _STAGE),)


def _metrics(summary: Summary, run: CommandRun) -> dict[str, Any]:
    """The runner's own observation, in the form of metrics; `ok`: there is a real score."""
    stated = {name: value for name, value in asdict(summary).items() if value is not None}
    counts = {name: value for name, value in stated.items() if name not in ("ok", "score", "runner")}
    return {
        "ok": True,
        "score": summary.score,
        "counts": counts,
        "runner": summary.runner,
        "tests_ok": summary.ok,
        "observed": True,
        "command": run.command.text,
        "exit_code": run.outcome.exit_code,
    }


def _ends(run: CommandRun) -> tuple[Span, ...]:
    """The ends of what the command wrote."""
    captures = (run.stdout, run.stderr)
    sizes = [(one.reference, one.total_bytes - one.omitted_bytes) for one in captures]
    return tuple(Span(name, max(0, size - 4000), size) for name, size in sizes if size)


def _lines(run_dir: Path, run: CommandRun) -> Iterator[bytes]:
    """What the command wrote, line by line, in the order in which lines were complete."""
    if run.merged is None:
        yield from _stored(run_dir / run.stdout.reference)
        yield from _stored(run_dir / run.stderr.reference)
        return
    begun = {"stdout": b"", "stderr": b""}
    for _, stream, data in merged(run_dir, run.merged.reference):
        whole, newline, rest = (begun[stream] + data).rpartition(b"\n")
        begun[stream] = rest
        if newline:
            yield whole + newline
    yield from (rest + b"\n" for rest in begun.values() if rest)


def _stored(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := _block(file):
            yield block


def _block(file: IO[bytes]) -> bytes:
    return file.read(1 << 20)
