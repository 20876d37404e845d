"""From bytes to text."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner_env.contract.source import MAX_BYTES, MAX_LINE_CHARACTERS, MAX_LINES, read_source
from runner_env.core import Finding
from runner_env.errors import ContractError

Repo = Callable[..., Path]
Refused = Callable[[Callable[[], object]], tuple[Finding, ...]]


def test_bom_and_crlf_are_accepted(repo: Repo) -> None:
    """RT058: a byte order mark and Windows or old Mac line ends do not matter; the hash is that of the bytes."""
    data = b"\xef\xbb\xbfa:\r\n  - b\rc: d\n"
    source = read_source(repo({"pipeline.yml": data}), "pipeline.yml")
    assert source is not None
    assert source.text == "a:\n  - b\nc: d\n"
    assert source.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("data", "code", "place"),
    [
        (base64.b64decode("bmFtZTogY2Fm6Qo="), "not_utf8", "p.yml:1:10"),
        (base64.b64decode("dGVzdHM6IHtjbWRzOiBbJ3RyAHVlJ119Cg=="), "bad_character", "p.yml:1:19"),
        ("a: 1\r\nb: é".encode() + b"\xff", "not_utf8", "p.yml:2:5"),
        (b"\xff\xfea\x00", "not_utf8", "p.yml:1:1"),
        (b"a: 1\r\nb: \x1b[0m", "bad_character", "p.yml:2:4"),
        ("a: \ufeffb".encode(), "bad_character", "p.yml:1:4"),
        (b"a" * (MAX_LINE_CHARACTERS + 1), "too_large", "p.yml:1:1"),
        (b"\n" * MAX_LINES, "too_large", f"p.yml:{MAX_LINES + 1}:1"),
        (b"#" * (MAX_BYTES + 1), "too_large", "p.yml"),
    ],
)
def test_what_is_not_text_is_refused_with_its_place(
    repo: Repo, refused: Refused, data: bytes, code: str, place: str
) -> None:
    """RT058: Latin-1, UTF-16, NUL and control characters, and absurd sizes, each with file, line and column."""
    root = repo({"p.yml": data})
    (finding,) = refused(lambda: read_source(root, "p.yml"))
    assert (finding.code, str(finding.where)) == (code, place)


def test_nothing_there_is_none(repo: Repo) -> None:
    """Absence is a value, also when a parent is no folder."""
    root = repo({"a": "x"})
    assert read_source(root, "b.yml") is None
    assert read_source(root, "a/b.yml") is None


def test_only_a_regular_file_inside_is_read(repo: Repo, refused: Refused, tmp_path: Path) -> None:
    """A FIFO does not hang, and a link out of the repository, to nothing or in a circle is refused."""
    (tmp_path / "secret").write_text("version: 1")
    root = repo({"inside.yml": "version: 1", "folder/x": ""})
    os.mkfifo(root / "fifo")
    for name, to in {"out": "../secret", "broken": "nothing", "circle": "circle", "good": "inside.yml"}.items():
        (root / name).symlink_to(to)
    codes = {name: refused(lambda name=name: read_source(root, name))[0].code for name in ("out", "broken", "circle")}
    assert codes == {"out": "link_escapes", "broken": "broken_link", "circle": "unreadable"}
    for name in ("fifo", "folder"):
        assert refused(lambda name=name: read_source(root, name))[0].code == "not_a_file"
    assert read_source(root, "good") is not None


@pytest.mark.parametrize("rel", ["../p.yml", "/etc/hostname", "a/../../p.yml", "", "a\0b"])
def test_the_path_itself_stays_inside(repo: Repo, refused: Refused, rel: str) -> None:
    """A contract path that leaves the repository is refused before anything is opened."""
    root = repo({})
    assert refused(lambda: read_source(root, rel))[0].code == "path_escapes"


@given(data=st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_text_has_no_foreign_line_ends(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever the bytes are, either a `ContractError` or text without carriage returns comes out."""
    root = tmp_path_factory.mktemp("bytes")
    (root / "p.yml").write_bytes(data)
    try:
        source = read_source(root, "p.yml")
    except ContractError:
        return
    assert source is not None
    assert "\r" not in source.text
