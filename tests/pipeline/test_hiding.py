"""Which values are secret, and that they are left out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner_env.core import Finding, Verdict
from runner_env.pipeline.hiding import (
    SecretFree,
    has_secret,
    hidden,
    hidden_finding,
    joined,
    masked_copy,
    not_masked,
    secrets_in,
)
from runner_env.text.masking import Masker
from runner_env.verification.model import Stored

SECRET = "s3cret-value"
MASKER = Masker({"A_TOKEN": SECRET})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(f"x{SECRET}y"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.just(SECRET), inner, max_size=3)
    ),
    max_leaves=8,
)


def test_which_values_are_secret() -> None:
    """By their names, by the contract's word, and passwords in URLs."""
    env = {"A_TOKEN": "one", "PLAIN": "two", "NAMED": "three", "INDEX": "https://u:four@h/x http://:five@h"}
    assert set(secrets_in(env, ("NAMED",)).values()) == {"one", "three", "four", "five"}


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["A_KEY", "B_KEY"]), st.sampled_from(["x", "y", "z"])), max_size=6))
def test_no_value_is_lost(pairs: list[tuple[str, str]]) -> None:
    """A name that had several values keeps all of them, each once."""
    known: dict[str, str] = {}
    for name, value in pairs:
        joined(known, {name: value})
    assert {(name.rstrip("'"), value) for name, value in known.items()} == set(pairs)
    assert len(known) == len(set(pairs))


@settings(max_examples=100)
@given(JSON)
def test_nothing_is_left_in_json(value: object) -> None:
    """No text and no key of a value holds the secret; a value without it stays as it is."""
    shown = hidden(MASKER, value)
    assert SECRET not in repr(shown)
    if SECRET not in repr(value):
        assert shown == value


def test_findings_are_hidden() -> None:
    """Message and hint; everything else stays."""
    finding = hidden_finding(MASKER, Finding("c", f"a {SECRET}", hint=f"b {SECRET}", stage="tests"))
    assert (finding.message, finding.hint, finding.stage) == ("a ***", "b ***", "tests")
    assert hidden_finding(MASKER, Finding("c", "a")).hint is None


def test_short_values_are_named() -> None:
    """RT033: a value too short to mask is a note; an empty one, and one that is masked, are none."""
    notes = not_masked({"A_KEY": "1", "B_KEY": "", "C_KEY": SECRET, "PLAIN": "1", "NAMED": "2"}, ("NAMED",))
    assert sorted(note.message.split()[3] for note in notes) == ["A_KEY", "NAMED"]
    assert {note.verdict for note in notes} == {Verdict.PASSED}


@pytest.mark.parametrize("before", [0, 1, (1 << 20) - 5, (1 << 20) + 1])
def test_a_secret_in_a_file(tmp_path: Path, before: int) -> None:
    """Found wherever it stands, also across the border of two blocks."""
    path = tmp_path / "file"
    for text, expected in ((SECRET, True), (SECRET[:-1], False)):
        path.write_bytes(b"." * before + text.encode())
        fd = os.open(path, os.O_RDONLY)
        try:
            assert has_secret(MASKER, fd) is expected
        finally:
            os.close(fd)


@pytest.mark.parametrize("before", [0, (1 << 20) - 5])
def test_a_copy_without_secrets(tmp_path: Path, before: int) -> None:
    """Everything is copied but the secrets."""
    path = tmp_path / "file"
    path.write_bytes(b"." * before + f"{SECRET} end".encode())
    fd = os.open(path, os.O_RDONLY)
    with masked_copy(MASKER, fd) as copy:
        os.close(fd)
        assert os.pread(copy.fileno(), 2 << 20, 0) == b"." * before + b"*** end"


def test_a_file_with_a_secret_is_not_stored(tmp_path: Path) -> None:
    """Of it only a note remains; others are stored."""
    stored: list[str] = []

    def store(_: int, relative: str, __: int) -> Stored | None:
        stored.append(relative)
        return None

    (tmp_path / "bad").write_text(SECRET)
    (tmp_path / "good").write_text("fine")
    secret_free = SecretFree(store, MASKER)
    for name in ("bad", "good"):
        fd = os.open(tmp_path / name, os.O_RDONLY)
        secret_free(fd, f"claims/{name}", 100)
        os.close(fd)
    assert stored == ["claims/good"]
    (note,) = secret_free.notes("rollout")
    assert (note.code, note.stage, note.verdict) == ("secret_in_artifact", "rollout", Verdict.PASSED)
    assert note.message.startswith("bad ")
