"""The provider boundary of skill testing: who runs a skill, plays its user and judges. Knows no cases, no reports."""

from runner_env.providers.model import (
    AssistantTurn,
    JudgeKind,
    JudgeQuery,
    JudgeVerdict,
    MockCall,
    MockRules,
    Provider,
    ProviderError,
    RespondOptions,
    SkillRef,
    UserTurn,
)

__all__ = [
    "AssistantTurn",
    "JudgeKind",
    "JudgeQuery",
    "JudgeVerdict",
    "MockCall",
    "MockRules",
    "Provider",
    "ProviderError",
    "RespondOptions",
    "SkillRef",
    "UserTurn",
]
