"""The pytest plugin: `*.skilltest.yaml` and `*.skilltest.yml`, a test for each case, platform, model and repeat.

    pytest cases/                    # greeting[claude-code-claude-opus-4-8-1] PASSED
    pytest -k codex -m skilltest

A trial that failed is a failed test; one that is unscored is an error, because nothing is known about the skill. Where
there is no such file, nothing but this module is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner_env.skills.plan import Plan, Trial
    from runner_env.skills.report import SkillReport, TrialReport
    from runner_env.skills.single import SingleTrials

_SUFFIXES = (".skilltest.yaml", ".skilltest.yml")
_LISTS = {"platforms": "agent programs", "models": "models"}
_TEXTS = {
    "provider": "a command that speaks the provider protocol; also the variable SKILLTEST_PROVIDER",
    "config": "the config file, relative to the root directory (default: its skilltest.yaml)",
    "bin": "accepted for skilltest's configurations, and ignored: there is no other program to start",
}
_MARKER = "skilltest(case, platform, model, repeat): a trial of a skill, collected from a *.skilltest.yaml file"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the ini options."""
    for name, meaning in _TEXTS.items():
        parser.addini(f"skilltest_{name}", f"skill tests: {meaning}", default="")
    for name, meaning in _LISTS.items():
        parser.addini(f"skilltest_{name}", f"skill tests: {meaning}, instead of the config's", type="args", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", _MARKER)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SkillTestFile | None:
    """Take the files that are ours."""
    if not file_path.name.endswith(_SUFFIXES):
        return None
    return SkillTestFile.from_parent(parent, path=file_path)


class SkillTestFile(pytest.File):
    """A file with a case."""

    def collect(self) -> Iterator[SkillTestItem]:
        """A test for each trial.

        Raises:
            CollectError: config, case or skill cannot be used; with every problem and its place.
        """
        from runner_env.errors import DefinitionError

        try:
            plan = _trials(self.config).plan(self.path)
        except DefinitionError as error:
            raise self.CollectError("\n".join(map(str, error.findings))) from error
        for trial in plan.trials:
            case = trial.planned.key.removesuffix(".skilltest")
            name = f"{case}[{trial.platform}-{trial.model}-{trial.repeat}]"
            yield SkillTestItem.from_parent(self, name=name, plan=plan, trial=trial)


class SkillTestItem(pytest.Item):
    """One trial. It is run when the test is set up, so that what leaves it unscored is an error and not a failure."""

    def __init__(self, *, plan: Plan, trial: Trial, **keywords: Any) -> None:  # noqa: ANN401 - pytest's own
        super().__init__(**keywords)
        self.plan = plan
        self.trial = trial
        self.result: TrialReport | None = None
        case = trial.planned.case.name
        mark = pytest.mark.skilltest(case=case, platform=trial.platform, model=trial.model, repeat=trial.repeat)
        self.add_marker(mark)

    def setup(self) -> None:
        """Run the trial and keep the transcript for the report."""
        from runner_env.errors import RunnerEnvError

        try:
            report = _trials(self.config).run(self.plan, self.trial)
        except RunnerEnvError as error:
            pytest.fail(str(error), pytrace=False)
        self.result = report.runs[0]
        self._keep(report, self.result)
        if self.result.verdict == "unscored":
            pytest.fail(_told(self.result), pytrace=False)

    def runtest(self) -> None:
        """Hold the evals against what was expected."""
        assert self.result is not None
        if not self.result.passed:
            pytest.fail(_told(self.result), pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where the test stands."""
        return self.path, None, self.name

    def _keep(self, report: SkillReport, result: TrialReport) -> None:
        when = "setup" if result.verdict == "unscored" else "call"
        said = (f"{message.role}:\n{message.content}\n" for message in result.transcript.messages)
        self.add_report_section(when, "transcript", "\n".join(said))
        if report.run is not None:
            self.user_properties.append(("run_dir", report.run.dir))


def _told(result: TrialReport) -> str:
    from runner_env.reporting.skill_report import trial_lines
    from runner_env.reporting.style import Style

    hint = f"      Hint: {result.error.hint}\n" if result.error and result.error.hint else ""
    return "".join(trial_lines(result, Style(colour=False))) + hint


_SHARED: pytest.StashKey[SingleTrials] = pytest.StashKey()


def _trials(config: pytest.Config) -> SingleTrials:
    """What the tests of this process share; made when the first file is collected."""
    if _SHARED not in config.stash:
        from runner_env.skills.single import SingleTrials, Wishes

        given = {name: config.getini(f"skilltest_{name}") for name in ("config", "provider", *_LISTS)}
        config.stash[_SHARED] = trials = SingleTrials(config.rootpath, Wishes(**given))
        config.add_cleanup(trials.close)
    return config.stash[_SHARED]
