"""What `skill init` writes can be used at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio

from runner_env.core import Message
from runner_env.judging import JudgeQuery
from runner_env.providers.model import SkillRef
from runner_env.providers.scripted import ScriptedProvider
from runner_env.skills.config import Config, ScriptedConfig
from runner_env.skills.evals import score_boolean, score_numeric
from runner_env.skills.plan import load_plan
from runner_env.skills.scaffold import scaffold_files
from runner_env.skills.validation import validate_skills
from runner_env.skills.values import BooleanEval, NumericEval


def test_the_scaffold_is_sound(
    tmp_path: Path, write: Callable[[str, str], Path], config: Callable[..., Config]
) -> None:
    """The skill is valid even strictly, the case loads, and no model and no network is needed."""
    for name, text in scaffold_files().items():
        write(name, text)
    made = config()
    assert made.provider == ScriptedConfig()
    assert [trial.id for trial in load_plan(made, ["cases"], [], tmp_path).trials] == [
        "example[claude-code/claude-opus-4-8]"
    ]
    assert validate_skills(["skills"], tmp_path, strict=True).valid


def test_the_scaffold_passes_offline(
    tmp_path: Path, write: Callable[[str, str], Path], config: Callable[..., Config]
) -> None:
    """With the shipped provider every eval of the example passes, so a newcomer begins with a success."""
    for name, text in scaffold_files().items():
        write(name, text)
    (planned,) = load_plan(config(), ["cases"], [], tmp_path).cases

    async def main() -> list[bool | None]:
        provider, skill = ScriptedProvider(), planned.skill
        said = [Message.user(planned.case.input)]
        turn = await provider.respond("p", "m", SkillRef(skill.name, skill.path, skill.instructions), said)
        said.append(Message.assistant(turn.message))
        outcomes = []
        for item in planned.case.evals:
            if isinstance(item, BooleanEval):
                verdict = await provider.judge("m", JudgeQuery.boolean(item.criterion), said)
                outcomes.append(score_boolean(item, bool(verdict.value), verdict.reason).passed)
            elif isinstance(item, NumericEval):
                query = JudgeQuery.numeric(item.criterion, item.minimum, item.maximum)
                verdict = await provider.judge("m", query, said)
                outcomes.append(score_numeric(item, float(verdict.value), verdict.reason).passed)
        return outcomes

    assert anyio.run(main) == [True, True]
