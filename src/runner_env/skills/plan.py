"""What a run is to do: every case with its skill and its mocks, and the trials in their order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner_env.errors import DefinitionError
from runner_env.skills.discovery import load_cases
from runner_env.skills.mocks import for_case
from runner_env.skills.reading import refusal
from runner_env.skills.skill import load_skill

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner_env.core import Finding
    from runner_env.skills.config import Config
    from runner_env.skills.skill import Skill
    from runner_env.skills.values import Case, MockDecl


@dataclass(frozen=True, slots=True)
class PlannedCase:
    """A case, ready to be run.

    Attributes:
        key: unique in the plan: the name, and where several cases have it `name#2`, `name#3` from the second on.
        case: the case.
        skill: the skill it is about.
        mocks: all of its mocks with their names, in the order in which they are tried.
        max_turns: answers of the skill at most.
    """

    key: str
    case: Case
    skill: Skill
    mocks: tuple[MockDecl, ...]
    max_turns: int


@dataclass(frozen=True, slots=True)
class Trial:
    """One case on one platform with one model; `repeat` counts from 1."""

    planned: PlannedCase
    platform: str
    model: str
    repeat: int

    @property
    def id(self) -> str:
        """Unique in the plan, readable: `case[platform/model]`, with `#repeat` from the second on."""
        again = f"#{self.repeat}" if self.repeat > 1 else ""
        return f"{self.planned.key}[{self.platform}/{self.model}]{again}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is to be run.

    Attributes:
        config: how.
        cases: in the order of the command line.
        trials: for each case, platform, model and repeat, in this order.
    """

    config: Config
    cases: tuple[PlannedCase, ...]
    trials: tuple[Trial, ...]


def load_plan(config: Config, paths: Sequence[str], json_files: Sequence[str], cwd: Path) -> Plan:
    """The plan for the cases in `paths` and `json_files`. Nothing is run before all of it can be used.

    Raises:
        DefinitionError: there is no case, or one of them or its skill cannot be used; with the problems of all cases.
    """
    return plan_of(config, load_cases(paths, json_files, cwd))


def plan_of(config: Config, cases: Sequence[Case]) -> Plan:
    """The plan for `cases`; see `load_plan`."""
    findings: list[Finding] = []
    skills: dict[str, Skill] = {}
    planned: list[PlannedCase] = []
    taken: dict[str, int] = {}
    for case in cases:
        try:
            mocks = for_case(case, config.mocks)
            if str(case.skill_dir) not in skills:
                skills[str(case.skill_dir)] = _skill(case)
        except DefinitionError as error:
            findings += error.findings
            continue
        taken[case.name] = taken.get(case.name, 0) + 1
        key = case.name if taken[case.name] == 1 else f"{case.name}#{taken[case.name]}"
        turns = (case.user.max_turns if case.user else None) or config.max_turns
        skill = replace(skills[str(case.skill_dir)], path=case.skill)
        planned.append(PlannedCase(key, case, skill, mocks, turns))
    if findings:
        raise DefinitionError(findings)
    return Plan(config, tuple(planned), tuple(_trials(config, planned)))


def _skill(case: Case) -> Skill:
    try:
        return load_skill(case.skill_dir, case.skill)
    except DefinitionError as error:
        if case.origin is None or not isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
            raise
        message = f"The skill of this case is missing: there is no {case.skill.rstrip('/')}/SKILL.md."
        hint = "`skill` names the skill's directory, seen from the case's file."
        raise refusal("unreadable", message, case.origin, hint) from error


def _trials(config: Config, planned: Sequence[PlannedCase]) -> list[Trial]:
    return [
        Trial(case, platform, model, repeat)
        for case in planned
        for platform in config.platforms
        for model in config.models
        for repeat in range(1, config.repeat + 1)
    ]
