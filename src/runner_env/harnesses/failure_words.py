"""What agent programs, their libraries and model APIs say when they fail, as far as the wording tells the kind."""

from __future__ import annotations

import re

from runner_env.core import FailureKind


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


STATUS = re.compile(
    r"API Error: (?:Request rejected \()?(\d{3})\b|\bstatus(?: code)?:? \(?(\d{3})\b|\"statusCode\": ?(\d{3})\b"
    r"|\bHTTP(?:/\d(?:\.\d)?)? ?(\d{3})\b|\b(\d{3}) (?:status code \(no body\)|Unauthorized|Payment Required|Forbidden"
    r"|Not Found|Payload Too Large|Too Many Requests|Internal Server Error|Bad Gateway|Service Unavailable"
    r"|Gateway Time)"
)
"""An HTTP status of the model's API, in the words in which the programs quote it."""

NO_CREDIT = _any(
    r"insufficient[ _]quota|\bbilling\b|credit balance|exceeded your current quota|out of credits|payment required",
    r"(?:hit|reached|exceeded) (?:your|the) (?:\w+ )?(?:usage|spend(?:ing)?) limit|usage limit (?:has been )?reached",
    r"insufficient (?:funds|balance|credits)|\w*UsageLimitError|spending limit|\bno quota\b",
    r"\b(?:hour|daily|weekly|monthly) (?:\w+ )?limit (?:has been )?reached",
)
"""The money is used up: waiting does not help, or not today."""

NAMES = {
    # OpenCode
    "ProviderAuthError": "auth",
    "ProviderModelNotFoundError": "model_not_found",
    "ModelNotFoundError": "model_not_found",
    "ProviderInitError": "spawn",
    "ContextOverflowError": "context_length",
    "MessageOutputLengthError": "truncated",
    "ContentFilterError": "refusal",
    # the library that it asks models with
    "AI_LoadAPIKeyError": "auth",
    "AI_NoSuchModelError": "model_not_found",
    "AI_JSONParseError": "protocol",
    "AI_TypeValidationError": "protocol",
    "AI_EmptyResponseBodyError": "protocol",
    "AI_InvalidResponseDataError": "protocol",
    # Claude Code
    "authentication_failed": "auth",
    "oauth_org_not_allowed": "auth",
    "rate_limit": "rate_limit",
    "server_error": "overloaded",
    "overloaded": "overloaded",
    "max_output_tokens": "truncated",
    "error_max_turns": "other",
    # APIs
    "context_length_exceeded": "context_length",
    "string_above_max_length": "context_length",
    "request_too_large": "context_length",
    "usage_limit_reached": "quota",
    "invalid_prompt": "refusal",
    "cyber_policy": "refusal",
}
"""What errors are called, besides the names that `runner_env.wire.problems` knows."""

WORDS = (
    (
        _any(
            r"context[_ ]length[_ ]exceeded|(?:maximum|max) context (?:length|size|window)|\bcontext window\b",
            r"\b(?:prompt|input|request|conversation) (?:is|was) too (?:long|large)|exceeds? (?:the )?context\b",
            r"input (?:token count|length)\b.{0,80}\bexceed|exceeds? the (?:model'?s )?(?:maximum )?(?:context|token)",
            r"reduce the length of the (?:messages|prompt|input)|too many input tokens|request_too_large",
            r"string_above_max_length",
        ),
        FailureKind.CONTEXT_LENGTH,
    ),
    (
        _any(
            r"\bcontent[ _](?:filter|management policy|policy)|\busage policy\b|flagged as (?:potentially )?violat",
            r"\bstop_reason\W+refusal\b|\bsafety (?:system|filter|reasons)\b|blocked by (?:the )?(?:content|safety)",
        ),
        FailureKind.REFUSAL,
    ),
    (
        _any(
            r"output token (?:maximum|limit)|\bmax_output_tokens\b|maximum output (?:length|tokens)",
            r"response (?:was )?(?:truncated|cut off)",
        ),
        FailureKind.TRUNCATED,
    ),
    (
        _any(
            r"\bmodel\b[^\n]{0,120}?\b(?:(?:does|may) not exist|is not supported|(?:is )?not available)\b",
            r"\bmodels/[\w.-]+ is not found|\bcannot use this model\b",
            r"\b(?:unknown|invalid|no such|unsupported) model\b|\bmodel[_ ]not[_ ](?:found|supported)\b",
            r"\bmodel ['\"`]?[\w./:@-]+['\"`]? (?:was )?not found\b|ProviderModelNotFoundError",
        ),
        FailureKind.MODEL_NOT_FOUND,
    ),
    (
        _any(
            r"\b(?:invalid|incorrect|missing|no) (?:x-)?api[ -]?key\b|\bapi[ -]?key (?:is )?(?:missing|required|not )",
            r"authentication[ _](?:failed|error|required)|failed to authenticate|\bunauthori[sz]ed\b",
            r"invalid bearer token|\bnot logged in\b",
            r"please (?:run )?[`/']?(?:log ?in|\w+ (?:auth )?login)\b|(?:oauth )?token (?:has )?expired",
            r"\bforbidden\b|no auth(?:entication)? (?:type|method)",
            r"(?:organi[sz]ation|account) (?:has been|is) (?:disabled|suspended|deactivated)",
            r"missing environment variable|could not load (?:the )?credentials|session expired",
        ),
        FailureKind.AUTH,
    ),
    (
        _any(
            r"\brate[ _-]?limit|too many requests|\bresource[ _]exhausted\b|\b(?:requests|tokens) per (?:min|day|hour)",
            r"\bslow(?:ing)? down\b|\bthrottl",
        ),
        FailureKind.RATE_LIMIT,
    ),
    (
        _any(
            r"\boverloaded\b|high demand|\bat capacity\b|service (?:is )?(?:temporarily )?unavailable|bad gateway",
            r"internal[ _](?:server )?error|\bserver[ _-]?error\b|server-side issue|temporarily unavailable",
            r"gateway time-?out|server had an error|provider returned error|try again later|upstream connect",
        ),
        FailureKind.OVERLOADED,
    ),
    (
        _any(
            r"\bidle timeout\b|\b(?:request|response|stream|read) timeout\b|\btimed out\b|\bstalled\b|deadline exceeded"
        ),
        FailureKind.TIMEOUT,
    ),
    (
        _any(
            r"stream (?:was )?(?:disconnected|closed) before|\bconnection (?:was )?(?:refused|reset|error|closed|lost)",
            r"\bECONN\w+|\bENOTFOUND\b|\bEAI_AGAIN\b|\bETIMEDOUT\b|\bEPIPE\b|socket hang up|getaddrinfo|fetch failed",
            r"(?:unable to|can(?:not|'t)|could not|failed to) (?:connect|reach)\b|\bcertificate\b",
            r"network[ _-]error|socket connection was closed|error sending request|failed to fetch",
            r"\bterminated\b|reset before headers|connection aborted|broken pipe",
        ),
        FailureKind.CONNECTION,
    ),
    (
        _any(
            r"invalid json|json parse|unexpected (?:token|end of (?:json|data|input))|empty (?:response|body|reply)",
            r"empty or malformed (?:response|body|reply)|check for a proxy or gateway",
            r"(?:could not|failed to|error) (?:parse|decod|deserializ)\w*|no (?:output|content) generated",
            r"type validation failed|stream (?:has )?ended without",
        ),
        FailureKind.PROTOCOL,
    ),
    (
        _any(r"\bspawn \S+ E[A-Z]+\b|not found on PATH"),
        FailureKind.SPAWN,
    ),
)
"""In the order in which they are tried; a long message may have the words of several."""
