"""A whole run with a provider in this process: the loop, its evidence, what fails and what goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner_env.core import FailureKind, Usage
from runner_env.errors import ProviderError, RunError
from runner_env.providers import AssistantTurn, JudgeVerdict, MockCall, UserTurn
from runner_env.runs.listing import list_runs
from runner_env.runs.proof import check_proof
from runner_env.skills import (
    boolean,
    called,
    describe_failures,
    failed_evals,
    failed_runs,
    not_called,
    numeric,
    spy,
    user,
)

Run = Callable[..., Any]


def broken(*_: object) -> None:
    """A call that fails."""
    raise ProviderError("auth", "bad key", context="respond", kind=FailureKind.AUTH, raw="401", usage=Usage(3, 0))


def trial_files(home: Path) -> list[dict[str, Any]]:
    """What was kept of the trials of all runs."""
    return [json.loads(path.read_text("utf-8")) for path in sorted(home.glob("runs/*/**/trials/*.json"))]


def test_one_turn_then_every_eval(run: Run, fake: Any) -> None:
    """Without a simulated user the skill answers once; then each eval is judged, in order, also after a failure."""
    provider = fake(judge=lambda query, _: JudgeVerdict(query.criterion == "b", "why", "raw"))
    report = run(provider, {"evals": [boolean("a"), boolean("b"), numeric("c", min=0, max=10, threshold=5)]})
    assert provider.ops == ["respond", "judge", "judge", "judge"]
    trial = report.runs[0]
    assert [item.passed for item in trial.evals] == [False, True, None]
    assert trial.verdict == "unscored"
    assert trial.error is not None
    assert "numeric eval received the verdict False" in trial.error.message


def test_a_failed_eval_fails_the_run(run: Run, fake: Any) -> None:
    """One failed eval is a failed trial and a failed run, with its reason."""
    report = run(fake(judge=lambda *_: JudgeVerdict(value=False, reason="too cold", raw="raw")))
    assert (report.passed, report.verdict) == (False, "failed")
    assert (report.summary.passed, report.summary.failed, report.summary.unscored) == (0, 1, 0)
    assert "too cold" in describe_failures(report)
    assert failed_evals(failed_runs(report)[0])[0].label == "greets"


def test_the_user_goes_on_until_the_last_turn(run: Run, fake: Any) -> None:
    """The simulated user and the skill speak by turns, `max_turns` answers of the skill at most."""
    provider = fake()
    report = run(provider, {"user": user("a patient", max_turns=3)})
    assert provider.ops == ["respond", "user", "respond", "user", "respond", "judge"]
    assert report.runs[0].turns == 3
    assert [message.role for message in report.runs[0].transcript.messages] == ["user", "assistant"] * 3


def test_the_user_may_stop(run: Run, fake: Any) -> None:
    """A user that stops ends the conversation; their last words stay in the transcript."""
    provider = fake(user=lambda _: UserTurn("bye", stop=True, raw="bye"))
    report = run(provider, {"user": user("a patient")})
    assert provider.ops == ["respond", "user", "judge"]
    assert report.runs[0].transcript.messages[-1].content == "bye"


def test_done_when_ends_the_conversation(run: Run, fake: Any) -> None:
    """The judge is asked after each answer whether the conversation is over."""
    provider = fake(judge=lambda query, messages: JudgeVerdict(query.criterion != "over" or len(messages) > 3, "", "r"))
    report = run(provider, {"user": user("a patient", done_when="over", max_turns=9)})
    assert report.runs[0].turns == 2
    assert provider.ops == ["respond", "judge", "user", "respond", "judge", "judge"]


def test_a_numeric_answer_to_done_when_is_no_no(run: Run, fake: Any) -> None:
    """A verdict of the wrong type about `done_when` makes the trial unscored at once; it does not burn every turn."""
    provider = fake(judge=lambda *_: JudgeVerdict(0.5, "", "r"))
    report = run(provider, {"user": user("a patient", done_when="over")})
    assert provider.ops == ["respond", "judge"]
    assert report.runs[0].error.code == "no_verdict"


def test_done_by_the_skill_itself(run: Run, fake: Any) -> None:
    """A skill that says it is done is not answered any more."""
    provider = fake(respond=lambda *_: AssistantTurn("done", done=True, raw="done"))
    run(provider, {"user": user("a patient")})
    assert provider.ops == ["respond", "judge"]


def test_the_last_session_is_continued(run: Run, fake: Any) -> None:
    """A turn without a session keeps the one before."""
    sessions = iter(["s1", None, "s3", None])
    provider = fake(respond=lambda *_: AssistantTurn("x", session_id=next(sessions), raw="x"))
    run(provider, {"user": user("a patient", max_turns=4)})
    assert [session for op, session in provider.asked if op == "respond"] == [None, "s1", "s1", "s3"]


def test_usage_is_summed_field_by_field(run: Run, fake: Any) -> None:
    """Every call counts; a field that nobody reported stays unknown."""
    provider = fake(judge=lambda *_: JudgeVerdict(value=True, reason="", raw="r", usage=Usage(output_tokens=2)))
    report = run(provider)
    assert report.summary.usage is not None
    assert (report.summary.usage.input_tokens, report.summary.usage.output_tokens) == (10, 7)
    assert report.summary.usage.cost_usd is None
    assert [(call.op, call.usage is None) for call in report.runs[0].calls] == [("respond", False), ("judge", False)]


def test_mock_calls_of_all_turns_are_counted(run: Run, fake: Any) -> None:
    """`called` and `not_called` look at the recorded calls of the whole conversation."""
    provider = fake(respond=lambda *_: AssistantTurn("x", mock_calls=(MockCall("Bash", {"command": "ls"}),), raw="x"))
    watch = spy("ls", tool="bash")
    case = {"mocks": [watch], "user": user("u", max_turns=2), "evals": [called(watch, times=2), not_called(watch)]}
    report = run(provider, case)
    assert [item.passed for item in report.runs[0].evals] == [True, False]
    assert len(report.runs[0].mock_calls) == 2


def test_a_failed_call_leaves_the_rest_alone(run: Run, fake: Any) -> None:
    """By default a failed call makes one trial unscored, with code, kind and context; the others are complete."""

    def respond(messages: Any, *_: object) -> AssistantTurn:
        if messages[0].content == "two":
            broken()
        return AssistantTurn("x", raw="x")

    cases = [{"name": text, "input": text} for text in ("one", "two", "three")]
    report = run(fake(respond=respond), *cases)
    assert [trial.verdict for trial in report.runs] == ["passed", "unscored", "passed"]
    error = report.runs[1].error
    assert (error.code, error.kind, error.context) == ("auth", "auth", "respond")
    assert report.verdict == "unscored"
    assert report.summary.coverage == pytest.approx(2 / 3)


def test_a_failed_judge_leaves_the_other_evals_alone(run: Run, fake: Any, home: Path) -> None:
    """An eval whose judge fails is unscored; the next one is judged; the raw reply is kept."""

    def judge(query: Any, _: object) -> JudgeVerdict:
        if query.criterion == "a":
            raise ProviderError("no_verdict", "prose", context="judge", raw="I think so")
        return JudgeVerdict(value=True, reason="", raw="r")

    report = run(fake(judge=judge), {"evals": [boolean("a"), boolean("b")]})
    assert [item.passed for item in report.runs[0].evals] == [None, True]
    assert "I think so" in [call["raw"] for call in trial_files(home)[0]["calls"]]


def test_what_a_provider_raises_by_mistake_is_no_verdict(run: Run, fake: Any) -> None:
    """A provider that raises something of its own makes the trial unscored and ends nothing else."""

    def respond(*_: object) -> None:
        raise ZeroDivisionError("oops")

    report = run(fake(respond=respond))
    assert report.runs[0].error.code == "provider_broken"
    assert "oops" in report.runs[0].error.message


def test_abort_ends_the_run_but_keeps_the_evidence(run: Run, fake: Any, home: Path) -> None:
    """With `on_error: abort` the first failed call is raised, nothing more is asked, and the record says so."""
    provider = fake(respond=broken)
    with pytest.raises(ProviderError, match="bad key"):
        run(provider, {"name": "a"}, {"name": "b"}, on_error="abort")
    assert provider.ops == ["respond"]
    assert [one.state for one in list_runs(home / "runs")] == ["unscored"]
    assert len(trial_files(home)) == 1


@pytest.mark.parametrize(
    ("limit", "calls"), [({"max_tokens": 15}, 1), ({"max_cost": 1e-5}, 1), ({"max_time": 1e-9}, 0)]
)
def test_caps_end_the_run_cleanly(run: Run, fake: Any, limit: dict[str, Any], calls: int) -> None:
    """Once a limit is reached no further call is made; what was not run is unscored, and the report is complete."""
    provider = fake()
    report = run(provider, {"name": "a"}, {"name": "b"}, models=["claude-haiku-4-5"], jobs=1, **limit)
    assert len(provider.asked) == calls
    assert [trial.error.code for trial in report.runs] == ["budget_exhausted"] * 2
    assert report.verdict == "unscored"


def test_an_unknown_price_is_a_note(run: Run, fake: Any) -> None:
    """`max_cost` cannot hold for calls of unknown cost, and the report says so."""
    report = run(fake(), max_cost=1.0)
    assert any("max_cost leaves out 2 calls" in note for note in report.notes)


def test_time_ends_a_call_that_is_under_way(run: Run, fake: Any) -> None:
    """`max_time` does not wait for a call that lasts longer."""
    import anyio

    report = run(fake(respond=lambda *_: anyio.sleep(60)), max_time=0.2)
    assert report.runs[0].error.code == "budget_exhausted"
    assert report.run.seconds < 30


def test_the_order_of_results_is_that_of_the_plan(run: Run, fake: Any) -> None:
    """Whichever trial ends first, the report has case, platform, model, repeat in this order."""
    import anyio

    async def respond(messages: Any, *_: object) -> AssistantTurn:
        await anyio.sleep(0.05 if messages[0].content == "a" else 0)
        return AssistantTurn("x", raw="x")

    cases = [{"name": name, "input": name} for name in "ab"]
    report = run(fake(respond=respond), *cases, platforms=["p", "q"], repeat=2, jobs=8)
    assert [trial.id for trial in report.runs] == [
        f"{case}[{platform}/m]{again}" for case in "ab" for platform in "pq" for again in ("", "#2")
    ]
    assert [(cell.case, cell.platform, cell.planned) for cell in report.cells] == [
        (case, platform, 2) for case in "ab" for platform in "pq"
    ]


def test_limits_of_platforms_and_jobs_hold(run: Run, fake: Any) -> None:
    """No more trials at once than `jobs` says, nor than the platform's own limit."""
    import anyio

    at_once, most = 0, 0

    async def respond(*_: object) -> AssistantTurn:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await anyio.sleep(0.01)
        at_once -= 1
        return AssistantTurn("x", raw="x")

    run(fake(respond=respond), repeat=12, jobs=3)
    assert most == 3
    most = 0
    run(fake(respond=respond), repeat=12, jobs=8, config_overrides={"platform_jobs": {"p": 2}})
    assert most == 2


def test_a_rate_limit_is_waited_for(run: Run, fake: Any) -> None:
    """A call that was refused because there were too many is repeated; both calls are on record."""
    answers = iter([ProviderError("rate_limit", "slow", context="respond", kind=FailureKind.RATE_LIMIT), None])

    def respond(*_: object) -> AssistantTurn:
        if (problem := next(answers)) is not None:
            raise problem
        return AssistantTurn("x", raw="x")

    report = run(fake(respond=respond))
    assert report.passed
    assert [call.error for call in report.runs[0].calls] == ["rate_limit", None, None]


def test_the_evidence_proves_the_run(run: Run, fake: Any, home: Path) -> None:
    """The run directory holds the proof of every trial; a changed file is found."""
    report = run(fake(), {"name": "a"}, {"name": "b"})
    proof = check_proof(Path(report.run.dir))
    assert (proof.ok, proof.files) == (True, 2)
    assert [(one.state, one.score) for one in list_runs(home / "runs")] == [("passed", 1.0)]
    file = Path(report.run.dir) / "trials" / "000001.json"
    file.write_text(file.read_text("utf-8").replace("hello", "HELLO"), "utf-8")
    assert [finding.code for finding in check_proof(Path(report.run.dir)).problems] == ["evidence_changed"]


def test_secrets_are_not_recorded(run: Run, fake: Any, home: Path) -> None:
    """A key of the environment that a provider repeats is masked in everything that is kept."""
    key = "sk-canary-0123456789abcdef"
    provider = fake(respond=lambda *_: AssistantTurn(f"your key is {key}", raw=f"raw {key}"))
    environ = {"RUNNER_ENV_HOME": str(home), "ANTHROPIC_API_KEY": key}
    report = run(provider, {"input": f"my key is {key}"}, environ=environ)
    kept = "".join(path.read_text("utf-8") for path in home.rglob("*") if path.is_file())
    assert key not in kept
    assert "your key is ***" in report.runs[0].transcript.messages[1].content


def test_resume_runs_what_is_unscored(run: Run, fake: Any) -> None:
    """A run that is over stays as it is; its sequel takes over what was scored, and runs the rest."""

    def respond(messages: Any, *_: object) -> AssistantTurn:
        if messages[0].content == "b":
            broken()
        return AssistantTurn("x", usage=Usage(1, 1), raw="x")

    cases = [{"name": name, "input": name} for name in "abc"]
    first = run(fake(respond=respond), *cases)
    before = sorted((p.name, p.read_bytes()) for p in Path(first.run.dir).rglob("*") if p.is_file())
    provider = fake()
    second = run(provider, *cases, resume=first.run.id)
    assert provider.ops == ["respond", "judge"]
    assert (second.passed, second.run.carried, second.run.resumed_from) == (True, 2, first.run.id)
    assert before == sorted((p.name, p.read_bytes()) for p in Path(first.run.dir).rglob("*") if p.is_file())
    assert check_proof(Path(second.run.dir)).ok


def test_resume_refuses_another_plan(run: Run, fake: Any) -> None:
    """Trials of different cases or settings are never counted together."""
    first = run(fake(), {"name": "a"})
    for changed in ({"cases": {"name": "a", "input": "other"}}, {"cases": {"name": "a"}, "models": ["other"]}):
        with pytest.raises(RunError, match="changed"):
            run(fake(), changed.pop("cases"), resume=first.run.id, **changed)


def test_rejudge_asks_only_the_judge(run: Run, fake: Any) -> None:
    """Stored transcripts are judged again, also by other evals; the skill is not run."""
    first = run(fake(), {"evals": [boolean("a")]})
    provider = fake(judge=lambda *_: JudgeVerdict(value=False, reason="stricter", raw="r"))
    second = run(provider, {"evals": [boolean("b"), boolean("c")]}, rejudge=first.run.id)
    assert provider.asked == [("judge", "b"), ("judge", "c")]
    assert (second.verdict, second.run.rejudged_from) == ("failed", first.run.id)
    assert second.runs[0].transcript == first.runs[0].transcript


def test_rejudge_needs_a_whole_conversation(run: Run, fake: Any) -> None:
    """A conversation that broke off is not judged as if it had not."""
    first = run(fake(respond=broken))
    second = run(fake(), rejudge=first.run.id)
    assert second.runs[0].error.code == "no_transcript"
    assert second.verdict == "unscored"


def test_min_coverage_lets_a_few_trials_be_unscored(run: Run, fake: Any) -> None:
    """With `min_coverage` below 1 a run may pass although a trial is unscored."""
    answers = iter([None, AssistantTurn("x", raw="x")])

    def respond(*_: object) -> AssistantTurn:
        return next(answers) or broken()  # type: ignore[return-value]

    report = run(fake(respond=respond), repeat=2, jobs=1, config_overrides={"min_coverage": 0.5})
    assert (report.passed, report.summary.unscored) == (True, 1)
