"""Documents → candidates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner_env.hints.documents import asciidoc, markdown, rest
from runner_env.hints.documents.block import Block, Kind, shell_text
from runner_env.hints.documents.files import documents
from runner_env.hints.model import Candidate, Origin
from runner_env.hints.preparation import prepares
from runner_env.hints.reading import read_text
from runner_env.hints.shelltext import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DIRECTED = re.compile(
    r"(?i)\b(?:run(?:ning|s)?|execut\w+|invok\w+|us(?:e|ing)|via|with|typ(?:e|ing)|call(?:ing)?|launch\w*|issue"
    r"|do|by|try|"
    r"start(?:ing)?|command|ensure|make sure|check)\b"
)
_MOST_TEXT = 1_500_000
_MOST_BLOCKS = 2_000


def find(root: Path) -> list[Candidate]:
    """Everything that the documents of the repository at `root` set in type as commands."""
    found: list[Candidate] = []
    left = _MOST_TEXT
    for path in documents(root):
        text = (read_text(root, path) or "")[:left]
        left -= len(text)
        found += _candidates(path, text)
    return found


def blocks(path: str, text: str) -> Iterator[Block]:
    """The code in a document, by the markup that its name tells."""
    extension = path.rpartition(".")[2].lower() if "." in path.rpartition("/")[2] else ""
    if extension in ("rst", "rest"):
        return rest.blocks(text)
    if extension in ("adoc", "asciidoc", "org"):
        return asciidoc.blocks(text)
    if extension in ("md", "mkd", "mkdn", "markdown", "mdown", "mdx", "qmd"):
        return markdown.blocks(text)
    if "```" in text:
        return markdown.blocks(text)
    return rest.blocks(text, plain_text=True)


def _candidates(path: str, text: str) -> Iterator[Candidate]:
    origin = Origin.DOCS if path.partition("/")[2] else Origin.README
    section: tuple[str, ...] = ()
    before: list[str] = []
    for number, block in enumerate(blocks(path, text)):
        if number >= _MOST_BLOCKS:
            return
        if block.kind is not Kind.BLOCK and not _is_directed(block):
            continue
        stated = shell_text(block)
        if not stated.strip():
            continue
        if block.headings[:2] != section[:2]:
            before.clear()
        section = block.headings
        yield Candidate(
            text=stated,
            path=path,
            line=block.line,
            origin=origin,
            name=" > ".join(block.headings),
            context=block.context,
            before=tuple(before[-4:]),
            in_prose=block.kind is not Kind.BLOCK,
        )
        if block.kind is Kind.BLOCK:
            before += [line for line in stated.split("\n") if line.strip() and prepares(words_of(line[:500]))]


def _is_directed(block: Block) -> bool:
    """Whether a sentence tells to run what it has set in type."""
    if len(block.text) > 200 or not re.match(r"^[\w./$]", block.text):
        return False
    return block.kind is Kind.CELL or bool(_DIRECTED.search(block.context))
