"""reStructuredText and plain text as blocks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner_env.hints.documents.block import Kind
from runner_env.hints.documents.rest import blocks


def test_directives_and_literals() -> None:
    """Code directives with their options left out, literal blocks behind `::`, inline literals."""
    text = """Tool
====

Tests
-----

.. code-block:: bash
   :linenos:

   pytest -q

Then::

    make test

or ``tox``.
"""
    found = list(blocks(text))
    assert [(b.text.strip(), b.line, b.kind) for b in found] == [
        ("pytest -q", 10, Kind.BLOCK),
        ("make test", 14, Kind.BLOCK),
        ("tox", 16, Kind.INLINE),
    ]
    assert found[0].headings == ("Tool", "Tests")
    assert found[0].language == "bash"


def test_other_directives() -> None:
    """What directives of other kinds hold is no code."""
    assert list(blocks(".. image:: a\n   :alt: pytest\n\n.. toctree::\n\n   testing\n")) == []


def test_overlined_headings() -> None:
    """A title between two lines is one heading."""
    (block,) = blocks("=====\nTests\n=====\n\n::\n\n  pytest\n")
    assert block.headings == ("Tests",)


def test_plain_text() -> None:
    """Without markup an indented paragraph is code, a line in capitals is a heading."""
    (block,) = blocks("RUNNING THE TESTS\n\nType this:\n\n  make check\n", plain_text=True)
    assert (block.text.strip(), block.headings) == ("make check", ("RUNNING THE TESTS",))


@given(st.text(alphabet="ab:.=- \n\t`", max_size=80))
def test_any_text(text: str) -> None:
    """No text breaks it."""
    for loose in (False, True):
        assert all(block.line >= 1 for block in blocks(text, plain_text=loose))
