"""Finding cases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.errors import DefinitionError
from runner_env.skills.discovery import case_files, load_cases

Write = Callable[[str, str], Path]
CASE = "skill: s\ninput: hi\nevals: [{type: boolean, criterion: a}]\n"


def test_a_directory(tmp_path: Path, write: Write) -> None:
    """The YAML files directly inside a directory, sorted by their bytes; nothing else and nothing deeper."""
    for name in ("b.yaml", "a.yml", "A.yaml", "z.skilltest.yaml", "notes.md", "data.json", "sub/c.yaml", "d.yaml/x"):
        write(f"cases/{name}", CASE)
    names = ["cases/A.yaml", "cases/a.yml", "cases/b.yaml", "cases/z.skilltest.yaml"]
    assert case_files(["cases"], tmp_path) == names
    assert case_files(["./cases/"], tmp_path)[0] == "./cases/A.yaml"


def test_paths_keep_their_order(tmp_path: Path, write: Write) -> None:
    """Files are run in the order in which they are named, twice if they are named twice."""
    write("a.yaml", CASE)
    write("b.yaml", CASE)
    assert [case.name for case in load_cases(["b.yaml", "a.yaml", "b.yaml"], [], tmp_path)] == ["b", "a", "b"]


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (["nope.yaml"], "nope.yaml: This path does not exist"),
        (["empty"], "empty: There are no .yaml test cases"),
        ([], "no test cases given"),
    ],
)
def test_nothing_found(tmp_path: Path, paths: list[str], said: str) -> None:
    """A missing path, a directory without cases, and no path at all are refused."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(DefinitionError) as caught:
        load_cases(paths, [], tmp_path)
    assert said in str(caught.value)


def test_cases_that_lie_deeper(tmp_path: Path, write: Write) -> None:
    """If cases lie one level deeper, the refusal says where (W16)."""
    write("cases/sub/c.yaml", CASE)
    with pytest.raises(DefinitionError) as caught:
        case_files(["cases"], tmp_path)
    assert caught.value.hint == "Directories below are not searched; name sub itself."
