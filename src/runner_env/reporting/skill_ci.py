"""The report of a skill run for CI systems: JUnit XML, and GitHub's workflow commands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from runner_env.reporting.skill_report import eval_text, render_report, summary_text, trial_label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_env.skills.report import SkillReport, TrialReport

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 (section 2.2) has no form for."""

_LONGEST = 64 * 1024
_PLACE = re.compile(r"^(.*?):(\d+)(?::(\d+))?$", re.DOTALL)


def junit(report: SkillReport) -> Iterator[str]:
    """JUnit XML: one suite, one test case for each trial; failed evals are failures, an unscored trial is an error.

    The format is that of the Jenkins plugin (https://github.com/testmoapp/junitxml describes it).
    """
    s = report.summary
    took = report.run.seconds if report.run else 0
    counts = f'tests="{s.runs}" failures="{s.failed}" errors="{s.unscored or 0}" skipped="0" time="{took:.3f}"'
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<testsuites name="runner-env skill" {counts}>\n<testsuite name="skill run" {counts}>\n'
    for trial in report.runs:
        yield from _testcase(trial)
    yield "</testsuite>\n</testsuites>\n"


def github(report: SkillReport) -> Iterator[str]:
    """An annotation for each trial that did not pass, then the report for a person.

    The format is that of GitHub's workflow commands (docs.github.com: "Workflow commands for GitHub Actions").
    What a skill or a judge said cannot become a command of its own: the report's lines are behind `::stop-commands::`.
    """
    for trial in report.runs:
        if not trial.passed:
            yield _annotation(trial)
    token = f"runner-env-{report.run.id if report.run else 'report'}"
    yield f"::stop-commands::{token}\n"
    yield from render_report(report)
    yield f"::{token}::\n"
    yield f"::notice title=Skill run::{_data(summary_text(report.summary))}\n"


def _testcase(trial: TrialReport) -> Iterator[str]:
    place = _PLACE.match(trial.origin or "")
    file = f" file={_attribute(place[1])}" if place else ""
    name, suite = _attribute(trial_label(trial)), _attribute(trial.case)
    yield f'<testcase classname={suite} name={name}{file} time="{trial.seconds or 0:.3f}">\n'
    if trial.error is not None:
        kind = _attribute(trial.error.kind or trial.error.code)
        yield f"<error message={_attribute(trial.error.message)} type={kind}>{_text(_transcript(trial))}</error>\n"
    elif not trial.passed:
        element = "error" if trial.verdict == "unscored" else "failure"
        wrong = [eval_text(item) for item in trial.evals if not item.passed]
        yield f'<{element} message={_attribute("; ".join(wrong))} type="eval">'
        yield f"{_text(_transcript(trial))}</{element}>\n"
    yield "</testcase>\n"


def _annotation(trial: TrialReport) -> str:
    place = _PLACE.match(trial.origin or "")
    where = f"file={_property(place[1])},line={place[2]}," if place else ""
    wrong = [eval_text(item) for item in trial.evals if not item.passed]
    message = trial.error.message if trial.error else "\n".join(wrong)
    level = "warning" if trial.verdict == "unscored" else "error"
    return f"::{level} {where}title={_property(trial_label(trial))}::{_data(message)}\n"


def _transcript(trial: TrialReport) -> str:
    text = "\n\n".join(f"{message.role}: {message.content}" for message in trial.transcript.messages)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", text[:_LONGEST]), {"\n": "&#10;"})


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))


def _data(text: str) -> str:
    return text[:_LONGEST].replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
