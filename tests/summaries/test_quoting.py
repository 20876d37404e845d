"""Which lines of an output are taken for quotations."""

from __future__ import annotations

from runner_env.summaries.summarize import summarize


def test_the_name_of_a_test_is_no_command() -> None:
    """Tape prints names of tests as comments, and `# strings` is one: what follows it counts."""
    tap = (
        b"TAP version 13\n# numbers\nok 1 a\n# strings\nok 2 b\n# type coercion\nok 3 c\n\n1..3\n# tests 3\n# pass  3\n"
    )
    assert summarize(tap, 0).passed == 3


def test_a_shown_file_is_a_quotation() -> None:
    """A prompt of root that shows a file makes what follows a quotation."""
    assert summarize(b"# cat old/result.tap\n1..2\nok 1 a\nok 2 b\n", 0).score is None
