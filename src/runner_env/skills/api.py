"""Skill runs from Python: `run_skill(...)`, its asynchronous twin, and what cases are built of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from runner_env.bridge import blocking
from runner_env.errors import OptionError, RunError
from runner_env.evidence.rundir import JOURNAL
from runner_env.providers.model import Event, Provider
from runner_env.settings import Settings
from runner_env.skills.building import Mock, TestCase
from runner_env.skills.case import case_of
from runner_env.skills.config import ConfigSources, load_config
from runner_env.skills.discovery import load_cases
from runner_env.skills.patches import Patch
from runner_env.skills.plan import Trial, plan_of
from runner_env.skills.report import SkillReport
from runner_env.skills.watching import Observer

if TYPE_CHECKING:
    from runner_env.skills.plan import Plan
    from runner_env.skills.run import How
    from runner_env.skills.values import Case

Cases = str | Path | TestCase | Sequence[str | Path | TestCase]


class SkillKeywords(TypedDict, total=False):
    """The keywords of `run_skill`; all are optional.

    config: the config file (default: `skilltest.yaml` in `cwd`, if it is there).
    config_overrides: settings, by dotted path, as `--set` takes them: `{"provider.timeout_secs": 30}`.
    provider: an object of the provider boundary, or a command that speaks the provider protocol.
    platforms, models, judge_model, max_turns, repeat, jobs, on_error, max_cost, max_tokens, max_time: as the flags.
    mocks: tried before those of the cases.
    spy: record tool calls even in cases without mocks.
    cwd: what relative paths are relative to (default: the current directory).
    environ: in place of this process's environment.
    observer: told what goes on.
    on_event: told of each tool event as it happens, with its trial and turn.
    resume, rejudge: an earlier run, by its id or directory.
    """

    config: str | Path | None
    config_overrides: Mapping[str, Any]
    provider: Provider | str | Sequence[str] | None
    platforms: Sequence[str]
    models: Sequence[str]
    judge_model: str
    max_turns: int
    repeat: int
    jobs: int
    on_error: str
    max_cost: float
    max_tokens: int
    max_time: float
    mocks: Sequence[Mock | Mapping[str, Any]]
    spy: bool
    cwd: str | Path | None
    environ: Mapping[str, str] | None
    observer: Observer | None
    on_event: Callable[[Trial, int, Event], None] | None
    resume: str | Path | None
    rejudge: str | Path | None


_SETTINGS = (
    "judge_model", "max_turns", "repeat", "jobs", "on_error", "max_cost", "max_tokens", "max_time", "spy",
)  # fmt: skip


def run_skill(cases: Cases, **keywords: Unpack[SkillKeywords]) -> SkillReport:
    """Run cases on every platform and model, and judge the answers.

    Args:
        cases: files, directories of files, `TestCase` values, or several of these.
        **keywords: see `SkillKeywords`.

    Returns:
        The report; a case that failed is no error.

    Raises:
        DefinitionError: a config, case or skill cannot be used; nothing was run.
        ProviderError: a call failed, with `on_error="abort"`.
        EvidenceError: evidence could not be written.
    """
    from runner_env.skills.interruption import interruptible

    return blocking(interruptible(run_skill_async(cases, **keywords)))


async def run_skill_async(cases: Cases, **keywords: Unpack[SkillKeywords]) -> SkillReport:
    """As `run_skill`, for a program with an event loop of its own; cancelling the task ends what the run started."""
    from runner_env.skills.run import run_plan

    plan, how = _prepared(cases, keywords)
    report = await run_plan(plan, how)
    return replace(report, runs=tuple(report.runs))


def _prepared(cases: Cases, keywords: SkillKeywords) -> tuple[Plan, How]:
    from runner_env.skills.run import How

    unknown = sorted(set(keywords) - set(SkillKeywords.__annotations__))
    if unknown:
        raise OptionError("unknown_option", f"run_skill() has no keyword {unknown[0]!r}.", hint="See SkillKeywords.")
    cwd = Path(keywords.get("cwd") or Path.cwd()).absolute()
    settings = Settings.from_environ(keywords.get("environ"))
    provider = keywords.get("provider")
    config = keywords.get("config")
    sources = ConfigSources(
        environ=settings.environ, cwd=cwd, file=None if config is None else str(config), flags=_patches(keywords)
    )
    given = [cases] if isinstance(cases, (str, Path, TestCase)) else list(cases)
    plan = plan_of(load_config(sources), [case for one in given for case in _cases(one, cwd)])
    how = How(
        settings=settings,
        cwd=cwd,
        provider=None if provider is None or isinstance(provider, (str, Sequence)) else provider,
        observer=keywords.get("observer"),
        on_event=keywords.get("on_event"),
        resume=_run_dir(keywords.get("resume"), settings),
        rejudge=_run_dir(keywords.get("rejudge"), settings),
        inputs={"cwd": str(cwd), "paths": [str(one) for one in given if not isinstance(one, TestCase)]},
    )
    return plan, how


def _cases(one: str | Path | TestCase, cwd: Path) -> list[Case]:
    if isinstance(one, TestCase):
        return [case_of(one.as_mapping(), cwd=cwd, origin=one.name or "TestCase")]
    return load_cases([str(one)], [], cwd)


def _patches(keywords: SkillKeywords) -> list[Patch]:
    given: dict[str, Any] = dict(keywords)
    patches = [Patch(tuple(path.split(".")), v, path) for path, v in (given.get("config_overrides") or {}).items()]
    patches += [Patch((name,), given[name], name) for name in _SETTINGS if given.get(name) is not None]
    patches += [Patch((name,), list(given[name]), name) for name in ("platforms", "models") if given.get(name)]
    if given.get("mocks"):
        mocks = [one.as_mapping() if isinstance(one, Mock) else dict(one) for one in given["mocks"]]
        patches.append(Patch(("mocks",), mocks, "mocks"))
    provider = given.get("provider")
    if isinstance(provider, (str, Sequence)):
        command = provider.split() if isinstance(provider, str) else list(provider)
        patches.append(Patch(("provider",), {"kind": "command", "command": command}, "provider"))
    return patches


def _run_dir(named: str | Path | None, settings: Settings) -> Path | None:
    if named is None:
        return None
    for path in (Path(named), settings.runs_dir / Path(named).name):
        if (path / JOURNAL).is_file():
            return path
    hint = "`runner-env runs list` shows every run."
    raise RunError("run_not_found", f"There is no run {str(named)!r} in {settings.runs_dir}.", hint=hint)
