"""Questions and answers are found under any usual name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner_env.guest.programs.dataset import Columns, Item, find_split, read_items
from runner_env.guest.programs.surroundings import Unusable

ROWS: list[tuple[dict[str, Any], Item]] = [
    ({"question": "q", "answer": "a"}, Item("q", ("a",))),
    ({"Problem": "q", "Solution": "s", "Final_Answer": 3}, Item("q", ("3",))),
    ({"input": "q", "target": 0.5}, Item("q", ("0.5",))),
    ({"question": "q", "answers": {"text": ["x", "y"], "start": [1]}, "context": "c"}, Item("q", ("x", "y"), (), "c")),
    ({"question": "q", "answer": True, "passage": "p"}, Item("q", ("true", "yes"), (), "p")),
    ({"question": "q", "choices": ["r", "g"], "answer": 1}, Item("q", ("B",), ("r", "g"))),
    (
        {"question": "q", "choices": {"text": ["r", "g"], "label": ["1", "2"]}, "answerKey": "1"},
        Item("q", ("A",), ("r", "g")),
    ),
    ({"question": "q", "options": {"A": "r", "B": "g"}, "answer": "B"}, Item("q", ("B",), ("r", "g"))),
    ({"question": "q", "choices": ["r", "g"], "answer": "g"}, Item("q", ("B",), ("r", "g"))),
    ({"question": "q", "choices": ["r", "g"], "label": -1}, Item("q", (), ("r", "g"))),
    ({"question": "q", "answer": None}, Item("q")),
]  # fmt: skip


@pytest.mark.parametrize(("row", "item"), ROWS)
def test_columns_of_any_usual_name(row: dict[str, Any], item: Item) -> None:
    """Question, answer, options and context, with answers as text, number, truth value, list, index or letter."""
    assert Columns.of(row).item(row) == item


def test_the_split_is_the_one_that_verification_looks_at(tmp_path: Path) -> None:
    """`main/test-…` first, then any `test-*`, then what the manifest names; without a manifest none."""
    rows = json.dumps({"question": "q", "answer": "a"}) + "\n"
    names = ("train.jsonl", "data/validation.jsonl", "z/test-00000-of-00002.jsonl", "main/test-00000-of-00001.jsonl")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(rows)
    assert find_split(tmp_path) is None
    files = [{"path": name} for name in ("README.json", "../outside.jsonl", *names)]
    (tmp_path / "data/hf_manifest.json").write_text(json.dumps({"downloaded_files": files}))
    for name in reversed(names):
        assert find_split(tmp_path) == (tmp_path / name if name != "train.jsonl" else tmp_path / "train.jsonl")
        (tmp_path / name).unlink()
    assert find_split(tmp_path) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "t.jsonl",
            '{"question": "q", "answer": "a"}\n\n{"question": " ", "answer": "b"}\n{"question": "r", "answer": "c"}\n',
        ),
        ("t.json", '{"data": [{"question": "q", "answer": "a"}, {"question": "r", "answer": "c"}]}'),
        ("t.json", '{"question": "q", "answer": "a"}\n{"question": "r", "answer": "c"}\n'),
        ("t.csv", "question,answer\nq,a\nr,c\n"),
        ("t.tsv", "question\tanswer\nq\ta\nr\tc\n"),
    ],
)  # fmt: skip
def test_files_of_every_usual_form(tmp_path: Path, name: str, text: str) -> None:
    """The rows come in order; those without a question are passed over."""
    (tmp_path / name).write_text(text)
    assert read_items(tmp_path / name, 5) == [Item("q", ("a",)), Item("r", ("c",))]
    assert read_items(tmp_path / name, 1) == [Item("q", ("a",))]


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    """A broken line is an error; other columns are merely no questions."""
    (tmp_path / "t.jsonl").write_text("{broken\n")
    with pytest.raises(Unusable, match="dataset_unreadable"):
        read_items(tmp_path / "t.jsonl", 5)
    (tmp_path / "t.jsonl").write_text('{"tokens": [1, 2]}\n')
    assert read_items(tmp_path / "t.jsonl", 5) == []
