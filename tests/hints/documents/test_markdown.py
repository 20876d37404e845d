"""Markdown as blocks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner_env.hints.documents.block import Kind
from runner_env.hints.documents.markdown import blocks


def test_fenced() -> None:
    """A fenced block has its language, line, headings and the sentence before; indented in a list it has no indent."""
    (block,) = blocks("# Tool\n\n## Tests\n\n1. Run them:\n\n   ```bash\n   pytest\n   ```\n")
    assert (block.text, block.line, block.language, block.headings) == ("pytest", 8, "bash", ("Tool", "Tests"))
    assert "Run them" in block.context


def test_kinds_of_fences() -> None:
    """Tildes, attributes, quotes, and a fence that is never closed."""
    texts = [
        b.text for b in blocks("~~~sh\na\n~~~\n\n> ```\n> b\n> ```\n\n``` {.bash}\nc\n```\n````\n```\nd\n````\n```\ne")
    ]
    assert texts == ["a", "b", "c", "```\nd", "e"]


def test_indented() -> None:
    """Four blanks or a tab after an empty line; not inside a list, where they continue an item."""
    assert [b.text for b in blocks("Run:\n\n    make test\n\tmake bench\n\nEnd")] == ["make test\nmake bench\n"]
    assert [b.kind for b in blocks("- item\n\n    more prose\n")] == []


def test_html() -> None:
    """A summary is a heading of what it hides; `<pre>` is a block, its entities are characters."""
    found = list(blocks("<details><summary>Run the <b>tests</b></summary>\n\n```\npytest\n```\n</details>\n\n`x`\n"))
    assert found[0].headings == ("Run the tests",)
    assert found[1].headings == ()
    (block,) = blocks("<pre><code>a &amp;&amp; b\nc</code></pre>")
    assert block.text == "a && b\nc"


def test_comments() -> None:
    """What is commented out is not there; lines below keep their numbers."""
    (block,) = blocks("<!--\n```\nold\n```\n-->\n```\nnew\n```\n")
    assert (block.text, block.line) == ("new", 7)


def test_inline_and_tables() -> None:
    """Code in a sentence has the sentence, code in a table its row."""
    inline, cell = blocks("Run `npm test` now.\n\n| `npm run bench` | benchmarks |\n")
    assert (inline.text, inline.kind, inline.context) == ("npm test", Kind.INLINE, "Run npm test now.")
    assert (cell.text, cell.kind) == ("npm run bench", Kind.CELL)
    assert "benchmarks" in cell.context


def test_underlined_headings() -> None:
    """Lines of `=` and `-` make headings too."""
    (block,) = blocks("Tool\n====\n\nTests\n-----\n\n```\npytest\n```\n")
    assert block.headings == ("Tool", "Tests")


@given(st.text(alphabet="ab`~#>|-* \n\t<pre>", max_size=80))
def test_any_text(text: str) -> None:
    """No text breaks it, and every line number is one of the text."""
    assert all(1 <= block.line <= text.count("\n") + 2 for block in blocks(text))
