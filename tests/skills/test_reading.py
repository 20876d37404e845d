"""Reading YAML and JSON for skill testing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.core import Where
from runner_env.errors import DefinitionError
from runner_env.skills.reading import json_root, node_of, plain, read_text, yaml_root

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)


@given(JSON)
def test_json_comes_back(value: object) -> None:
    """What was written as JSON is read as the same value, through nodes and back."""
    assert plain(json_root(json.dumps(value), "f")) == value
    assert plain(node_of(value, Where("f"))) == value


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: &x {b: 1}\nc: {<<: *x, d: 2}\n", "merge_key"),
        ("- [{<<: {b: 1}}]\n", "merge_key"),
        ("a: *b\n", "unknown_alias"),
        ("a: &a [*a]\n", "recursive_alias"),
        ("[" * 100, "too_deep"),
        ("a: !!python/object x\n", "yaml_tag"),
    ],
)
def test_what_is_refused(text: str, code: str) -> None:
    """Merge keys, dangling and endless aliases, depth and tags are refused; no hint is about contracts."""
    with pytest.raises(DefinitionError) as caught:
        yaml_root(text, "f")
    assert caught.value.code == code
    assert "contract" not in str(caught.value)


def test_many_aliases() -> None:
    """Aliases of aliases that would make millions of values are refused before they are made."""
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
    )
    with pytest.raises(DefinitionError) as caught:
        yaml_root(bomb, "f")
    assert caught.value.code == "too_many_values"


def test_a_directory_is_no_file(write: Callable[[str, str], Path], tmp_path: Path) -> None:
    """A directory in a file's place is refused by name."""
    write("d/x", "")
    with pytest.raises(DefinitionError, match="could not be read"):
        read_text(tmp_path / "d", "d")
