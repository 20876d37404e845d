"""A judge and simulated user by direct calls of a model API: one round trip each, no harness."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from runner_env.core import FailureKind, Usage, UsageSource
from runner_env.errors import ProviderError
from runner_env.judging import judge_prompt, parse_verdict, user_prompt, verdict_schema
from runner_env.judging.prompts import SYSTEM
from runner_env.providers.model import NO_OPTIONS, UserTurn
from runner_env.text.jsontext import whole_characters
from runner_env.text.masking import Masker
from runner_env.wire import ApiProblem, Exchange, anthropic, openai_chat
from runner_env.wire.problems import decode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from runner_env.core import Message
    from runner_env.judging import JudgeQuery, JudgeVerdict
    from runner_env.llm import Answer, HttpClient, TransportError
    from runner_env.providers.host import Host
    from runner_env.providers.model import AssistantTurn, RespondOptions, SkillRef
    from runner_env.wire import Completion

_CONTEXT = "api-judge"
# The reference tool says so of every verdict that cannot be used, whoever gave it.
_VERDICT_CONTEXT = "oneharness:judge"


class ApiVendor(StrEnum):
    """Whose dialect is spoken."""

    ANTHROPIC = "anthropic"
    OPENAI = "openai"


_DIALECTS: dict[ApiVendor, ModuleType] = {ApiVendor.ANTHROPIC: anthropic, ApiVendor.OPENAI: openai_chat}


@dataclass(frozen=True, slots=True)
class ApiJudgeOptions:
    """How a model API is used.

    Attributes:
        vendor: the dialect.
        api_key_env: the variable that holds the key; None: the vendor's usual one.
        base_url: the whole URL that is posted to; None: the vendor's own.
        timeout_s: seconds for one round trip.
        strict_json: have the API hold the verdict to its schema.
        max_tokens: the longest reply.
    """

    vendor: ApiVendor
    api_key_env: str | None = None
    base_url: str | None = None
    timeout_s: float = 60.0
    strict_json: bool = True
    max_tokens: int = 1024


class ApiJudgeProvider:
    """Judges and plays the user by a model API. It cannot run skills: see `SplitProvider`.

    The key is read when it is needed, goes into one header, and is masked in whatever the server says.

    Args:
        options: which API.
        host: whose environment has the key and the proxies.

    Attributes:
        api_key_env: the variable that holds the key.
        endpoint: the URL that is posted to.
    """

    def __init__(self, options: ApiJudgeOptions, host: Host) -> None:
        self._dialect = _DIALECTS[options.vendor]
        self.api_key_env: str = options.api_key_env or self._dialect.KEY_VARIABLE
        self.endpoint: str = options.base_url or self._dialect.ENDPOINT
        self._options = options
        self._host = host
        self._opened: HttpClient | None = None

    async def respond(
        self,
        platform: str,  # noqa: ARG002 - the boundary's signature
        model: str,  # noqa: ARG002
        skill: SkillRef,  # noqa: ARG002
        messages: Sequence[Message],  # noqa: ARG002
        session: str | None = None,  # noqa: ARG002
        options: RespondOptions = NO_OPTIONS,  # noqa: ARG002
    ) -> AssistantTurn:
        """Refuse.

        Raises:
            ProviderError: always.
        """
        message = "the API judge does not run skills; use it as the judge in a SplitProvider"
        raise ProviderError("not_a_responder", message, context=_CONTEXT)

    async def simulate_user(self, model: str, persona: str, messages: Sequence[Message]) -> UserTurn:
        """Have the simulated user say its next turn; see `Provider`."""
        text, usage = await self._chat(model, user_prompt(persona, messages, self._host.ambient), None)
        return UserTurn(message=text.strip(), usage=usage, raw=text)

    async def judge(self, model: str, query: JudgeQuery, messages: Sequence[Message]) -> JudgeVerdict:
        """Judge the conversation; see `Provider`."""
        schema = verdict_schema(query.kind) if self._options.strict_json else None
        text, usage = await self._chat(model, judge_prompt(query, messages, self._host.ambient), schema)
        try:
            return replace(parse_verdict(query, text, messages, context=_VERDICT_CONTEXT), usage=usage)
        except ProviderError as error:
            error.usage = usage
            raise

    def supports_resume(self, platform: str) -> bool:  # noqa: ARG002 - no platform
        """False: there are no sessions."""
        return False

    async def aclose(self) -> None:
        """Close every connection; see `Provider`."""
        client, self._opened = self._opened, None
        if client is not None:
            await client.aclose()

    async def _chat(self, model: str, prompt: str, schema: dict[str, Any] | None) -> tuple[str, Usage | None]:
        from runner_env.llm.retrying import retried

        exchange = Exchange(model, SYSTEM, prompt, self._options.max_tokens, schema)
        completion = await retried(partial(self._attempt, exchange, self._key()))
        return _usable(completion), _usage(completion)

    def _key(self) -> str:
        key = self._host.env.get(self.api_key_env, "").strip()
        if key and key.isascii() and key.isprintable():
            return key
        what = "has a character that no header can carry" if key else "is not set"
        message = f"API key env var `{self.api_key_env}` {what}"
        hint = f"Set `{self.api_key_env}`."
        raise ProviderError("auth", message, context=_CONTEXT, kind=FailureKind.AUTH, hint=hint)

    async def _attempt(self, exchange: Exchange, key: str) -> Completion:
        from runner_env.llm import TransportError

        masker = Masker({"key": key})
        answer: Answer | None = None
        try:
            answer = await self._client().post(self.endpoint, self._dialect.headers(key), self._dialect.body(exchange))
            completion: Completion = self._dialect.completion(decode(answer.status, answer.content_type, answer.body))
        except (TransportError, ApiProblem) as problem:
            self._raise(problem, answer, masker)
        return replace(completion, text=masker.text(whole_characters(completion.text)))

    def _raise(self, problem: TransportError | ApiProblem, answer: Answer | None, masker: Masker) -> NoReturn:
        """Raise what became of an attempt: as passing if another one may succeed."""
        from runner_env.llm.retrying import Passing, wanted_wait

        kind = FailureKind(problem.kind) if problem.kind else None
        message = masker.text(problem.message)
        raw = masker.text(answer.body[: 1 << 16].decode("utf-8", "replace")) if answer else ""
        error = ProviderError(
            kind.value if kind else "api_error",
            message,
            context=_CONTEXT,
            kind=kind,
            hint=_HINTS.get(kind) if kind else None,
            raw=raw,
        )
        if kind is None or not kind.transient:
            raise error from None
        wait_s = wanted_wait(answer.retry_after, self._host.ambient.now()) if answer and answer.retry_after else None
        raise Passing(error, wait_s) from None

    def _client(self) -> HttpClient:
        from runner_env.llm import HttpClient, HttpLimits

        if self._opened is None:
            self._opened = HttpClient(self._host.env, HttpLimits(self._options.timeout_s))
        return self._opened


_HINTS = {
    FailureKind.AUTH: "Authentication failed: check the API key and what it may use.",
    FailureKind.RATE_LIMIT: "The calls were rate-limited: wait, or run fewer trials side by side (--jobs).",
    FailureKind.QUOTA: "The account's credit or quota is used up.",
    FailureKind.MODEL_NOT_FOUND: "Check the judge model's name and `base_url`.",
    FailureKind.OVERLOADED: "The API is overloaded; try again later.",
    FailureKind.CONNECTION: "Check `base_url`, the network and the proxy.",
    FailureKind.TIMEOUT: "The call timed out: raise `timeout_secs`.",
    FailureKind.PROTOCOL: "Check that `base_url` is the API's whole URL; redirects are not followed.",
}


def _usable(completion: Completion) -> str:
    """The text of a whole answer.

    Raises:
        ProviderError: the model declined, was cut off, or said nothing.
    """
    said = bool(completion.text.strip())
    stop = f" (stop reason: {completion.stop})" if completion.stop else ""
    if completion.refused:
        what, kind = f"the judge refused to answer: judge returned no text{stop}", FailureKind.REFUSAL
        what = f"the judge refused to answer{stop}" if said else what
    elif completion.truncated:
        what, kind = f"the judge's answer was cut off at its token limit{stop}", FailureKind.TRUNCATED
    elif not said:
        what, kind = f"judge returned no text{stop}", FailureKind.PROTOCOL
    else:
        return completion.text
    usage = _usage(completion)
    raise ProviderError(kind.value, what, context=_CONTEXT, kind=kind, raw=completion.text[: 1 << 16], usage=usage)


def _usage(completion: Completion) -> Usage | None:
    usage = Usage(completion.input_tokens, completion.output_tokens, source=UsageSource.CLAIMED)
    return None if usage.is_empty else usage
