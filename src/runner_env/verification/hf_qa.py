"""Whether a rollout on a question-answering dataset from the Hugging Face Hub really asked the dataset's questions.

It applies where `data/hf_manifest.json` says that the repository is a snapshot of such a dataset, and its test split
has the columns `question` and `answer`. Without that, nothing is known about the prompts, and nothing is checked.
"""

from __future__ import annotations

import json
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.core import Finding, Verdict
from runner_env.errors import TargetError, TargetNotFound
from runner_env.targets.inside import open_inside, shown
from runner_env.verification.intake import Artifact
from runner_env.verification.model import DEFAULT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_env.verification.model import Context
    from runner_env.verification.samples import SamplesReport

MANIFEST_PATH = "data/hf_manifest.json"
FULL_LIMIT = 64
MAX_SPLIT_BYTES = 4 << 30
MAX_ROW_BYTES = 8 << 20
MAX_ENTRIES = 200_000
_USUAL = ("main/test-00000-of-00001.jsonl", "main/test-00000-of-00001.parquet")
_SUFFIXES = (".jsonl", ".parquet")
_COLUMNS = frozenset({"question", "answer"})
_QUESTIONS = 20
_ANCHORED = 5
_DISTINCT = 10


def asked_limit(value: str | None, mode: str) -> int:
    """How many items of the dataset a rollout has to attempt.

    Args:
        value: what the caller set `AIDER_EVAL_LIMIT` to, if anything.
        mode: `smoke` or `full`, which decides if the value is no whole number: 8 or 64.

    Returns:
        At least 1.
    """
    try:
        return max(1, int(value or ""))
    except ValueError:
        return FULL_LIMIT if mode == "full" else DEFAULT_LIMIT


def check_questions(ctx: Context, samples: Artifact, report: SamplesReport) -> tuple[Finding, ...]:
    """Compare samples with the questions of the dataset that the repository holds.

    Args:
        ctx: the repository, and how many items were asked for.
        samples: the samples file.
        report: what is in it.

    Returns:
        `hf_qa_samples_too_few`, or `hf_qa_prompts_not_diverse` and `hf_qa_prompts_not_anchored`;
        `hf_qa_rows_unreadable` if the questions cannot be known. Empty where there is no such dataset.
    """
    try:
        split = _find_split(ctx.repo)
        rows = None if split is None else _read_rows(ctx.repo, split, ctx.limit)
    except _Unreadable as error:
        finding = _at(error.path).finding("hf_qa_rows_unreadable", error.message, hint=error.hint)
        return (replace(finding, verdict=Verdict.UNSCORED),)
    return () if rows is None else tuple(_judge(rows, ctx.limit, samples, report))


@dataclass(slots=True)
class _Rows:
    path: str
    wanted: int
    count: int = 0
    questions: dict[str, None] = field(default_factory=dict)

    @property
    def enough(self) -> bool:
        return self.count >= self.wanted and self.full

    @property
    def full(self) -> bool:
        return len(self.questions) >= _QUESTIONS

    def ask(self, question: object) -> None:
        text = _plain(question) if isinstance(question, str) else ""
        if text and not self.full:
            self.questions[text] = None


class _Unreadable(Exception):
    def __init__(self, path: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.message = message
        self.hint = hint or "take the snapshot of the dataset again"


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _at(path: str) -> Artifact:
    return Artifact("dataset", "rollout", "rollout", path, "", "")


def _judge(rows: _Rows, limit: int, samples: Artifact, report: SamplesReport) -> Iterator[Finding]:
    expected = min(rows.count, limit)
    if report.valid < expected:
        message = f"Too few samples for `{shown(rows.path)}`: expected>={expected} got={report.valid}."
        hint = "attempt as many questions as AIDER_EVAL_LIMIT says (8 in `smoke`, 64 in `full`, if unset)"
        yield samples.finding("hf_qa_samples_too_few", message, hint=hint)
        return
    prompts = {_plain(prompt) for prompt in report.prompts}
    distinct = max(1, min(_DISTINCT, expected))
    if len(prompts) < distinct:
        message = (
            f"The first {len(report.prompts)} prompts are too much alike: expected>={distinct} got={len(prompts)}."
        )
        yield samples.finding("hf_qa_prompts_not_diverse", message, hint="ask each question of the split once")
    # Who was asked for three questions cannot have asked five.
    wanted = min(_ANCHORED, len(rows.questions), expected)
    found = sum(any(question in prompt for prompt in prompts) for question in rows.questions)
    if found < wanted:
        message = (
            f"Of the first {len(rows.questions)} questions of `{shown(rows.path)}` too few are in a prompt: "
            f"expected>={wanted} got={found}."
        )
        hint = "take the questions from the test split, in order, and put each into its prompt word for word"
        yield samples.finding("hf_qa_prompts_not_anchored", message, hint=hint)


def _find_split(repo: Path) -> str | None:
    """The test split's path relative to the repository; None where the rules do not apply."""
    if not _exists(repo, MANIFEST_PATH):
        return None
    return next((path for path in _USUAL if _exists(repo, path)), None) or _search(repo)


def _exists(repo: Path, path: str) -> bool:
    try:
        os.close(open_inside(repo, path))
    except TargetNotFound:
        return False
    except TargetError as error:
        if error.code == "path_not_directory":
            return False
        raise _Unreadable(path, error.message, error.hint) from error
    return True


def _search(repo: Path) -> str | None:
    """The first `test-*` in the order of its path's parts; neither linked nor hidden directories are entered."""
    pending, entries, trouble = [Path()], 0, ""
    while pending:
        path = pending.pop()
        if path.name.startswith("test-") and path.suffix in _SUFFIXES and not _is_directory(repo / path):
            return path.as_posix()
        if path.name.startswith(".") or not _is_directory(repo / path):
            continue
        try:
            names = sorted(os.listdir(repo / path), reverse=True)  # noqa: PTH208 - names are all that is needed
        except OSError as error:
            trouble = trouble or f"`{shown(str(path))}` cannot be searched for a test split: {error.strerror}."
            continue
        entries += len(names)
        if entries > MAX_ENTRIES:
            trouble = f"No test split is among the first {MAX_ENTRIES} files."
            break
        pending += [path / name for name in names]
    if trouble:
        hint = f"put the split where it usually is: {_USUAL[0]}"
        raise _Unreadable(MANIFEST_PATH, trouble, hint)
    return None


def _is_directory(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _read_rows(repo: Path, path: str, limit: int) -> _Rows | None:
    """Rows, counted up to `limit` at least, and the first questions; None without the two columns."""
    with _opened(repo, path) as fd:
        rows = _Rows(path, limit)
        return _read_jsonl(fd, rows) if path.endswith(".jsonl") else _read_parquet(fd, rows)


@contextmanager
def _opened(repo: Path, path: str) -> Iterator[int]:
    try:
        fd = open_inside(repo, path)
    except TargetError as error:
        raise _Unreadable(path, error.message, error.hint) from error
    try:
        size = os.fstat(fd).st_size
        if size > MAX_SPLIT_BYTES:
            raise _Unreadable(path, f"The split has {size} bytes, more than {MAX_SPLIT_BYTES}.", "take a smaller one")
        yield fd
    except OSError as error:
        raise _Unreadable(path, f"Reading the split failed: {error.strerror or error}.") from error
    finally:
        os.close(fd)


def _read_jsonl(fd: int, rows: _Rows) -> _Rows | None:
    with open(fd, "rb", closefd=False) as file:
        number = 0
        while not rows.enough and (line := file.readline(MAX_ROW_BYTES + 1)):
            number += 1
            if not line.strip():
                continue
            row = _parse_row(line, number, rows.path)
            if not rows.count and not row.keys() >= _COLUMNS:
                return None
            rows.count += 1
            rows.ask(row.get("question"))
    return rows if rows.count else None


def _parse_row(line: bytes, number: int, path: str) -> dict[str, object]:
    if len(line) > MAX_ROW_BYTES:
        raise _Unreadable(path, f"Line {number} is longer than {MAX_ROW_BYTES} bytes.")
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _Unreadable(path, f"Line {number} is not JSON.") from error
    if not isinstance(row, dict):
        raise _Unreadable(path, f"Line {number} is not an object.")
    return row


def _read_parquet(fd: int, rows: _Rows) -> _Rows | None:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        message = "The test split is a Parquet file, and `pyarrow`, which reads it, is not installed."
        raise _Unreadable(rows.path, message, "pip install pyarrow") from error
    try:
        with open(fd, "rb", closefd=False) as source, parquet.ParquetFile(source) as file:
            if not set(file.schema_arrow.names) >= _COLUMNS:
                return None
            rows.count = file.metadata.num_rows
            for batch in file.iter_batches(batch_size=64, columns=["question"], use_threads=False):
                for question in batch.column(0).to_pylist():
                    rows.ask(question)
                if rows.full:
                    break
    except (pa.ArrowException, ValueError) as error:
        raise _Unreadable(rows.path, f"The split is not a readable Parquet file: {str(error)[:200]}") from error
    return rows
