"""From a criterion to a prompt, from a reply to a verdict. Pure: no I/O, no providers."""

from runner_env.judging.prompts import judge_prompt, latest_user_message, reply_prompt, user_prompt, verdict_schema
from runner_env.judging.query import JudgeKind, JudgeQuery, JudgeVerdict
from runner_env.judging.verdict import parse_verdict, stated_verdict

__all__ = [
    "JudgeKind",
    "JudgeQuery",
    "JudgeVerdict",
    "judge_prompt",
    "latest_user_message",
    "parse_verdict",
    "reply_prompt",
    "stated_verdict",
    "user_prompt",
    "verdict_schema",
]
