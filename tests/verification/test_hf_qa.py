"""Rollouts on a question-answering dataset: B072."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from runner_env.core import Finding, Verdict, Where
from runner_env.verification import check_rollout, hf_qa
from runner_env.verification.hf_qa import MANIFEST_PATH, asked_limit

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Bench

USUAL = "main/test-00000-of-00001"
SAMPLES = ".aider_fsm/samples.jsonl"
QUESTIONS = [f"How  many eggs\nmakes HEN {number}?" for number in range(30)]
GOOD = [f"Q: how many eggs makes hen {number}?\nA:" for number in range(30)]
Judge = Callable[..., tuple[Finding, ...]]


def jsonl(rows: Sequence[object]) -> str:
    """Rows as JSON Lines."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def qa(questions: Sequence[object]) -> list[dict[str, object]]:
    """Rows with these questions."""
    return [{"question": question, "answer": "#### 1"} for question in questions]


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    """Rows as a Parquet file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.Table.from_pylist(rows), path)


@pytest.fixture
def judge(bench: Bench) -> Judge:
    """The findings for a rollout with these prompts, in a snapshot that is there already."""

    def judge(prompts: Sequence[str], limit: int = 8, *, required: bool = True) -> tuple[Finding, ...]:
        bench.write(MANIFEST_PATH, {"dataset": "org/name"})
        context = replace(bench.context(), limit=limit)
        bench.write(".aider_fsm/rollout.json", {"paths": {"samples_jsonl": SAMPLES}})
        bench.write(SAMPLES, jsonl([{"prompt": p, "completion": "c", "reward": 0} for p in prompts]))
        findings = check_rollout(context, required).findings
        assert all(finding.hint and finding.where and finding.stage == "rollout" for finding in findings)
        return findings

    return judge


def codes(findings: tuple[Finding, ...]) -> list[str]:
    """Their codes."""
    return [finding.code for finding in findings]


@pytest.mark.parametrize(
    ("prompts", "limit", "expected"),
    [
        (GOOD[:8], 8, []),
        (GOOD, 64, []),
        (GOOD[:1], 1, []),
        (GOOD[:3], 3, []),
        (GOOD[:7], 8, ["hf_qa_samples_too_few"]),
        (GOOD[:29], 64, ["hf_qa_samples_too_few"]),
        (GOOD[:1] * 8, 8, ["hf_qa_prompts_not_diverse", "hf_qa_prompts_not_anchored"]),
        (["\n".join(GOOD)] * 8, 8, ["hf_qa_prompts_not_diverse"]),
        (["Same ", "same", " SAME\n"] * 3, 2, ["hf_qa_prompts_not_diverse", "hf_qa_prompts_not_anchored"]),
        ([f"made up {n}" for n in range(8)], 8, ["hf_qa_prompts_not_anchored"]),
        (GOOD[:4] + [f"made up {n}" for n in range(4)], 8, ["hf_qa_prompts_not_anchored"]),
        (GOOD[:5] + [f"made up {n}" for n in range(3)], 8, []),
        (GOOD[20:28], 8, ["hf_qa_prompts_not_anchored"]),
        (["made up"] * 200 + GOOD, 8, ["hf_qa_prompts_not_diverse", "hf_qa_prompts_not_anchored"]),
    ],
)
@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_prompts_must_be_the_datasets_questions(
    bench: Bench, judge: Judge, prompts: list[str], limit: int, expected: list[str], suffix: str
) -> None:
    """B072: enough samples, prompts that differ, questions of the split in them; case and white space aside."""
    if suffix == ".jsonl":
        bench.write(USUAL + suffix, jsonl(qa(QUESTIONS)))
    else:
        write_parquet(bench.repo / (USUAL + suffix), qa(QUESTIONS))
    findings = judge(prompts, limit)
    assert codes(findings) == expected
    assert all((finding.verdict, finding.where) == (Verdict.FAILED, Where(SAMPLES)) for finding in findings)


def test_the_message_says_how_many_are_missing(bench: Bench, judge: Judge) -> None:
    """B072: a number expected and a number found."""
    bench.write(f"{USUAL}.jsonl", jsonl(qa(QUESTIONS)))
    assert "expected>=8 got=2" in judge(GOOD[:2])[0].message


def test_samples_that_are_named_are_judged_though_not_required(bench: Bench, judge: Judge) -> None:
    """Named samples count, whoever wants them."""
    bench.write(f"{USUAL}.jsonl", jsonl(qa(QUESTIONS)))
    assert codes(judge(GOOD[:2], required=False)) == ["hf_qa_samples_too_few"]


def test_bad_samples_are_not_judged_further(bench: Bench, judge: Judge) -> None:
    """What is wrong with the file itself comes first."""
    bench.write(f"{USUAL}.jsonl", jsonl(qa(QUESTIONS)))
    assert codes(judge([])) == ["samples_jsonl_empty"]


@pytest.mark.parametrize(
    "rows",
    [
        "",
        jsonl([{"text": "t", "answer": "a"}]),
        jsonl([{"question": "q"}]),
    ],
)
def test_other_datasets_are_not_judged(bench: Bench, judge: Judge, rows: str) -> None:
    """Without the columns `question` and `answer` nothing is known about the prompts."""
    bench.write(f"{USUAL}.jsonl", rows)
    assert judge(["p"]) == ()


def test_other_parquet_columns_are_not_judged(bench: Bench, judge: Judge) -> None:
    """The same for Parquet."""
    write_parquet(bench.repo / f"{USUAL}.parquet", [{"text": "t", "answer": "a"}])
    assert judge(["p"]) == ()


def test_without_manifest_or_split_nothing_is_judged(bench: Bench, judge: Judge) -> None:
    """A repository that merely has such a file is no snapshot, and a snapshot may have no test split."""
    assert judge(["p"]) == ()
    bench.write(f"{USUAL}.jsonl", jsonl(qa(QUESTIONS)))
    assert codes(judge(["p"])) == ["hf_qa_samples_too_few"]
    context = bench.context()
    (bench.repo / MANIFEST_PATH).unlink()
    bench.write(".aider_fsm/rollout.json", {"paths": {"samples_jsonl": SAMPLES}})
    bench.write(SAMPLES, jsonl([{"prompt": "p", "completion": "c", "reward": 0}]))
    assert check_rollout(context, require_samples=True).findings == ()


def test_which_split_counts(bench: Bench, judge: Judge) -> None:
    """The usual one, else the first by name; JSON Lines before Parquet; hidden and linked directories never."""
    other = jsonl(qa([f"other {number}" for number in range(30)]))
    bench.write(".cache/test-0.jsonl", other)
    (bench.repo / "a").symlink_to(bench.repo / ".cache")
    assert judge(GOOD[:8]) == ()
    bench.write("data/main/test-1.jsonl", other)
    assert codes(judge(GOOD[:8])) == ["hf_qa_prompts_not_anchored"]
    bench.write("data/main/test-0.parquet", "never read")
    bench.write("data/main/test-0.jsonl", jsonl(qa(QUESTIONS)))
    assert judge(GOOD[:8]) == ()
    bench.write("aa/test-0.jsonl", other)
    assert codes(judge(GOOD[:8])) == ["hf_qa_prompts_not_anchored"]
    write_parquet(bench.repo / f"{USUAL}.parquet", qa(QUESTIONS))
    assert judge(GOOD[:8]) == ()
    bench.write(f"{USUAL}.jsonl", other)
    assert codes(judge(GOOD[:8])) == ["hf_qa_prompts_not_anchored"]


def test_without_pyarrow_a_parquet_split_leaves_the_run_unscored(
    bench: Bench, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rules are never silently off; the hint says what to install."""
    write_parquet(bench.repo / f"{USUAL}.parquet", qa(QUESTIONS))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (finding,) = judge(GOOD[:8])
    assert (finding.code, finding.verdict) == ("hf_qa_rows_unreadable", Verdict.UNSCORED)
    assert (finding.hint, finding.where) == ("pip install pyarrow", Where(f"{USUAL}.parquet"))
    bench.write(f"{USUAL}.jsonl", jsonl(qa(QUESTIONS)))
    assert judge(GOOD[:8]) == ()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (f"{USUAL}.parquet", b"PAR1 and nothing more"),
        (f"{USUAL}.parquet", b""),
        (f"{USUAL}.jsonl", b"{"),
        (f"{USUAL}.jsonl", b"[]\n"),
        (f"{USUAL}.jsonl", b"\xff\n"),
        (f"{USUAL}.jsonl", b"[" * 100_000),
        (f"{USUAL}.jsonl", jsonl(qa(QUESTIONS[:2])).encode() + b"garbage\n"),
        ("deep/test-0.jsonl", b"nope\n"),
    ],
)
def test_unreadable_rows_leave_the_run_unscored(bench: Bench, judge: Judge, name: str, content: bytes) -> None:
    """Whoever breaks the dataset does not get rid of the rules."""
    bench.write(name, content)
    (finding,) = judge(GOOD[:8])
    assert (finding.code, finding.verdict) == ("hf_qa_rows_unreadable", Verdict.UNSCORED)
    assert finding.where == Where(name)


@pytest.mark.parametrize("name", [f"{USUAL}.jsonl", "x/test-0.jsonl", MANIFEST_PATH])
def test_links_out_are_not_followed(bench: Bench, judge: Judge, tmp_path: Path, name: str) -> None:
    """A split or manifest outside of the repository is not read."""
    outside = tmp_path / "outside" / "rows"
    outside.write_text(jsonl(qa(QUESTIONS)))
    (bench.repo / name).parent.mkdir()
    (bench.repo / name).symlink_to(outside)
    (finding,) = judge(GOOD[:8])
    assert (finding.code, finding.where) == ("hf_qa_rows_unreadable", Where(name))


def test_the_bounds_hold(bench: Bench, judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many files, too large a split, too long a row: unscored, whatever is in them."""
    bench.write("x/test-0.jsonl", jsonl(qa(QUESTIONS)))
    for bound, value in [("MAX_ENTRIES", 2), ("MAX_SPLIT_BYTES", 100), ("MAX_ROW_BYTES", 20)]:
        with monkeypatch.context() as patch:
            patch.setattr(hf_qa, bound, value)
            assert codes(judge(GOOD[:8])) == ["hf_qa_rows_unreadable"], bound
    assert judge(GOOD[:8]) == ()


def test_questions_that_are_no_text_anchor_nothing(bench: Bench, judge: Judge) -> None:
    """Blank and non-text questions, blank lines and a byte order mark are no offence."""
    rows = "\ufeff" + jsonl(qa([None, " ", 3])) + "\n" + jsonl(qa(QUESTIONS))
    bench.write(f"{USUAL}.jsonl", rows)
    assert judge(GOOD[:8]) == ()


@pytest.mark.parametrize(
    ("value", "mode", "expected"),
    [
        (None, "smoke", 8),
        (None, "full", 64),
        ("", "full", 64),
        ("3", "full", 3),
        (" 3 ", "smoke", 3),
        ("0", "smoke", 1),
        ("-4", "smoke", 1),
        ("many", "smoke", 8),
        ("1.5", "full", 64),
        ("9" * 5000, "full", 64),
    ],
)
def test_the_limit(value: str | None, mode: str, expected: int) -> None:
    """What was asked for, at least 1; without a whole number what the mode says."""
    assert asked_limit(value, mode) == expected
