"""Files of skill testing in a temporary directory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from runner_env.core import Message, Usage
from runner_env.providers import AssistantTurn, JudgeQuery, JudgeVerdict, RespondOptions, SkillRef, UserTurn
from runner_env.providers.model import NO_OPTIONS
from runner_env.skills import SkillReport, TestCase, boolean, run_skill
from runner_env.skills.case import load_case
from runner_env.skills.config import Config, ConfigSources, load_config
from runner_env.skills.values import Case

SKILL = "---\nname: greeter\ndescription: Greets people by name.\n---\n# Greeter\n\nGreet.\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a file below the test's directory."""

    def _write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        return path

    return _write


@pytest.fixture
def case(tmp_path: Path, write: Callable[[str, str], Path]) -> Callable[..., Case]:
    """Load a case from YAML text, after a skill and an input; with an eval if the text has none."""

    def _case(text: str, *, name: str = "case.yaml") -> Case:
        tail = "" if "evals:" in text else "evals:\n  - {type: boolean, criterion: greets}\n"
        write(name, f"skill: skills/greeter\ninput: hi\n{text}{tail}")
        return load_case(name, tmp_path)

    return _case


@pytest.fixture
def config(tmp_path: Path, write: Callable[[str, str], Path]) -> Callable[..., Config]:
    """Load a config from YAML text, environment and `--set`."""

    def _config(text: str | None = None, *, environ: dict[str, str] | None = None, **more: object) -> Config:
        if text is not None:
            write("skilltest.yaml", text)
        return load_config(ConfigSources(environ=environ or {}, cwd=tmp_path, **more))  # type: ignore[arg-type]

    return _config


@pytest.fixture
def skill_folder(write: Callable[[str, str], Path]) -> Callable[..., str]:
    """A skill's directory, named as given, with the text as its SKILL.md."""

    def _skill(name: str = "greeter", text: str = SKILL) -> str:
        write(f"skills/{name}/SKILL.md", text)
        return f"skills/{name}"

    return _skill


Answer = Callable[..., Any]


class FakeProvider:
    """Answers from functions, and writes down what it was asked; a function may raise, or wait.

    `respond(messages, session, options)`, `user(messages)`, `judge(query, messages)`; each may be asynchronous.
    """

    def __init__(self, respond: Answer | None = None, user: Answer | None = None, judge: Answer | None = None) -> None:
        self.asked: list[tuple[str, Any]] = []
        self._respond = respond or (lambda *_: AssistantTurn("hello", usage=Usage(10, 5), raw="hello"))
        self._user = user or (lambda *_: UserTurn("go on", raw="go on"))
        self._judge = judge or (
            lambda query, _: JudgeVerdict(True if query.scale is None else 7.0, "ok", "raw verdict")
        )

    async def respond(
        self,
        platform: str,  # noqa: ARG002 - the boundary's signature
        model: str,  # noqa: ARG002
        skill: SkillRef,  # noqa: ARG002
        messages: Sequence[Message],
        session: str | None = None,
        options: RespondOptions = NO_OPTIONS,
    ) -> AssistantTurn:
        """The assistant's turn."""
        self.asked.append(("respond", session))
        return await _awaited(self._respond(messages, session, options))

    async def simulate_user(self, model: str, persona: str, messages: Sequence[Message]) -> UserTurn:  # noqa: ARG002
        """The user's turn."""
        self.asked.append(("user", model))
        return await _awaited(self._user(messages))

    async def judge(self, model: str, query: JudgeQuery, messages: Sequence[Message]) -> JudgeVerdict:  # noqa: ARG002
        """A verdict."""
        self.asked.append(("judge", query.criterion))
        return await _awaited(self._judge(query, messages))

    def supports_resume(self, platform: str) -> bool:  # noqa: ARG002
        """Always."""
        return True

    async def aclose(self) -> None:
        """Nothing to close."""

    @property
    def ops(self) -> list[str]:
        """What was asked for, in order."""
        return [op for op, _ in self.asked]


async def _awaited(value: Any) -> Any:
    return await value if hasattr(value, "__await__") else value


@pytest.fixture
def fake() -> type[FakeProvider]:
    """A provider in this process."""
    return FakeProvider


@pytest.fixture
def run(tmp_path: Path, write: Callable[[str, str], Path]) -> Callable[..., SkillReport]:
    """Run cases of one skill with a provider: `run(provider, cases..., **keywords of run_skill)`."""

    def _run(provider: object, *cases: Mapping[str, Any], **keywords: Any) -> SkillReport:
        write("skills/greeter/SKILL.md", SKILL)
        default = {"name": "one", "evals": [boolean("greets")]}
        made = [TestCase(**{"skill": "skills/greeter", "input": "hi", **default, **case}) for case in cases or ({},)]
        keywords = {"platforms": ["p"], "models": ["m"], **keywords}
        return run_skill(made, provider=provider, cwd=tmp_path, **keywords)

    return _run
