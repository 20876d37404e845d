"""Every known weakness of the reference tool, 0.13.0, and the tests that pin that it is none here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
PINNED = {
    "W1: no concurrency": (
        "providers/test_command.py::test_calls_run_side_by_side",
        "skills/test_run.py::test_limits_of_platforms_and_jobs_hold",
    ),
    "W2: one error discards everything": (
        "skills/test_run.py::test_a_failed_call_leaves_the_rest_alone",
        "skills/test_run.py::test_a_failed_judge_leaves_the_other_evals_alone",
        "skills/test_run.py::test_resume_runs_what_is_unscored",
    ),
    "W3: deadlock on big requests and replies": (
        "providers/test_command.py::test_megabytes_in_any_order_block_nothing",
        "providers/test_command.py::test_a_staying_process_takes_megabytes",
    ),
    "W4: no timeout for commands, orphans": (
        "providers/test_command.py::test_a_timeout_ends_the_whole_tree",
        "providers/test_command.py::test_a_cancelled_call_leaves_nothing_behind",
        "acceptance/test_skill_run.py::test_a_signal_ends_the_providers_too",
    ),
    "W5: a large skill does not fit an argument": ("providers/test_oneharness.py::test_a_large_skill_goes_by_file",),
    "W6: the transcript can forge turns; the judge sees no tools": (
        "judging/test_prompts.py::test_forged_roles_and_closers_are_text",
        "judging/test_prompts.py::test_a_fenced_conversation_can_be_read_back",
        "judging/test_prompts.py::test_the_judge_sees_tool_events",
    ),
    "W7: the last verdict wins, quoted or not": (
        "judging/test_verdict.py::test_a_quoted_verdict_never_counts",
        "judging/test_verdict.py::test_an_afterthought_without_a_reason_does_not_flip_a_verdict",
        "judging/test_verdict.py::test_quotations_alone_are_never_a_verdict",
    ),
    "W8: a number for done_when counts as no": ("skills/test_run.py::test_a_numeric_answer_to_done_when_is_no_no",),
    "W9: unknown mocks are found after the skill was paid for": (
        "skills/test_mocks.py::test_an_eval_about_an_unknown_mock",
    ),
    "W10: no record is no call": (
        "providers/test_oneharness.py::test_no_record_is_no_proof_of_silence",
        "providers/real/test_real_harnesses.py::test_mocks_that_do_not_hold_are_an_error",
        "skills/test_evals.py::test_nothing_was_recorded",
    ),
    "W11: the API judge ignores HTTP": (
        "providers/test_api_judge.py::test_faults_that_pass_are_asked_again",
        "providers/test_api_judge.py::test_retry_after_is_waited_for",
        "providers/test_api_judge.py::test_a_cut_connection_is_asked_again",
        "providers/test_api_judge.py::test_faults_that_do_not_pass",
    ),
    "W12: kinds are never emitted": (
        "providers/test_command.py::test_a_program_that_is_not_there",
        "providers/test_oneharness.py::test_a_missing_oneharness_is_named",
        "providers/test_oneharness.py::test_every_failure_is_classified",
    ),
    "W13: runs in the caller's directory": (
        "acceptance/test_skills_target.py::test_rollout_leaves_samples_and_evaluation_a_score",
        "acceptance/test_skills_target.py::test_a_skill_runs_contained",
    ),
    "W14: no repeats, statistics, caps, formats for machines, second judgement": (
        "scoring/test_suite.py::test_the_share_is_of_scored_trials",
        "skills/test_run.py::test_caps_end_the_run_cleanly",
        "skills/test_run.py::test_rejudge_asks_only_the_judge",
        "acceptance/test_skill_run.py::test_junit",
        "acceptance/test_skill_run.py::test_github",
    ),
    "W15: validation is weak and the run ignores it": (
        "skills/test_skill.py::test_what_looks_like_frontmatter",
        "skills/test_validation.py::test_departures",
    ),
    "W16: directories are flat, names collapse": (
        "skills/test_discovery.py::test_cases_that_lie_deeper",
        "skills/test_plan.py::test_the_matrix",
    ),
    "W17: no record of how a report came about; one test for each file": (
        "skills/test_run.py::test_the_evidence_proves_the_run",
        "test_pytest_plugin.py::test_one_test_for_each_cell",
    ),
    "W18: commands never get their session": (
        "providers/test_command.py::test_requests_are_those_of_the_protocol",
        "providers/test_command.py::test_a_session_stays_with_its_process",
    ),
}


def test_the_table_is_whole() -> None:
    """Each of the eighteen has a row."""
    assert [name.partition(":")[0] for name in PINNED] == [f"W{number}" for number in range(1, 19)]


@pytest.mark.parametrize("weakness", PINNED)
def test_what_pins_it_exists(weakness: str) -> None:
    """The named tests are there and are run: none of them is skipped or expected to fail."""
    for name in PINNED[weakness]:
        file, _, wanted = name.partition("::")
        found = ast.parse((TESTS / file).read_text("utf-8")).body
        test = next((node for node in found if isinstance(node, ast.FunctionDef) and node.name == wanted), None)
        assert test is not None, name
        marks = {ast.unparse(mark).partition("(")[0] for mark in test.decorator_list}
        assert not marks & {"pytest.mark.skip", "pytest.mark.skipif", "pytest.mark.xfail"}, name
