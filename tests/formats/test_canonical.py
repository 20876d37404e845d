"""One spelling for each JSON value."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner_env.formats.canonical import canonical

_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=6)
_KEYS = _TEXT | st.integers(-20, 20) | st.booleans() | st.none()
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


def test_spelling() -> None:
    """Keys are sorted, nothing is padded, characters beyond ASCII stand for themselves."""
    value = {"b": [1, 2.5, True, None], "a": "Grüße, 世界", "é": "\n"}
    assert canonical(value) == '{"a":"Grüße, 世界","b":[1,2.5,true,null],"é":"\\n"}'.encode()


@settings(max_examples=200)
@given(_VALUES)
def test_reading_and_writing_again_changes_nothing(value: object) -> None:
    """Canonical is a fixed point, also for keys that are no strings and for surrogates, lone or split in two."""
    once = canonical(value)
    assert canonical(json.loads(once)) == once


@given(st.binary(max_size=20).filter(lambda name: b"\0" not in name))
def test_any_path_survives(name: bytes) -> None:
    """A file name of any bytes comes back as it was, and the JSON stays valid UTF-8 (RT084)."""
    stored = canonical({"path": os.fsdecode(name)})
    assert os.fsencode(json.loads(stored.decode("utf-8"))["path"]) == name


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [-float("inf")]])
def test_numbers_that_json_does_not_have(value: object) -> None:
    """NaN and the infinities are refused, not written as something no other reader takes."""
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical(value)


def test_types_that_json_does_not_have() -> None:
    """A type without a JSON spelling is an error, never its repr."""
    with pytest.raises(TypeError, match="bytes"):
        canonical({"x": b"bytes"})
