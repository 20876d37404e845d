"""Questions and answers of a dataset: the snapshot's files, and columns of any usual name."""

from __future__ import annotations

import csv
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner_env.guest.programs.surroundings import Unusable, read_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MANIFEST = "data/hf_manifest.json"
_USUAL = "main/test-00000-of-00001.jsonl"
_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv")
_SPLITS = ("test", "validation", "valid", "val", "dev", "eval", "train")
_NO_DATA = re.compile(r"(?i)readme|dataset_infos?|config|manifest|metadata|licen[cs]e|package|schema|vocab|tokenizer")
_QUESTIONS = (
    "question",
    "query",
    "problem",
    "prompt",
    "instruction",
    "input",
    "question_text",
    "goal",
    "stem",
    "text",
    "sentence",
)
_ANSWERS = (
    "answer", "answers", "final_answer", "answerkey", "answer_key", "correct_answer", "correct", "gold",
    "target", "targets", "solution", "expected", "expected_answer", "reference", "label", "output", "response",
    "completion",
)  # fmt: skip
_CHOICES = ("choices", "options", "endings", "candidates", "answer_choices")
_CONTEXTS = ("context", "passage", "paragraph", "story", "background", "support")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MAX_WHOLE_BYTES = 256 << 20


@dataclass(frozen=True)
class Item:
    """One question.

    Attributes:
        question: as the dataset has it.
        answers: the right ones; with choices their letters; empty if the dataset does not say.
        choices: the texts of options A, B, …
        context: what is to be read before the question.
    """

    question: str
    answers: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    context: str = ""


def find_split(repo: Path) -> Path | None:
    """The file with the questions of a snapshot; None if the workspace is no snapshot or has no such file.

    The test split as the runner's verification looks for it, else the most telling file that the manifest names.
    """
    manifest = read_object(repo / MANIFEST)
    if not manifest:
        return None
    if (repo / _USUAL).is_file():
        return repo / _USUAL
    for folder, names, files in os.walk(repo):
        names[:] = sorted(name for name in names if not name.startswith("."))
        found = sorted(name for name in files if name.startswith("test-") and name.endswith(".jsonl"))
        if found:
            return Path(folder, found[0])
    return next(iter(_ranked(repo, manifest)), None)


def _ranked(repo: Path, manifest: Mapping[str, Any]) -> list[Path]:
    records = [
        entry.get(key)
        for part, key in (("converted_files", "to"), ("downloaded_files", "path"))
        for entry in manifest.get(part) or ()
        if isinstance(entry, dict)
    ]
    names = [name for name in records if isinstance(name, str) and name.lower().endswith(_SUFFIXES)]
    inside = repo.resolve()
    files = [name for name in names if not _NO_DATA.search(Path(name).name)]
    there = [name for name in files if (repo / name).is_file() and inside in (repo / name).resolve().parents]
    return [repo / name for name in sorted(there, key=lambda name: (_split_rank(name), name))]


def _split_rank(name: str) -> int:
    words = re.split(r"[^a-z]+", name.lower())
    return next((rank for rank, split in enumerate(_SPLITS) if split in words), len(_SPLITS))


def read_items(path: Path, limit: int) -> list[Item]:
    """The first questions of a file, in its order; rows without a question are passed over.

    Returns:
        Nothing if its columns are not those of questions.

    Raises:
        Unusable: the file cannot be read.
    """
    items: list[Item] = []
    columns: Columns | None = None
    for row in rows_of(path):
        columns = columns or Columns.of(row)
        if not columns.question:
            return []
        item = columns.item(row)
        if item is not None:
            items.append(item)
        if len(items) >= limit:
            break
    return items


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a JSON Lines, JSON, CSV or TSV file.

    Raises:
        Unusable: it cannot be read.
    """
    suffix = path.suffix.lower()
    try:
        if suffix in {".csv", ".tsv"}:
            with path.open(encoding="utf-8-sig", newline="") as file:
                yield from csv.DictReader(file, delimiter="\t" if suffix == ".tsv" else ",")
        elif suffix == ".json":
            yield from _whole(path)
        else:
            yield from _lines(path)
    except (OSError, ValueError, csv.Error, RecursionError) as error:
        raise Unusable(f"dataset_unreadable: {path.name}: {error}") from error


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError(f"line {number} is not an object")
                yield row


def _whole(path: Path) -> Iterable[dict[str, Any]]:
    if path.stat().st_size > MAX_WHOLE_BYTES:
        raise ValueError(f"it is larger than {MAX_WHOLE_BYTES} bytes")
    text = path.read_text("utf-8-sig")
    try:
        value = json.loads(text)
    except ValueError:
        return _lines(path)  # many a dataset calls its JSON Lines `.json`
    if isinstance(value, dict):
        value = next((part for part in value.values() if isinstance(part, list)), [value])
    return [row for row in value if isinstance(row, dict)]


@dataclass(frozen=True)
class Columns:
    """Which column is what; empty: there is none."""

    question: str = ""
    answer: str = ""
    choices: str = ""
    context: str = ""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Columns:
        """By the usual names, in any case."""
        question = _named(row, _QUESTIONS, str)
        left = {name: value for name, value in row.items() if name != question}
        choices = _named(left, _CHOICES, (list, dict))
        answer = _named({name: value for name, value in left.items() if name != choices}, _ANSWERS, object)
        return cls(question, answer, choices, _named(left, _CONTEXTS, str))

    def item(self, row: Mapping[str, Any]) -> Item | None:
        """One row as a question; None if it has none."""
        question = row.get(self.question)
        if not isinstance(question, str) or not question.strip():
            return None
        texts, labels = _options(row.get(self.choices)) if self.choices else ((), ())
        golds = tuple(_golds(row.get(self.answer))) if self.answer else ()
        if texts:
            golds = tuple(filter(None, (_letter(gold, texts, labels) for gold in golds)))
        context = row.get(self.context) if self.context else ""
        return Item(question, golds, texts, context if isinstance(context, str) else "")


def _named(row: Mapping[str, Any], names: Sequence[str], kind: type | tuple[type, ...]) -> str:
    by_name = {str(name).lower().replace(" ", "_"): name for name in row}
    found = (by_name[name] for name in names if name in by_name)
    return next((str(name) for name in found if isinstance(row[name], kind)), "")


def _options(value: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Texts and labels of the options, from a list of texts or an object of two lists or of letters."""
    if isinstance(value, list):
        return tuple(map(str, value)), ()
    if isinstance(value, dict):
        texts, labels = value.get("text"), value.get("label")
        if isinstance(texts, list):
            return tuple(map(str, texts)), tuple(map(str, labels)) if isinstance(labels, list) else ()
        return tuple(map(str, value.values())), tuple(map(str, value))
    return (), ()


def _golds(value: object) -> Iterator[str]:
    if isinstance(value, bool):
        yield from ("true", "yes") if value else ("false", "no")
    elif isinstance(value, dict):
        yield from _golds(next((value[key] for key in ("text", "value", "answer", "aliases") if key in value), None))
    elif isinstance(value, list):
        for part in value:
            yield from _golds(part)
    elif value is not None and str(value).strip():
        yield str(value)


def _letter(gold: str, texts: Sequence[str], labels: Sequence[str]) -> str:
    """The letter of the option that a right answer means: its label, its letter, its text, or its place from 0."""
    bare = gold.strip()
    for names in (labels, _LETTERS[: len(texts)], texts):
        if bare in names:
            return _LETTERS[list(names).index(bare)]
    return _LETTERS[int(bare)] if bare.isdecimal() and int(bare) < len(texts) else ""
