"""What a rollout asks: the dataset's questions, or, where there is no dataset, about the repository itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_env.guest.programs.answers import is_right

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from runner_env.guest.programs.dataset import Item

MOST_WITHOUT_DATASET = 32
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FORM = "Think step by step where that helps. End with one line of this form and nothing after it:\nFINAL: <{what}>"
_EXCERPT_CHARS = 1500
_SHORTEST_EXCERPT = 80
_MOST_README_BYTES = 1 << 20


@dataclass(frozen=True)
class Prompt:
    """One thing to ask.

    Attributes:
        text: the user message.
        answers: the right answers; empty: nobody knows.
        choices: the options, if it is a choice.
    """

    text: str
    answers: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()

    @property
    def judged(self) -> bool:
        """Whether an answer can be right or wrong."""
        return bool(self.answers)

    def reward(self, reply: str) -> float:
        """1.0 for a right answer, else 0.0."""
        return float(self.judged and is_right(reply, self.answers, self.choices))


def question_prompt(item: Item) -> Prompt:
    """A dataset's question, word for word, and the form that its answer must have."""
    options = "".join(f"{letter}. {choice}\n" for letter, choice in zip(_LETTERS, item.choices))  # noqa: B905 - Python 3.9
    parts = [item.context.strip(), item.question, options.rstrip("\n")]
    form = _FORM.format(what="letter of the right option" if item.choices else "answer")
    return Prompt("\n\n".join([*filter(None, parts), form]), item.answers, item.choices)


def repository_prompts(repo: Path, commands: Sequence[str], limit: int) -> list[Prompt]:
    """Questions about a repository that is no dataset: its stated commands, then its README; always the same.

    Args:
        repo: the repository.
        commands: its official commands, the surest first.
        limit: how many at most; never more than 32.
    """
    texts = [*map(_about_command, commands), *map(_about_excerpt, _excerpts(repo))]
    texts = list(dict.fromkeys(texts)) or [_about_folder(repo)]
    return [Prompt(text) for text in texts[: min(limit, MOST_WITHOUT_DATASET)]]


def _about_command(command: str) -> str:
    return f"Explain in two or three sentences what this command does and what it needs:\n\n```\n{command}\n```"


def _about_excerpt(excerpt: str) -> str:
    return f"Summarise this excerpt from a project's README in one sentence:\n\n{excerpt}"


def _about_folder(repo: Path) -> str:
    names = sorted(path.name for path in repo.iterdir() if not path.name.startswith("."))[:40]
    return f"A project's folder holds: {', '.join(names) or 'nothing'}. What is the project probably about?"


def _excerpts(repo: Path) -> Iterator[str]:
    readmes = sorted(path for path in repo.iterdir() if path.name.lower().startswith("readme") and path.is_file())
    for path in readmes:
        with path.open("rb") as file:
            text = file.read(_MOST_README_BYTES).decode("utf-8", "replace")
        for part in re.split(r"\n\s*\n", text):
            if len(part.strip()) >= _SHORTEST_EXCERPT:
                yield part.strip()[:_EXCERPT_CHARS]
