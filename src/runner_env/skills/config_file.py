"""The config (`skilltest.yaml`) as it stands in its file: every setting is declared here and nowhere else.

Environment variables and `--set` follow from these models, so a new key needs nothing else.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from runner_env.skills.fields import Amount, Exact, Positive, Price, Strict, refuse
from runner_env.skills.mock_file import MockFile

Seconds = Annotated[int, Field(ge=1, le=31_622_400)]


def _command(value: list[str]) -> list[str]:
    if not value:
        raise refuse("empty_value", "must name a command")
    return value


class RoleFile(Strict):
    """How oneharness is called for one role; with this block no harness, timeout and model are passed to it.

    Those of them that flags, `--set` or the environment give are, in place of the block's own.
    """

    config: str | None = None
    """A configuration file of oneharness."""
    args: list[str] = Field(default_factory=list)
    """More arguments of `oneharness run`."""


class OneharnessFile(Strict):
    """The skill runs on an agent program, by way of the `oneharness` command."""

    kind: Literal["oneharness"]
    bin: Exact | None = None
    """The command; default: `oneharness`, or what `SKILLTEST_ONEHARNESS_BIN` names."""
    judge_harness: Exact = "claude-code"
    """Which agent program judges and plays the user."""
    timeout_secs: Seconds = 120
    """Limit of each call, in seconds."""
    history: bool = True
    """Keep a history of each session."""
    history_dir: str | None = None
    """Where to; default: `SKILLTEST_HISTORY_DIR`, or below the user's state directory."""
    judge: RoleFile | None = None
    """The judge's own way to call oneharness; default: `judge_harness`, `judge_model` and the timeout."""
    simulated_user: RoleFile | None = None
    """The simulated user's; default: that of the judge."""


class CommandFile(Strict):
    """A program of your own that speaks the provider protocol (docs/protocol.md)."""

    kind: Literal["command"]
    command: Annotated[
        list[str],
        AfterValidator(_command),
        WithJsonSchema({"type": "array", "minItems": 1, "items": {"type": "string"}}),
    ]
    """The program and its arguments."""
    timeout_secs: Seconds = 600
    """Limit of each call, in seconds."""


class ScriptedFile(Strict):
    """The deterministic provider that is shipped: no model, no network, the same answers every time."""

    kind: Literal["scripted"]


class ApiJudgeFile(Strict):
    """A judge that is asked directly over HTTP, instead of through the provider."""

    kind: Literal["api"]
    vendor: Literal["anthropic", "openai"]
    """Whose API it speaks; `openai` also stands for every server compatible with it."""
    api_key_env: Exact | None = None
    """The variable with the key; default: `ANTHROPIC_API_KEY` or `OPENAI_API_KEY`."""
    base_url: Exact | None = None
    """The full URL of the endpoint; default: the vendor's own."""
    timeout_secs: Seconds = 60
    """Limit of each request, in seconds."""
    curl_bin: str = "curl"
    """Accepted for the reference tool's configs; ignored, with a warning."""
    strict_json: bool = True
    """Ask the API to enforce the format of the verdict."""


class PriceFile(Strict):
    """What a model costs, in US dollars for a million tokens."""

    input: Price
    """For tokens of the prompt."""
    output: Price
    """For tokens of the reply."""


def _kind(value: object) -> object:
    return {"kind": "oneharness", **value} if isinstance(value, dict) else value


ProviderFile = Annotated[
    OneharnessFile | CommandFile | ScriptedFile, Field(discriminator="kind"), BeforeValidator(_kind)
]
"""A provider; without a `kind` it is oneharness."""


class ConfigFile(Strict):
    """How cases are run."""

    provider: ProviderFile = Field(default_factory=lambda: OneharnessFile(kind="oneharness"))
    """What runs the skill, plays the user and judges."""
    platforms: Annotated[list[Exact], Field(min_length=1)] = Field(default=["claude-code"])
    """Agent programs to run each case on."""
    models: Annotated[list[str], Field(min_length=1)] = Field(default=["claude-opus-4-8"])
    """Models to run each case with; an empty text leaves the choice to the agent program."""
    judge_model: str = ""
    """The model that judges and plays the user; default: the first of `models`."""
    max_turns: Positive = 8
    """Answers of the skill at most, if a case says nothing else."""
    mocks: list[MockFile] = Field(default_factory=list)
    """Mocks of every case; they are tried before the case's own."""
    spy: bool = False
    """Record tool calls even in cases without mocks."""
    judge: ApiJudgeFile | None = None
    """A judge of its own; default: the provider judges."""
    on_error: Literal["continue", "abort"] = "continue"
    """After a failed call go on with the other trials, or end the run at once."""
    repeat: Positive = 1
    """How often each case is run on each platform and model."""
    jobs: Positive | None = None
    """Trials at the same time; default: chosen by the runner."""
    platform_jobs: dict[Exact, Positive] = Field(default_factory=dict)
    """Limits for single platforms."""
    judge_jobs: Positive | None = None
    """Calls to the judge at the same time; default: no limit of its own."""
    min_coverage: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Share of trials that must be scored; below it the run is unscored."""
    max_cost: Amount | None = None
    """End the run before it costs more than this, in US dollars."""
    max_tokens: Positive | None = None
    """End the run before it uses more tokens than this, prompts and replies together."""
    max_time: Amount | None = None
    """End the run after this long, in seconds."""
    prices: dict[Exact, PriceFile] = Field(default_factory=dict)
    """Prices that go before those of the built-in table."""
