"""Metrics: there, of this run, and believable."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner_env.contract.model import MetricsSpec
from runner_env.core import Finding, Verdict, Where
from runner_env.verification import Claim, Verified, check_metrics

if TYPE_CHECKING:
    from conftest import Bench

PATH = ".aider_fsm/metrics.json"
Content = str | bytes | dict[str, object] | list[object]
GOOD: dict[str, object] = {"ok": True, "score": 0.5}


@pytest.fixture
def judge(bench: Bench, spec: Callable[..., MetricsSpec]) -> Callable[..., Verified]:
    """The stage writes `content`; then the metrics are checked."""

    def judge(content: Content, *, required: bool = True, stage: str = "evaluation", **options: object) -> Verified:
        context = bench.context()
        bench.write(PATH, content)
        return check_metrics(context, spec(**options), stage, required)

    return judge


def only(verified: Verified) -> Finding:
    """The one finding; it must name the stage `metrics` and have a hint."""
    (finding,) = verified.findings
    assert finding.stage == "metrics"
    assert finding.hint
    return finding


def test_good_metrics_are_handed_back_and_kept(bench: Bench, judge: Callable[..., Verified]) -> None:
    """B060: the object itself, and a copy of the bytes that were judged."""
    verified = judge(GOOD, required_keys=("ok", "score"))
    raw = (bench.repo / PATH).read_bytes()
    reference = "claims/evaluation/metrics.json"
    assert verified == Verified(
        value=GOOD, claims=(Claim("metrics.json", reference, len(raw), hashlib.sha256(raw).hexdigest()),)
    )
    assert (bench.run_dir / reference).read_bytes() == raw


def test_benchmark_metrics_are_kept_apart(judge: Callable[..., Verified]) -> None:
    """B060: the benchmark has metrics of its own."""
    assert judge(GOOD, stage="benchmark").claims[0].reference == "claims/benchmark/metrics.json"


def test_metrics_elsewhere_in_the_repository_are_found(bench: Bench, spec: Callable[..., MetricsSpec]) -> None:
    """B060: also through a link that stays inside."""
    context = bench.context()
    bench.write("out/m.json", GOOD)
    (bench.repo / "link.json").symlink_to("out/m.json")
    assert check_metrics(context, spec("out/m.json"), "evaluation", required=True).findings == ()
    assert check_metrics(context, spec("link.json"), "evaluation", required=True).findings == ()


@pytest.mark.parametrize("declared", [True, False])
def test_undeclared_metrics_are_unscored_if_required(
    bench: Bench, spec: Callable[..., MetricsSpec], declared: bool
) -> None:
    """A contract without metrics_path, or without the whole stage, has no score."""
    verified = check_metrics(bench.context(), spec(None) if declared else None, "evaluation", required=True)
    finding = only(verified)
    assert (finding.code, finding.verdict) == ("metrics_not_declared", Verdict.UNSCORED)
    assert finding.where == (Where("pipeline.yml", 3, 1) if declared else None)


def test_undeclared_metrics_are_fine_if_not_required(bench: Bench, spec: Callable[..., MetricsSpec]) -> None:
    """Nothing promised, nothing asked for."""
    assert check_metrics(bench.context(), spec(None), "evaluation", required=False) == Verified()


@pytest.mark.parametrize("required", [True, False])
def test_missing_file_fails(bench: Bench, spec: Callable[..., MetricsSpec], required: bool) -> None:
    """B061, RT040: a declared file must be there, required or not."""
    finding = only(check_metrics(bench.context(), spec(), "evaluation", required=required))
    assert (finding.code, finding.verdict, finding.where) == ("metrics_missing", Verdict.FAILED, Where(PATH))


def test_stale_file_fails_and_is_no_claim(bench: Bench, spec: Callable[..., MetricsSpec]) -> None:
    """B067, RT040: what was there before the stage is not its result, whatever it says."""
    bench.write(PATH, GOOD)
    verified = check_metrics(bench.context(), spec(), "evaluation", required=True)
    assert only(verified).code == "metrics_stale"
    assert (verified.value, verified.claims, bench.asked) == (None, (), [])


@pytest.mark.parametrize(
    ("content", "code", "line", "column"),
    [
        ("{", "json_invalid", 1, 2),
        ('{"ok": true,\n "score": NaN}', "number_not_finite", 2, 11),
        ('{"score": Infinity}', "number_not_finite", 1, 11),
        ('{"score": 1e999}', "number_too_large", 1, 11),
        ('{"score": 1,\n"score": 0.1}', "duplicate_key", 2, 1),
        (b'{"score": "\xff"}', "json_not_utf8", 1, 12),
        ("[]", "metrics_json_not_object", 1, 1),
        ("0.9", "metrics_json_not_object", 1, 1),
        ("", "json_empty", 1, 1),
    ],
)
def test_unreadable_document_is_located(
    judge: Callable[..., Verified], content: str | bytes, code: str, line: int, column: int
) -> None:
    """B061, RT060: each refused with its own message, file, line and column; none becomes a number."""
    verified = judge(content)
    finding = only(verified)
    assert (finding.code, finding.where, verified.value) == (code, Where(PATH, line, column), None)
    assert len(verified.claims) == 1


def test_missing_keys_are_named(judge: Callable[..., Verified]) -> None:
    """B061: every missing key, once, in the contract's order; and no second finding about them."""
    finding = only(judge({"x": 1}, required_keys=("score", "ok", "x", "score")))
    assert (finding.code, finding.message) == ("metrics_missing_keys", "Missing keys: `score`, `ok`.")


@pytest.mark.parametrize("ok", [1, "true", False, None, [], 1.0])
@pytest.mark.parametrize("how", ["required", "key"])
def test_ok_must_be_literally_true(judge: Callable[..., Verified], ok: object, how: str) -> None:
    """B062, B063: 1 and "true" are not true."""
    keys = ("ok",) if how == "key" else ()
    finding = only(judge({"ok": ok, "score": 0.5}, required=how == "required", required_keys=keys))
    assert (finding.code, finding.verdict) == ("metrics_ok_not_true", Verdict.FAILED)


def test_message_says_what_ok_was(judge: Callable[..., Verified]) -> None:
    """B062: a person sees the difference."""
    assert only(judge({"ok": "true", "score": 0})).message.startswith('`ok` is a string ("true");')
    assert only(judge({"ok": False, "score": 0})).message.startswith("`ok` is a boolean (false);")
    assert only(judge({"score": 0})).message.startswith("`ok` is absent;")


def test_ok_is_not_asked_for_without_need(judge: Callable[..., Verified]) -> None:
    """Neither required nor a required key: `ok` is the contract's own affair."""
    assert judge({"ok": False}, required=False).findings == ()


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("score", [True, False, "0.9", "great", [0.9], {"value": 0.9}, None])
def test_score_must_be_a_number(judge: Callable[..., Verified], score: object, required: bool) -> None:
    """B067, RT060: a boolean, string, list, object or null is no score, and never becomes one."""
    finding = only(judge({"ok": True, "score": score}, required=required))
    assert (finding.code, finding.verdict) == ("score_not_a_number", Verdict.FAILED)


@pytest.mark.parametrize("score", [93, -0.01, 1.0000001, -5e99, 10**300])
def test_score_must_lie_in_the_declared_range(judge: Callable[..., Verified], score: float) -> None:
    """RT060: a percentage is not a fraction unless the contract says so."""
    finding = only(judge({"ok": True, "score": score}))
    assert finding.code == "score_out_of_range"
    assert "score_range" in str(finding.hint)


@pytest.mark.parametrize("score", [0, 1, 0.0, 1.0, 0.25])
def test_range_is_inclusive(judge: Callable[..., Verified], score: float) -> None:
    """Nothing and everything right are both believable."""
    assert judge({"ok": True, "score": score}).findings == ()


def test_contract_may_declare_another_range(judge: Callable[..., Verified]) -> None:
    """Percentages and perplexities are fine when declared."""
    assert judge({"ok": True, "score": 93}, score_range=(0.0, 100.0)).findings == ()
    assert judge('{"ok": true, "score": -0.0}', score_range=(-1.0, 1.0)).findings == ()


@pytest.mark.parametrize("token", ["-0", "-0.0", "-0e5"])
def test_negative_zero_is_below_zero(judge: Callable[..., Verified], token: str) -> None:
    """RT060: in a range that begins at 0 its sign is the trace of an error."""
    finding = only(judge(f'{{"ok": true, "score": {token}}}'))
    assert finding.code == "score_out_of_range"
    assert "negative zero" in finding.message


def test_required_metrics_without_score_are_unscored(judge: Callable[..., Verified]) -> None:
    """No score is a doubt, not a zero."""
    finding = only(judge({"ok": True}))
    assert (finding.code, finding.verdict) == ("score_missing", Verdict.UNSCORED)
    assert judge({"ok": True}, required=False).findings == ()


def test_all_problems_are_reported_together(judge: Callable[..., Verified]) -> None:
    """One round of repair for all of them."""
    verified = judge({"ok": 1, "score": "x"}, required_keys=("n",))
    codes = [finding.code for finding in verified.findings]
    assert codes == ["metrics_missing_keys", "metrics_ok_not_true", "score_not_a_number"]


@pytest.mark.parametrize("kind", ["fifo", "folder", "link_to_fifo"])
def test_what_is_no_file_is_refused_at_once(bench: Bench, spec: Callable[..., MetricsSpec], kind: str) -> None:
    """RT020: a FIFO that nobody writes to does not hang the check."""
    context = bench.context()
    path = bench.repo / PATH
    if kind == "folder":
        path.mkdir()
    else:
        fifo = path if kind == "fifo" else bench.repo / "fifo"
        os.mkfifo(fifo)
        if kind == "link_to_fifo":
            path.symlink_to("../fifo")
    begun = time.monotonic()
    finding = only(check_metrics(context, spec(), "evaluation", required=True))
    assert time.monotonic() - begun < 1
    assert finding.code == "path_not_regular"


@pytest.mark.parametrize("path", ["/proc/self/environ", "../outside/secret.json", "link.json"])
def test_metrics_outside_are_refused_and_not_kept(bench: Bench, spec: Callable[..., MetricsSpec], path: str) -> None:
    """RT018: nothing of a file outside gets into the run directory."""
    context = bench.context()
    (bench.repo / "link.json").symlink_to(bench.repo.parent / "outside" / "secret.json")
    verified = check_metrics(context, spec(path), "evaluation", required=True)
    assert only(verified).code == "path_outside"
    assert (verified.value, verified.claims, bench.run_dir.exists()) == (None, (), False)


def test_absolute_path_inside_is_fine(bench: Bench, spec: Callable[..., MetricsSpec]) -> None:
    """An absolute path that lies in the repository is a path inside."""
    context = bench.context()
    path: Path = bench.write(PATH, GOOD)
    assert check_metrics(context, spec(str(path)), "evaluation", required=True).findings == ()


def test_too_large_document_is_refused(judge: Callable[..., Verified]) -> None:
    """A metrics file of 17 MiB is not read to its end, and not kept."""
    verified = judge(b" " * (17 << 20))
    assert only(verified).code == "json_too_large"
    assert verified.claims == ()


def test_file_that_changes_while_it_is_taken_in_is_refused(bench: Bench, spec: Callable[..., MetricsSpec]) -> None:
    """RT022: what is judged is what was kept, or nothing is."""
    context = bench.context()
    path: Path = bench.write(PATH, GOOD)

    def store(fd: int, relative: str, limit: int) -> object:
        path.write_text('{"ok": true, "score": 1.0}')
        return bench.store(fd, relative, limit)

    verified = check_metrics(replace(context, store=store), spec(), "evaluation", required=True)
    assert only(verified).code == "artifact_changed"
    assert (verified.value, verified.claims) == (None, ())


def test_hostile_path_is_shown_escaped(bench: Bench, spec: Callable[..., MetricsSpec]) -> None:
    """RT084: a name with line breaks and odd bytes cannot forge a message."""
    finding = only(check_metrics(bench.context(), spec("a\nb\udce9.json"), "evaluation", required=True))
    assert "\n" not in str(finding)
    str(finding).encode()
