"""What a metrics file may hold: B060 to B063 and B067 through the public API, on real stages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner_env.core import Verdict
from runner_env.runs.results import CallResult

Make = Callable[..., Any]
METRICS = ".aider_fsm/metrics.json"
COPY = f"cp made {METRICS}"


def codes(result: CallResult) -> list[str]:
    """The codes of what speaks against a result; every one of them has a place or a stage, and a hint."""
    bad = [finding for finding in result.findings if finding.verdict is not Verdict.PASSED]
    assert all(finding.hint for finding in bad), [str(finding) for finding in bad]
    assert not any("Traceback" in str(finding) for finding in bad)
    return [finding.code for finding in bad]


@pytest.fixture
def measure(project: Make, scored: Make) -> Make:
    """`measure(data)` is the result of an evaluation that leaves `data` as its metrics."""

    def run(data: str | bytes, **section: object) -> CallResult:
        made = project(evaluation=scored(COPY, **section))
        (made.root / "made").write_bytes(data if isinstance(data, bytes) else data.encode())
        result: CallResult = made.evaluate(repair_iters=0)
        return result

    return run


@pytest.mark.parametrize(
    ("data", "score"),
    [
        ('{"ok": true, "score": 0.5}', 0.5),
        ('{"ok": true, "score": 0}', 0.0),
        ('{"ok": true, "score": 1}', 1.0),
        ('{"ok": true, "score": 1E0}', 1.0),
        ('{"ok": true, "score": 5e-324}', 5e-324),
        ('{"ok": true, "score": 0.0}\r\n\n', 0.0),
        ('\ufeff{"ok": true, "score": 0.25}', 0.25),
        ('{"ok": true, "score": 0.5, "key\\u0000": "\\ud800", "名": "值"}', 0.5),
        ('{"ok": true, "score": 0.5, "note": "NaN, Infinity, 1e999"}', 0.5),
        (json.dumps({"ok": True, "score": 0.5, "per_task": [{"score": 0}, {"score": 1}] * 2000}), 0.5),
        (json.dumps({"ok": True, "score": 0.5, "long": "x" * 2_000_000}), 0.5),
    ],
)
def test_honest_metrics_pass(measure: Make, data: str, score: float) -> None:
    """B060: the object is handed back, and its score counts."""
    result = measure(data)
    assert (result.verdict, result.score, codes(result)) == (Verdict.PASSED, score, [])
    assert result.metrics["ok"] is True
    assert result.verify.metrics == result.metrics


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("", "json_empty"),
        (" \n\t", "json_empty"),
        ("[]", "metrics_json_not_object"),
        ("0.9", "metrics_json_not_object"),
        ("null", "metrics_json_not_object"),
        ('"0.9"', "metrics_json_not_object"),
        ('[{"ok": true, "score": 0.9}]', "metrics_json_not_object"),
        ("{", "json_invalid"),
        ("{'ok': True, 'score': 0.9}", "json_invalid"),
        ('{"ok": True, "score": 0.9}', "json_invalid"),
        ('{"ok": true, "score": 0.9,}', "json_invalid"),
        ('// done\n{"ok": true, "score": 0.9}', "json_invalid"),
        ('{"ok": true, "score": 0.9} done', "json_invalid"),
        ('{"ok": true, "score": 0.5}\n{"ok": true, "score": 0.9}', "json_invalid"),
        ('{"ok": true, "score": 0.9}\0', "json_invalid"),
        ('{"ok": true, "score": 0.9, "x": "\x01"}', "json_invalid"),
        ('{"ok": true, "score": .9}', "json_invalid"),
        ('{"ok": true, "score": +0.9}', "json_invalid"),
        ('{"ok": true, "score": 00.9}', "json_invalid"),
        ('{"ok": true, "score": 0x1}', "json_invalid"),
        ('{"ok": true, "score": \u0661}', "json_invalid"),
        ('\ufeff\ufeff{"ok": true, "score": 0.9}', "json_invalid"),
        ('{"ok": true, "score": 0.9}'.encode("utf-16"), "json_not_utf8"),
        ('{"ok": true, "score": 0.9}'.encode("utf-16-le"), "json_invalid"),
        (b'{"ok": true, "score": 0.9, "x": "\xff"}', "json_not_utf8"),
        (b'{"ok": true, "score": 0.9, "x": "\xed\xa0\x80"}', "json_not_utf8"),
        (b"\x1f\x8b\x08\x00", "json_not_utf8"),
        ('{"ok": true, "score": 0.5, "score": 0.9}', "duplicate_key"),
        ('{"ok": false, "ok": true, "score": 0.9}', "duplicate_key"),
        ('{"ok": true, "\\u0073core": 0.5, "score": 0.9}', "duplicate_key"),
        ('{"ok": true, "score": 0.9, "eval": {"n": 1, "n": 2}}', "duplicate_key"),
        ('{"ok": true, "score": NaN}', "number_not_finite"),
        ('{"ok": true, "score": Infinity}', "number_not_finite"),
        ('{"ok": true, "score": -Infinity}', "number_not_finite"),
        ('{"ok": true, "score": 0.9, "parts": [NaN]}', "number_not_finite"),
        ('{"ok": true, "score": NaN0}', "number_not_finite"),
        ('{"ok": true, "score": 1e999}', "number_too_large"),
        ('{"ok": true, "score": 1e400}', "number_too_large"),
        ('{"ok": true, "score": 1e400x}', "number_too_large"),
        ('{"ok": true, "score": 0.9, "n": ' + "9" * 5000 + "}", "number_too_large"),
        ('{"ok": true, "score": ' + "[" * 10_000 + "]" * 10_000 + "}", "json_too_deep"),
        ('{"ok": true, "score": ' + '{"a":' * 200 + "1" + "}" * 201, "json_too_deep"),
    ],
)
def test_what_is_not_plain_json_is_refused(measure: Make, data: str | bytes, code: str) -> None:
    """B061, B067, RT060: one reason each, at line and column; no metrics are handed back."""
    result = measure(data)
    assert (result.verdict, result.failed_stage, codes(result)) == (Verdict.FAILED, "metrics", [code])
    assert (result.metrics, result.score) == (None, None)
    (finding,) = result.findings
    assert finding.where.file == METRICS
    assert finding.where.line >= 1
    assert finding.where.column >= 1
    assert len(str(finding)) < 400


@pytest.mark.parametrize(
    ("score", "code"),
    [
        ("null", "score_not_a_number"),
        ("true", "score_not_a_number"),
        ("false", "score_not_a_number"),
        ('"great"', "score_not_a_number"),
        ('"0.9"', "score_not_a_number"),
        ('"0.5 "', "score_not_a_number"),
        ('"99%"', "score_not_a_number"),
        ("[0.9]", "score_not_a_number"),
        ('{"value": 0.9}', "score_not_a_number"),
        ("[" * 90 + "]" * 90, "score_not_a_number"),
        ('"' + "9" * 100_000 + '"', "score_not_a_number"),
        ("93", "score_out_of_range"),
        ("-5e99", "score_out_of_range"),
        ("1E5", "score_out_of_range"),
        ("1.0000000000000002", "score_out_of_range"),
        ("-1e-300", "score_out_of_range"),
        ("-0.0", "score_out_of_range"),
        ("-0", "score_out_of_range"),
        ("123456789012345678901234567890", "score_out_of_range"),
    ],
)
def test_score_must_be_a_number_in_range(measure: Make, score: str, code: str) -> None:
    """B067, RT060: null, booleans, text, lists and impossible numbers are no score; the place is the value's own."""
    result = measure(f'{{"ok": true,\n "score": {score}}}')
    assert (result.ok, result.failed_stage, codes(result)) == (False, "metrics", [code])
    assert (result.score, str(result.findings[0].where)) == (None, f"{METRICS}:2:11")
    assert len(str(result.findings[0])) < 400


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ('{"ok": 1, "score": 0.9}', ["metrics_ok_not_true"]),
        ('{"ok": 1.0, "score": 0.9}', ["metrics_ok_not_true"]),
        ('{"ok": "true", "score": 0.9}', ["metrics_ok_not_true"]),
        ('{"ok": "True", "score": 0.9}', ["metrics_ok_not_true"]),
        ('{"ok": [true], "score": 0.9}', ["metrics_ok_not_true"]),
        ('{"ok": null, "score": 0.9}', ["metrics_ok_not_true"]),
        ('{"ok": false, "score": 0.9}', ["metrics_ok_not_true"]),
        ('{"score": 0.9}', ["metrics_missing_keys"]),
        ('{"ok": true}', ["metrics_missing_keys"]),
        ("{}", ["metrics_missing_keys"]),
        ('{"OK": true, "Score": 0.9}', ["metrics_missing_keys"]),
        ('{"ok ": true, "score ": 0.9}', ["metrics_missing_keys"]),
        ('{"metrics": {"ok": true, "score": 0.9}}', ["metrics_missing_keys"]),
    ],
)
def test_ok_must_be_true_and_the_keys_there(measure: Make, data: str, expected: list[str]) -> None:
    """B061, B062, B063: literally true, and every required key; the reasons are published."""
    result = measure(data)
    assert (result.ok, result.failed_stage, codes(result)) == (False, "metrics", expected)
    published = (Path(result.artifacts_dir) / "metrics_contract_error.txt").read_text("utf-8")
    assert published == "".join(f"{finding}\n" for finding in result.findings)
    assert result.verify.metrics_errors == tuple(map(str, result.findings))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ('{"score": 0.9}', ["metrics_ok_not_true"]),
        ('{"ok": true}', ["score_missing"]),
        ("{}", ["metrics_ok_not_true", "score_missing"]),
    ],
)
def test_ok_and_score_are_needed_whatever_the_keys(measure: Make, data: str, expected: list[str]) -> None:
    """B063: with require_metrics, `ok` and `score` are needed even if the contract requires no key."""
    result = measure(data, required_keys=[])
    assert (result.ok, codes(result)) == (False, expected)


def test_every_required_key_that_is_missing_is_named(measure: Make) -> None:
    """B061: all in one message."""
    result = measure('{"ok": true, "score": 0.5}', required_keys=["ok", "score", "n", "per_task"])
    assert codes(result) == ["metrics_missing_keys"]
    assert "`n`, `per_task`" in result.findings[0].message


def test_score_range_declares_another_scale(measure: Make) -> None:
    """A percentage is fine once the contract says so; its bounds belong to it."""
    assert measure('{"ok": true, "score": 93}', score_range=[0, 100]).score == 93
    assert measure('{"ok": true, "score": -1.0}', score_range=[-1, 1]).score == -1.0
    assert codes(measure('{"ok": true, "score": 100.5}', score_range=[0, 100])) == ["score_out_of_range"]


@pytest.mark.parametrize(
    ("make", "code"),
    [
        ("true", "metrics_missing"),
        (f"mkfifo {METRICS}", "path_not_regular"),
        (f"mkdir {METRICS}", "path_not_regular"),
        (f"""python3 -c "import socket; socket.socket(socket.AF_UNIX).bind('{METRICS}')" """, "path_not_regular"),
        (f"ln -s /dev/zero {METRICS}", "path_outside"),
        (f"ln -s /proc/self/environ {METRICS}", "path_outside"),
        (f"ln -s ../../outside.json {METRICS}", "path_outside"),
        (f"ln -s metrics.json {METRICS}", "path_invalid"),
        (f"ln -s nothing {METRICS}", "metrics_missing"),
        (f"ln ../outside.json {METRICS}", "path_hard_linked"),
        (f"ln old.json {METRICS}", "path_hard_linked"),
        (f"ln -s ../old.json {METRICS}", "metrics_stale"),
        (f"truncate -s 10G {METRICS}", "json_too_large"),
        (f"head -c 60000000 /dev/zero | tr '\\0' ' ' > {METRICS}; cat old.json >> {METRICS}", "json_too_large"),
    ],
)
def test_only_a_plain_new_file_inside_counts(project: Make, scored: Make, make: str, code: str) -> None:
    """RT020, Part II D: links that leave, hard links, FIFOs, sockets, folders and huge files are refused at once."""
    made = project(evaluation=scored(make), files={"old.json": '{"ok": true, "score": 0.9}'})
    (made.root.parent / "outside.json").write_text('{"ok": true, "score": 0.9}')
    result = made.evaluate(repair_iters=0, sandbox="none")  # so that what lies outside is there
    assert (result.ok, result.failed_stage, codes(result)) == (False, "metrics", [code])
    assert result.duration_s < 10
    assert "OPENAI" not in str(result.findings)


def test_link_inside_to_a_new_file_is_fine(project: Make, scored: Make) -> None:
    """A link is no offence; where it leads is."""
    command = f"""printf '{{"ok": true, "score": 0.5}}' > real.json; ln -s ../real.json {METRICS}"""
    assert project(evaluation=scored(command)).evaluate().score == 0.5


def test_metrics_swapped_after_the_stage_cannot_matter(project: Make, scored: Make) -> None:
    """What a stage leaves running is gone before its metrics are read."""
    swap = f"(setsid sh -c 'sleep 0.3; rm {METRICS}; mkdir {METRICS}; touch swapped' &) ; "
    made = project(evaluation=scored(f"""{swap} printf '{{"ok": true, "score": 0.5}}' > {METRICS}"""))
    result = made.evaluate()
    assert (result.score, made.exists("swapped")) == (0.5, False)


def test_benchmark_metrics_count_only_without_evaluation_metrics(project: Make, scored: Make) -> None:
    """B060: the evaluation's metrics are the run's; the benchmark's are checked all the same."""
    bench = scored("""printf '{"ok": true, "score": 0.25}' > bench.json""", metrics_path="bench.json")
    both = project(evaluation=scored(), benchmark=bench).evaluate()
    assert (both.score, both.metrics["score"]) == (0.5, 0.5)
    alone = project(evaluation={"run_cmds": ["true"]}, benchmark=bench).evaluate()
    assert alone.score == 0.25


@pytest.mark.parametrize("evaluation", [{"run_cmds": ["true"]}, None])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ('{"ok": false, "score": 0.9}', ["metrics_ok_not_true"]),
        ('{"ok": true}', ["score_missing"]),
        ("{}", ["metrics_ok_not_true", "score_missing"]),
    ],
)
def test_benchmark_that_stands_alone_must_score(
    project: Make, evaluation: object, data: str, expected: list[str]
) -> None:
    """B060, B063: what stands in for the evaluation is held to the same."""
    benchmark = {"run_cmds": [f"printf '{data}' > bench.json"], "metrics_path": "bench.json"}
    sections = {"benchmark": benchmark} | ({"evaluation": evaluation} if evaluation else {})
    result = project(**sections).evaluate(repair_iters=0)
    assert (result.ok, result.failed_stage, codes(result)) == (False, "metrics", expected)


def test_benchmark_cannot_stand_in_for_an_evaluation_that_did_not_run(project: Make, scored: Make) -> None:
    """B060: metrics that the evaluation promised and nothing wrote are not replaced by others."""
    made = project(
        evaluation={"metrics_path": METRICS},
        benchmark=scored("""printf '{"ok": true, "score": 0.9}' > bench.json""", metrics_path="bench.json"),
    )
    result = made.evaluate(repair_iters=0)
    assert (result.verdict, codes(result)) == (Verdict.UNSCORED, ["evaluation_not_declared"])


def test_metrics_need_not_be_there_if_nothing_asks_for_them(project: Make) -> None:
    """require_metrics=False and no metrics_path: the commands decide, and there is no score."""
    result = project(evaluation={"run_cmds": ["true"]}).evaluate(require_metrics=False)
    assert (result.ok, result.metrics, result.score) == (True, None, None)


def test_declared_metrics_are_judged_even_if_not_required(project: Make, scored: Make) -> None:
    """A metrics_path is a promise: without the file, or with a broken one, the run fails."""
    for command, code in (("true", "metrics_missing"), (f"echo NaN > {METRICS}", "number_not_finite")):
        result = project(evaluation=scored(command)).evaluate(require_metrics=False, repair_iters=0)
        assert (result.ok, codes(result)) == (False, [code])
