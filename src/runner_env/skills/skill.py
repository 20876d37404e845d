"""From a directory with a `SKILL.md` to a skill: frontmatter, and the instructions below it.

`SKILL.md` is Markdown that may begin with YAML between two lines of three dashes
(https://agentskills.io/specification). To run a skill little is asked of it; `validation` asks more.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner_env.core import Where
from runner_env.skills.reading import read_exactly, refusal, with_line_feeds, yaml_root

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner_env.contract.document import Node

_FENCE = re.compile(r"^---[ \t]*\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill under test.

    Attributes:
        path: its directory as a case or a command line names it.
        name: from the frontmatter; empty if it has none.
        description: from the frontmatter; empty if it has none.
        instructions: the Markdown below the frontmatter without blank space around it; without frontmatter all of it.
        frontmatter: every key of it as plain values; None if there is no frontmatter.
        trouble: why text that looks like frontmatter is none; empty otherwise.
        sha256: of the text of `SKILL.md`.
    """

    path: str
    name: str
    description: str
    instructions: str
    frontmatter: Mapping[str, Any] | None = field(repr=False)
    trouble: str = ""
    sha256: str = ""


def load_skill(directory: Path, path: str) -> Skill:
    """Read the skill in `directory`, which messages and reports call `path`.

    Raises:
        DefinitionError: `SKILL.md` cannot be read, or its frontmatter is not YAML.
    """
    file = f"{path.rstrip('/')}/SKILL.md"
    return skill_of(read_exactly(directory / "SKILL.md", file), path, file)


def skill_of(text: str, path: str, file: str) -> Skill:
    """The skill that the text of a `SKILL.md` describes; see `load_skill`."""
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    first = _FENCE.match(text)
    last = _FENCE.search(text, first.end()) if first else None
    if not first or not last:
        return Skill(path, "", "", text.strip(), None, _trouble(text, opened=first is not None), sha256)
    # The lines before it stay, so that places in messages are those of the file.
    root = yaml_root("\n" + with_line_feeds(text[first.end() + 1 : last.start()]), file)
    if root is not None and not isinstance(root.value, dict):
        raise refusal("wrong_type", "The frontmatter must be a mapping.", root.where, "Write `name: …` lines.")
    frontmatter = root.plain() if root else {}
    assert isinstance(frontmatter, dict)
    body = text[last.end() :].strip()
    return Skill(path, _text(root, "name"), _text(root, "description"), body, frontmatter, "", sha256)


def _trouble(text: str, *, opened: bool) -> str:
    if opened:
        return "the `---` line that should end it is missing"
    return "a byte order mark stands before it" if text.startswith("\ufeff---") else ""


def _text(root: Node | None, key: str) -> str:
    node = root.get(key) if root else None
    if node is None:
        return ""
    if isinstance(node.value, tuple | dict):
        place = root.where_of(key) if root else Where("SKILL.md")
        raise refusal("wrong_type", f"`{key}` must be text.", place, "Write it on one line, or after `>-`.")
    return node.text.strip()
