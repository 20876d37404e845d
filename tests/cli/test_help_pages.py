"""The help in the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner_env.cli.help_pages import help_pages, refreshed

_PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def test_docs_are_current() -> None:
    """`docs/cli.md` shows what `--help` prints today; refresh it with scripts/generate.py."""
    page = _PAGE.read_text(encoding="utf-8")
    assert refreshed(page) == page


def test_docs_show_every_command() -> None:
    """Every command has its place on the page."""
    page = _PAGE.read_text(encoding="utf-8")
    assert [name for name in help_pages() if f"<!-- help:{name} -->" not in page] == []


def test_refreshed_replaces_what_is_between_the_markers() -> None:
    """Old help goes, the text around stays, and a second time changes nothing."""
    page = "a\n<!-- help:init -->\nold\n<!-- /help -->\nb\n"
    fresh = refreshed(page)
    assert fresh.startswith("a\n<!-- help:init -->\n```text\nUsage: runner-env init")
    assert fresh.endswith("```\n<!-- /help -->\nb\n")
    assert refreshed(fresh) == fresh


def test_unknown_marker() -> None:
    """A marker that names no command is an error and not left as it is."""
    with pytest.raises(KeyError):
        refreshed("<!-- help:frobnicate -->\n<!-- /help -->\n")
