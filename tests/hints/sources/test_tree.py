"""What of a repository is listed, and the small helpers for paths and lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner_env.hints.sources.tree import inside, line_of, scan


def test_own_files_are_listed_and_foreign_ones_are_not(tmp_path: Path) -> None:
    """Shallow ones first; no vendored code, fixtures, examples, hidden folders other than those of CI."""
    for name in (
        "z.txt", "src/deep/er/a.py", "bin/test", ".github/workflows/a.yml",
        ".git/config", "node_modules/x/package.json", "vendor/y/go.mod", "tests/fixtures/p/tox.ini", "{{name}}/tox.ini",
        "examples/e/Makefile", "x.egg-info/PKG",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x", "utf-8")
    assert scan(tmp_path).files == ("z.txt", "bin/test", ".github/workflows/a.yml", "src/deep/er/a.py")


def test_a_huge_repository_is_listed_in_part(tmp_path: Path) -> None:
    """Thousands of files: a bound, and what is shallow is within it."""
    (tmp_path / "Makefile").write_text("x", "utf-8")
    for folder in range(3):
        (tmp_path / f"d{folder}").mkdir()
        for number in range(2_100):
            (tmp_path / f"d{folder}" / f"{number}.c").touch()
    tree = scan(tmp_path)
    assert len(tree.files) == 4_000
    assert tree.has("Makefile")


def test_a_file_that_is_included_may_be_an_unlisted_one(tmp_path: Path) -> None:
    """A template folder is not listed, but what a listed file includes from it is read."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/steps.yml").write_text("steps: [{script: make t}]", "utf-8")
    tree = scan(tmp_path)
    assert not tree.has("templates/steps.yml")
    assert tree.readable("templates/steps.yml")
    assert not tree.readable("templates/none.yml")


@pytest.mark.parametrize(
    ("folder", "relative", "expected"),
    [
        ("a/b", "../c", "a/c"),
        ("", ".", ""),
        ("", "..", None),
        ("a", "../../b", None),
        ("", "/etc", None),
        ("a", "", "a"),
    ],
)
def test_paths_that_leave_are_none(folder: str, relative: str, expected: str | None) -> None:
    """Whatever leads out of the repository."""
    assert inside(folder, relative) == expected


def test_the_line_of_the_last_pattern_that_is_found() -> None:
    """Each is looked for behind the one before; one that is missing is passed over."""
    text = '{\n"test": 1,\n"scripts": {\n  "test": "x"\n}}'
    assert line_of(text, '"scripts"', '"test"') == 4
    assert line_of(text, '"scripts"', '"none"') == 3
    assert line_of(text, "none") == 1
