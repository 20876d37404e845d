"""Doubles for tests and demonstrations (docs/testing.md); the server needs the extra `testing`.

    from runner_env.testing import Reply, Rule, ScriptedModel

    with ScriptedModel([Rule([Reply(status=429, times=1), Reply("Paris")], match="capital of France")]) as server:
        ...  # point an OpenAI client at server.url

The same from a shell: `python -m runner_env.testing --script rules.json`.
"""

from runner_env.testing.fake_harness import FakeHarness, FakeTurn
from runner_env.testing.replies import Breakage, Fault, Reply, Tokens, ToolCall
from runner_env.testing.rules import Answerer, Rule
from runner_env.testing.server import ScriptedModel
from runner_env.testing.wire import ChatRequest, Message

__all__ = [
    "Answerer",
    "Breakage",
    "ChatRequest",
    "FakeHarness",
    "FakeTurn",
    "Fault",
    "Message",
    "Reply",
    "Rule",
    "ScriptedModel",
    "Tokens",
    "ToolCall",
]
