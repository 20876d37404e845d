"""Skill testing: a skill is exercised by cases on agent programs, and its answers are judged.

    report = run_skill("cases/", models=["claude-opus-4-8"])
    assert report.passed, describe_failures(report)

Importing this package loads nothing heavy; each public name is loaded when first used.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` would take ten times as long to load as all the rest
if TYPE_CHECKING:
    from runner_env.skills.api import SkillKeywords, run_skill, run_skill_async
    from runner_env.skills.building import (
        Mock,
        Pattern,
        TestCase,
        anything,
        boolean,
        called,
        contains,
        deny,
        equals,
        matching,
        not_called,
        numeric,
        rewrite,
        spy,
        stub,
        user,
    )
    from runner_env.skills.looking import (
        ToolSpy,
        assistant_text,
        describe_failures,
        failed_evals,
        failed_runs,
        tool_calls,
    )
    from runner_env.skills.report import SkillReport, TrialReport

__all__ = [
    "Mock",
    "Pattern",
    "SkillKeywords",
    "SkillReport",
    "TestCase",
    "ToolSpy",
    "TrialReport",
    "anything",
    "assistant_text",
    "boolean",
    "called",
    "contains",
    "deny",
    "describe_failures",
    "equals",
    "failed_evals",
    "failed_runs",
    "matching",
    "not_called",
    "numeric",
    "rewrite",
    "run_skill",
    "run_skill_async",
    "spy",
    "stub",
    "tool_calls",
    "user",
]
_HOMES = {
    "api": ("SkillKeywords", "run_skill", "run_skill_async"),
    "looking": ("ToolSpy", "assistant_text", "describe_failures", "failed_evals", "failed_runs", "tool_calls"),
    "report": ("SkillReport", "TrialReport"),
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    home = next((home for home, names in _HOMES.items() if name in names), "building")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return list(__all__)
