"""Which documents are read: those that speak to whoever works on the repository or evaluates with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner_env.hints.reading import list_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_EXTENSIONS = r"(?:\.(?:md|mkd|mkdn|markdown|mdown|mdx|rst|rest|txt|text|adoc|asciidoc|org|pod|rdoc|qmd))?"
_TOPICS = (
    r"contribut\w*|develop\w*|dev|hacking|hackers?|testing|tests?|running[_-]?tests?|test[_-]?suite|build\w*"
    r"|install\w*|"
    r"eval\w*|bench\w*|reproduc\w*|leaderboard|maintain\w*|agents|claude|quick[_-]?start|getting[_-]?started"
    r"|usage|faq"
)
_TOP = re.compile(rf"(?i)^(?:readme(?:[._-]?en)?|(?:[a-z]+[_-])?(?:{_TOPICS})(?:[_-][a-z]+)?){_EXTENSIONS}$")
_TRANSLATED = re.compile(r"(?i)^readme[._-].+$")
_DEEPER = re.compile(rf"(?i)^(?:readme|[\w-]*(?:{_TOPICS})[\w-]*|index){_EXTENSIONS}$")
_DOCUMENT_FOLDERS = frozenset(("doc", "docs", "documentation", ".github", "wiki", "guides", "book", ".gitlab"))
_TOPIC_FOLDER = re.compile(
    r"(?i)^(?:\w*(?:eval|bench)\w*|tests?|scripts|dev|contribut\w*|develop\w*|hacking|maint\w*|testing)$"
)
_TRANSLATION_FOLDER = re.compile(
    r"(?i)^(?:[a-z]{2}(?:[-_][a-z]{2,4})?|locales?|translations?|i18n|_\w+|api|images?|assets|static)$"
)
_MOST = 40
_DEPTH = 3


def documents(root: Path) -> list[str]:
    """Paths of documents, POSIX, relative to `root`, the telling ones first; at most 40."""
    files, folders = list_folder(root)
    top = [
        name
        for name in files
        if (_TOP.match(name) and "." in name)
        or name.upper() in ("README", "HACKING", "TESTING", "INSTALL", "CONTRIBUTING", "DEVELOPMENT", "BUILDING")
    ]
    if not any(name.lower().startswith("readme") for name in top):
        top += [name for name in files if _TRANSLATED.match(name)][:1]
    found = sorted(top, key=lambda name: (not name.lower().startswith("readme"), name.lower()))
    for folder in folders:
        if folder.lower() in _DOCUMENT_FOLDERS:
            found += _below(root, folder, _DEPTH)
        elif _TOPIC_FOLDER.match(folder):
            found += [
                f"{folder}/{name}"
                for name in list_folder(root, folder)[0]
                if re.match(rf"(?i)^readme{_EXTENSIONS}$", name)
            ]
    return found[:_MOST]


def _below(root: Path, folder: str, depth: int) -> Iterator[str]:
    files, folders = list_folder(root, folder)
    inside = bool(_TOPIC_FOLDER.match(folder.rpartition("/")[2]))
    for name in files:
        if _DEEPER.match(name) or (inside and re.search(rf"(?i){_EXTENSIONS[:-1]}$", name)):
            yield f"{folder}/{name}"
    if depth > 1:
        for name in folders[:30]:
            if not _TRANSLATION_FOLDER.match(name) or name == "en":
                yield from _below(root, f"{folder}/{name}", depth - 1)
