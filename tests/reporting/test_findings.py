"""Findings as lines."""

from __future__ import annotations

from runner_env.core import Finding, Verdict, Where
from runner_env.reporting.findings import render_findings


def test_places() -> None:
    """A finding shows as much of its place as is known."""
    found = [Finding("a", "M."), Finding("b", "M.", Where("f")), Finding("c", "M.", Where("f", 1))]
    assert render_findings(found) == "error: M. [a]\nf: error: M. [b]\nf:1: error: M. [c]\n"


def test_colours_tell_notes_from_errors() -> None:
    """With colours an error is red, a doubt yellow, a note dim."""
    text = render_findings([Finding("a", "M.", verdict=verdict) for verdict in Verdict], colour=True)
    assert text == "\x1b[2mnote\x1b[0m: M. [a]\n\x1b[31merror\x1b[0m: M. [a]\n\x1b[33merror\x1b[0m: M. [a]\n"


def test_none() -> None:
    """No findings, no text."""
    assert render_findings(()) == ""
