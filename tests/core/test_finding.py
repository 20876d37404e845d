"""Findings as people read them."""

from __future__ import annotations

from runner_env.core import Finding, Verdict, Where


def test_a_place_reads_as_compilers_write_it() -> None:
    """file:line:column, as far as it is known."""
    assert [str(Where("a.yml")), str(Where("a.yml", 3)), str(Where("a.yml", 3, 5))] == ["a.yml", "a.yml:3", "a.yml:3:5"]


def test_a_finding_says_where_what_and_what_to_do() -> None:
    """Place, message, code and hint in one line."""
    finding = Finding(
        "unknown_key", "Unknown key `evalution`.", Where("pipeline.yml", 3, 1), "Did you mean `evaluation`?"
    )
    assert str(finding) == ("pipeline.yml:3:1: Unknown key `evalution`. [unknown_key] Hint: Did you mean `evaluation`?")


def test_a_finding_counts_against_the_run_unless_it_says_otherwise() -> None:
    """Fail closed: the default verdict is failed."""
    assert Finding("a", "b").verdict is Verdict.FAILED
