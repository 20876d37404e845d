"""What the rollout leaves: `rollout.json` and samples."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from runner_env.core import Usage, UsageSource, Verdict, Where
from runner_env.verification import Verified, check_rollout, claimed_usage, rollout

if TYPE_CHECKING:
    from conftest import Bench

PATH = ".aider_fsm/rollout.json"
SAMPLES = ".aider_fsm/samples.jsonl"
LINE = json.dumps({"prompt": "p", "completion": "c", "reward": 1}) + "\n"
BLANK = json.dumps({"prompt": "p", "completion": " \n", "reward": 0}) + "\n"
GOOD = {"ok": True, "paths": {"samples_jsonl": SAMPLES}}
Judge = Callable[..., Verified]


@pytest.fixture
def judge(bench: Bench) -> Judge:
    """The stage writes both files (None: not at all); then they are checked."""

    def judge(document: object = GOOD, samples: str | bytes | None = LINE, *, required: bool = True) -> Verified:
        context = bench.context()
        if document is not None:
            bench.write(PATH, document)
        if samples is not None:
            bench.write(SAMPLES, samples)
        return check_rollout(context, required)

    return judge


def codes(verified: Verified) -> list[str]:
    """The findings' codes; all of them must name the rollout."""
    assert all(finding.stage == "rollout" for finding in verified.findings)
    return [finding.code for finding in verified.findings]


def test_good_rollout_is_handed_back_and_kept(judge: Judge) -> None:
    """B070: both files are taken in, with their hashes."""
    verified = judge()
    assert (verified.findings, verified.value) == ((), GOOD)
    assert [claim.reference for claim in verified.claims] == [
        "claims/rollout/rollout.json",
        "claims/rollout/samples.jsonl",
    ]
    assert verified.claims[1].sha256 == hashlib.sha256(LINE.encode()).hexdigest()
    assert verified.samples is not None
    assert (verified.samples.valid, verified.samples.reward_mean) == (1, 1.0)


def test_absolute_samples_path_inside_is_fine(bench: Bench, judge: Judge) -> None:
    """B071: relative means relative to the repository; absolute and inside is as good."""
    assert judge({"paths": {"samples_jsonl": str(bench.repo / SAMPLES)}}).findings == ()


def test_one_valid_line_is_enough(judge: Judge) -> None:
    """B071: for ordinary repositories."""
    assert judge(samples=BLANK * 5 + LINE).findings == ()


def test_nothing_is_asked_for_if_samples_are_not_required(judge: Judge) -> None:
    """B070: without require_samples, rollout.json may be absent."""
    assert judge(None, None, required=False) == Verified()
    assert judge({"ok": True}, None, required=False).findings == ()
    assert judge({"paths": {}}, None, required=False).findings == ()


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (None, "missing_rollout_json"),
        ([], "rollout_json_not_object"),
        ("{", "json_invalid"),
        ('{"a": 1, "a": 2}', "duplicate_key"),
        ({}, "rollout_json_missing_paths"),
        ({"paths": "x"}, "rollout_json_missing_paths"),
        ({"paths": {}}, "rollout_json_missing_paths_samples_jsonl"),
        ({"paths": {"samples_jsonl": ""}}, "rollout_json_missing_paths_samples_jsonl"),
        ({"paths": {"samples_jsonl": 3}}, "rollout_json_missing_paths_samples_jsonl"),
        ({"paths": {"samples_jsonl": "nothing.jsonl"}}, "samples_jsonl_not_found"),
        ({"paths": {"samples_jsonl": ".aider_fsm"}}, "path_not_regular"),
        ({"paths": {"samples_jsonl": "../outside/secret.json"}}, "path_outside"),
        ({"paths": {"samples_jsonl": "/etc/passwd"}}, "path_outside"),
        ({"paths": {"samples_jsonl": "a\0b"}}, "path_invalid"),
        ({"paths": {"samples_jsonl": "\ud800"}}, "path_invalid"),
        ({**GOOD, "ok": False}, "rollout_ok_not_true"),
        ({**GOOD, "ok": None}, "rollout_ok_not_true"),
        ({**GOOD, "ok": 1}, "rollout_ok_not_true"),
    ],
)
def test_bad_rollout_json_has_its_reason(judge: Judge, document: object, code: str) -> None:
    """B070: distinct reasons, each a failure with a hint or a place."""
    verified = judge(document)
    assert codes(verified) == [code]
    assert verified.findings[0].verdict is Verdict.FAILED
    assert verified.findings[0].where is not None


@pytest.mark.parametrize("document", ["{", [], {"ok": False}, {"paths": 3}, {"paths": {"samples_jsonl": "no"}}])
def test_present_rollout_json_is_judged_even_if_not_required(judge: Judge, document: object) -> None:
    """What a rollout claims must hold, asked for or not."""
    assert len(judge(document, required=False).findings) == 1


@pytest.mark.parametrize(
    ("samples", "code"),
    [
        ("", "samples_jsonl_empty"),
        ("\n \n", "samples_jsonl_empty"),
        ("garbage\n", "samples_jsonl_has_no_valid_samples"),
        (b"\xff\n", "samples_jsonl_has_no_valid_samples"),
        ('{"prompt": "p", "completion": "c", "reward": NaN}', "samples_jsonl_has_no_valid_samples"),
        ('{"prompt": "p", "completion": "c", "reward": true}', "samples_jsonl_has_no_valid_samples"),
        (BLANK * 3, "samples_jsonl_all_empty_completions"),
        (LINE + "x\n" * 2, "samples_bad_lines"),
        (LINE * 9 + "x\n", "samples_bad_lines"),
        (LINE + '{"prompt": "p", "completion": "c", "reward": NaN}', "samples_bad_lines"),
    ],
)
@pytest.mark.parametrize("required", [True, False])
def test_bad_samples_have_their_reason(judge: Judge, samples: str | bytes, code: str, required: bool) -> None:
    """B070: distinct reasons, and the file is kept as evidence."""
    verified = judge(samples=samples, required=required)
    assert codes(verified) == [code]
    assert verified.findings[0].verdict is Verdict.FAILED
    assert len(verified.claims) == 2


def test_bad_lines_among_good_ones_are_located(judge: Judge) -> None:
    """One bad line is a doubt about all: counted, located, refused."""
    (found,) = judge(samples=LINE + "x\n" + LINE + "[]\n").findings
    assert (found.code, found.verdict, found.where) == ("samples_bad_lines", Verdict.FAILED, Where(SAMPLES, 2))
    assert found.message.startswith("2 of 4 lines are bad: line 2: not JSON")
    assert "line 4: an array, not an object" in found.message


def test_blank_lines_among_good_ones_are_a_note(judge: Judge) -> None:
    """A blank line loses nothing and cannot be mistaken for a sample."""
    (note,) = judge(samples=LINE + "\n \n" + LINE + "\n\n").findings
    assert (note.code, note.verdict, note.where) == ("samples_blank_lines", Verdict.PASSED, Where(SAMPLES, 2))


def test_many_bad_lines_are_not_all_shown(judge: Judge) -> None:
    """Ten places, and how many more there are."""
    assert "; and 15 more." in judge(samples="x\n" * 25).findings[0].message


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"errors": 3, "samples": 3}, "rollout_counts_all_errors"),
        ({"errors": 4, "samples": 3.0}, "rollout_counts_all_errors"),
        ({"errors": 2, "samples": 3}, "rollout_counts_some_errors"),
        ({"errors": 0, "samples": 0}, None),
        ({"errors": 3, "samples": 0}, "rollout_counts_some_errors"),
        ({"errors": True, "samples": True}, None),
        ({"errors": "3", "samples": 3}, None),
        ("x", None),
    ],
)
def test_counts_that_are_all_errors_are_unscored(judge: Judge, counts: object, expected: str | None) -> None:
    """B073: trouble of the model blames nobody; where only some attempts failed, a note says so."""
    verified = judge({**GOOD, "counts": counts})
    assert codes(verified) == ([expected] if expected else [])
    doubtful = expected == "rollout_counts_all_errors"
    assert Verdict.worst(f.verdict for f in verified.findings) is (Verdict.UNSCORED if doubtful else Verdict.PASSED)


def test_old_rollout_json_is_stale(bench: Bench) -> None:
    """A no-op rollout beside files of an earlier run does not pass."""
    bench.write(PATH, GOOD)
    bench.write(SAMPLES, LINE)
    assert codes(check_rollout(bench.context(), require_samples=True)) == ["rollout_json_stale"]


def test_old_samples_are_stale(bench: Bench) -> None:
    """A fresh rollout.json that names old samples does not pass, nor are they kept."""
    bench.write(SAMPLES, LINE)
    context = bench.context()
    bench.write(PATH, GOOD)
    verified = check_rollout(context, require_samples=True)
    assert codes(verified) == ["samples_stale"]
    assert [claim.name for claim in verified.claims] == ["rollout.json"]


def test_fifo_as_samples_is_refused_at_once(bench: Bench) -> None:
    """RT020: it does not hang."""
    context = bench.context()
    os.mkfifo(bench.repo / SAMPLES)
    bench.write(PATH, GOOD)
    assert codes(check_rollout(context, require_samples=True)) == ["path_not_regular"]


def test_large_samples_are_known_by_their_hash(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the limit only size and hash are kept, and a note says so."""
    monkeypatch.setattr(rollout, "MAX_KEPT_SAMPLES_BYTES", 10)
    verified = judge()
    assert codes(verified) == ["samples_not_kept"]
    assert verified.findings[0].verdict is Verdict.PASSED
    claim = verified.claims[1]
    assert (claim.reference, claim.size) == (None, len(LINE))
    assert claim.sha256 == hashlib.sha256(LINE.encode()).hexdigest()


def test_absurdly_large_sparse_file_is_refused_unread(bench: Bench) -> None:
    """A sparse file of 1 TiB costs a stage nothing; it must not cost the runner hours."""
    context = bench.context()
    bench.write(PATH, GOOD)
    with (bench.repo / SAMPLES).open("wb") as file:
        file.truncate(1 << 40)
    assert codes(check_rollout(context, require_samples=True)) == ["samples_too_large"]


def test_samples_that_change_while_they_are_taken_in_are_refused(bench: Bench) -> None:
    """RT022: what is judged is what was kept."""
    context = bench.context()
    bench.write(PATH, GOOD)
    path = bench.write(SAMPLES, LINE)

    def store(fd: int, relative: str, limit: int) -> object:
        if relative.endswith("samples.jsonl"):
            with path.open("a") as file:
                file.write(LINE)
        return bench.store(fd, relative, limit)

    verified = check_rollout(replace(context, store=store), require_samples=True)
    assert codes(verified) == ["artifact_changed"]
    assert [claim.name for claim in verified.claims] == ["rollout.json"]


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {"input_tokens": 3, "output_tokens": 4, "requests": 1, "cost_usd": 0.5},
            Usage(3, 4, 1, 0.5, UsageSource.CLAIMED),
        ),
        ({"prompt_tokens": 3, "completion_tokens": 4}, Usage(3, 4, source=UsageSource.CLAIMED)),
        ({"input_tokens": 0}, Usage(0, source=UsageSource.CLAIMED)),
        ({"input_tokens": 2.0, "output_tokens": 2.5}, Usage(2, source=UsageSource.CLAIMED)),
        ({"input_tokens": -1, "output_tokens": "4", "requests": True, "cost_usd": float("nan")}, Usage()),
        ({"cost_usd": 10**400}, Usage()),
        ({}, Usage()),
        ([], Usage()),
        (None, Usage()),
    ],
)
def test_claimed_usage_is_read_field_by_field(usage: object, expected: Usage) -> None:
    """What is not a believable number is unknown, which is not zero."""
    assert claimed_usage({"usage": usage}) == expected


def test_no_claim_of_usage_is_unknown() -> None:
    """Neither without the key nor without the document."""
    assert claimed_usage({}) == claimed_usage(None) == Usage()
