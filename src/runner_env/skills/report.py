"""The report of a skill run: the reference tool's format, with optional fields of our own.

Field names and their order are those of skilltest 0.13.0; what is None is left out when it is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

VerdictName = Literal["passed", "failed", "unscored"]


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What calls consumed; a field that nobody reported is None."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """Why something could not be had.

    Attributes:
        code: `usage` (what was handed in cannot be used) or `provider` (a call failed).
        message: what happened, with the place of each problem.
        kind: class of a provider's failure, such as `auth` or `rate_limit`.
        context: which call failed, such as `respond` or `oneharness:codex`.
        hint: what to do about it.
    """

    code: Literal["usage", "provider"]
    message: str
    kind: str | None = None
    context: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class EvalReport:
    """What became of one eval; `passed` is None if it could not be scored."""

    label: str
    passed: bool | None
    detail: Mapping[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class MessageReport:
    """One message of a conversation; `events` are the tool calls that a harness reported with it."""

    role: Literal["user", "assistant", "system"]
    content: str
    events: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class TranscriptReport:
    """A conversation."""

    messages: tuple[MessageReport, ...]


@dataclass(frozen=True, slots=True)
class MockCallReport:
    """A recorded tool call; `rule` and `mock` are those that decided about it."""

    tool: str
    input: Any
    action: str
    rule: int | None = None
    mock: str | None = None


@dataclass(frozen=True, slots=True)
class TroubleReport:
    """Why a trial is unscored.

    Attributes:
        code: stable, such as `timeout`, `no_verdict`, `budget_exhausted`.
        message: what happened.
        kind: class of a provider's failure, such as `auth` or `rate_limit`.
        context: which call failed, such as `respond` or `oneharness:codex`.
        hint: what to do about it.
    """

    code: str
    message: str
    kind: str | None = None
    context: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class CallReport:
    """One call of a provider.

    Attributes:
        op: `respond`, `user` or `judge`.
        model: the model that was asked.
        seconds: how long it took.
        usage: what it consumed; None: not reported.
        error: code of its failure; None: it was answered.
    """

    op: Literal["respond", "user", "judge"]
    model: str
    seconds: float
    usage: UsageReport | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class TrialReport:
    """One trial: a case on a platform with a model.

    Attributes:
        case: its name.
        skill: the skill's directory.
        platform: the agent program.
        model: the model.
        passed: whether every eval passed; False also if the trial is unscored, for which see `verdict`.
        turns: answers of the skill.
        evals: in the order of the case.
        transcript: the whole conversation, as far as it went.
        usage: sum over all calls.
        history_command: how to look at the agent program's own history of it.
        mock_calls: recorded tool calls; None if nothing was recorded.
        verdict: `passed`, `failed` or `unscored`.
        error: why it is unscored.
        repeat: which repetition, from 1.
        seconds: how long it took.
        origin: the file of the case.
        id: unique in the report; the same in every run of the same plan.
        calls: every call that was made for it, in order.
    """

    case: str
    skill: str
    platform: str
    model: str
    passed: bool
    turns: int
    evals: tuple[EvalReport, ...]
    transcript: TranscriptReport
    usage: UsageReport | None = None
    history_command: str | None = None
    mock_calls: tuple[MockCallReport, ...] | None = None
    verdict: VerdictName | None = None
    error: TroubleReport | None = None
    repeat: int | None = None
    seconds: float | None = None
    origin: str | None = None
    id: str | None = None
    calls: tuple[CallReport, ...] | None = None


@dataclass(frozen=True, slots=True)
class IntervalReport:
    """The share of scored trials that passed, with the 95 % Wilson interval it lies in."""

    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SummaryReport:
    """Counts: distinct case names, trials, and how they ended.

    Attributes:
        cases: distinct names of cases.
        runs: trials.
        passed: those that passed.
        failed: those that failed.
        usage: sum over all calls, as reported.
        unscored: trials about which nothing is known.
        coverage: share of trials that were scored.
        interval: of the share that passed; None if none was scored.
        cost_usd: US dollars, reported or by the table of prices; None if nothing is known.
        unpriced_calls: calls about whose cost nothing is known.
    """

    cases: int
    runs: int
    passed: int
    failed: int
    usage: UsageReport | None = None
    unscored: int | None = None
    coverage: float | None = None
    interval: IntervalReport | None = None
    cost_usd: float | None = None
    unpriced_calls: int | None = None


@dataclass(frozen=True, slots=True)
class CellReport:
    """All trials of one case on one platform with one model; `case` tells cases of the same name apart."""

    case: str
    platform: str
    model: str
    verdict: VerdictName
    planned: int
    passed: int
    failed: int
    unscored: int
    coverage: float
    interval: IntervalReport | None = None


@dataclass(frozen=True, slots=True)
class RunReport:
    """How the run came about.

    Attributes:
        id: of the run.
        dir: its evidence.
        started_at: RFC 3339, UTC.
        seconds: how long this run took, without what was carried over.
        judge: who judged.
        judge_model: the model that judged and played the user.
        carried: trials taken over from an earlier run.
        versions: of the runner, Python, the platform.
        prices_as_of: when the table of prices was last compared with the vendors'.
        resumed_from: the earlier run.
        rejudged_from: the run whose transcripts were judged again.
    """

    id: str
    dir: str
    started_at: str
    seconds: float
    judge: str
    judge_model: str
    carried: int
    versions: Mapping[str, str]
    prices_as_of: str
    resumed_from: str | None = None
    rejudged_from: str | None = None


@dataclass(frozen=True, slots=True)
class SkillReport:
    """The whole report.

    Attributes:
        passed: whether `verdict` is `passed`.
        summary: counts.
        runs: every trial in the order of the plan.
        verdict: of the run.
        cells: trials counted by case, platform and model.
        notes: what the user should know.
        run: how the report came about.
    """

    passed: bool
    summary: SummaryReport
    runs: Sequence[TrialReport]
    verdict: VerdictName | None = None
    cells: tuple[CellReport, ...] | None = None
    notes: tuple[str, ...] | None = None
    run: RunReport | None = None


def as_json(value: object) -> Any:  # noqa: ANN401 - any JSON value
    """A report, or a part of one, as JSON values; optional fields that are None are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        given = ((field, getattr(value, field.name)) for field in fields(value))
        return {f.name: as_json(item) for f, item in given if item is not None or f.default is not None}
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return value
