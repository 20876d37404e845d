"""AsciiDoc and Org as blocks."""

from __future__ import annotations

from runner_env.hints.documents.asciidoc import blocks


def test_asciidoc() -> None:
    """A delimited block has the language of the line above it and the headings before it."""
    (block, inline) = blocks("= Tool\n\n== Tests\n\n[source,bash]\n----\nmake test\n----\n\nOr `make check`.\n")
    assert (block.text, block.line, block.language, block.headings) == ("make test", 7, "bash", ("Tool", "Tests"))
    assert inline.text == "make check"


def test_org() -> None:
    """A source block, its markers in any case."""
    (block,) = blocks("* Tests\n#+BEGIN_SRC sh\nmake test\n#+END_SRC\n")
    assert (block.text, block.language, block.headings) == ("make test", "sh", ("Tests",))
