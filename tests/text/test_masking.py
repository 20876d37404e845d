"""Masking: every listed form, every split, nothing else."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from itertools import pairwise
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner_env.text.masking import Masker, looks_secret

SECRET = 'sk-CANARY+/"0123 ~é'
SECRETS = {"A": "sk-CANARY-0123456789", "B": "sk-CANARY-0123", "C": "aaaaaab", "D": "abababab"}
PIECES = [*(value.encode() for value in SECRETS.values()), b"sk-CANARY", b"-0123", b"a", b"ab", b"\xff\0\n", b"xyz"]


def masked_in_chunks(masker: Masker, chunks: list[bytes]) -> tuple[bytes, int]:
    """What a stream of these chunks becomes, and how many secrets were replaced."""
    stream = masker.stream()
    out = b"".join([*(bytes(stream.feed(chunk)) for chunk in chunks), stream.flush()])
    return out, stream.count


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=8), st.lists(st.integers(0, 120), max_size=12))
def test_chunk_borders_change_nothing(pieces: list[bytes], cuts: list[int]) -> None:
    """Any split gives what the whole gives, and no secret is in it (RT030)."""
    data = b"".join(pieces)
    masker = Masker(SECRETS)
    borders = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[a:b] for a, b in pairwise(borders)]
    whole, count = masked_in_chunks(masker, [data])
    assert masked_in_chunks(masker, chunks) == (whole, count)
    assert not any(value.encode() in whole for value in SECRETS.values())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=3), st.text(min_size=6, max_size=20).filter(lambda v: not v.isspace() and "*" not in v))
def test_encoded_forms_are_masked(prefix: bytes, value: str) -> None:
    """Base64 at any offset, hexadecimal, URL and JSON forms of a secret are replaced."""
    masker, raw = Masker({"S": value}), value.encode("utf-8", "surrogatepass")
    forms = [raw, raw.hex().encode(), raw.hex().upper().encode(), quote(raw).encode(), quote_plus(raw).encode()]
    forms += [json.dumps(value)[1:-1].encode()]
    for form in forms:
        assert masked_in_chunks(masker, [b"<" + form + b">"]) == (b"<***>", 1)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert masked_in_chunks(masker, [encode(prefix + raw)])[1] == 1


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=6))
def test_other_bytes_are_kept(chunks: list[bytes]) -> None:
    """Output without a secret is byte-identical, invalid UTF-8 and NUL included."""
    masker = Masker({"S": "not-in-the-output"})
    assert masked_in_chunks(masker, chunks) == (b"".join(chunks), 0)


def test_only_a_possible_beginning_is_held_back() -> None:
    """A prompt appears at once; only what may grow into a secret waits, and no longer than needed."""
    stream = Masker({"S": "sk-CANARY-0123"}).stream()
    assert stream.feed(b"ready> ") == b"ready> "
    assert stream.feed(b"ask: sk-CAN") == b"ask: "
    assert stream.feed(b"DY") == b"sk-CANDY"
    assert stream.flush() == b""


def test_without_secrets_the_chunk_is_returned() -> None:
    """No secrets: no copy, for a view as well."""
    stream, chunk, view = Masker({}).stream(), b"abc", memoryview(b"abc")
    assert stream.feed(chunk) is chunk
    assert stream.feed(view) is view
    assert stream.flush() == b""


def test_short_and_blank_values_do_not_shred_the_log() -> None:
    """Values that are too short or blank are named, not masked (RT033)."""
    masker = Masker({"FAKE": "1", "FAKE2": "", "BLANK": " \t\n    ", "REAL": "abcdef"})
    assert masker.unmaskable == ("FAKE", "FAKE2", "BLANK")
    assert masked_in_chunks(masker, [b"all is well; 1 a true"]) == (b"all is well; 1 a true", 0)


def test_lines_of_a_key_file_are_masked() -> None:
    """Each longer line of a secret of several lines is masked by itself; a closing line break is no part of it."""
    masker = Masker({"PEM": "-----BEGIN\nMIIEvQIBADAN\nshort\n", "FILE": "token-from-file\n"})
    assert masked_in_chunks(masker, [b"1 MIIEvQIBADAN short\n2 token-from-file."])[0] == b"1 *** short\n2 ***."


TOKEN = "sk-CANARY-with'quote\"and\\\\back$lash<&>" + "0123456789abcdef" * 6
PYTHON = [sys.executable, "-c"]
ENCODE = "import sys, html, json, shlex, base64, textwrap; text = sys.stdin.read(); raw = text.encode(); "
WAYS = {
    "base64": ["base64"],
    "base64 in one line": ["base64", "-w0"],
    "a dump in hexadecimal": [*PYTHON, ENCODE + "print(raw.hex())"],
    "hexadecimal lines": [*PYTHON, ENCODE + "print(textwrap.fill(raw.hex(), 60))"],
    "lines of a PEM file": [*PYTHON, ENCODE + "print(textwrap.fill(base64.b64encode(raw).decode(), 64))"],
    "a Python dictionary": [*PYTHON, ENCODE + "print({'T': text})"],
    "JSON": [*PYTHON, ENCODE + "print(json.dumps(text))"],
    "HTML": [*PYTHON, ENCODE + "print(html.escape(text))"],
    "export -p of sh": ["sh", "-c", 'T="$(cat)"; export T; export -p | grep " T="'],
    "export -p of bash": ["bash", "-c", 'T="$(cat)"; export T; export -p | grep " T="'],
    "shell words of Python": [*PYTHON, ENCODE + "print(shlex.quote(text))"],
}


@pytest.mark.parametrize("way", sorted(WAYS))
def test_what_programs_make_of_a_secret_is_masked(way: str) -> None:
    """RT028: as the usual programs print it, whole or in lines, no 16 characters of it are left."""
    environ = {"PATH": os.environ["PATH"]}
    done = subprocess.run(WAYS[way], input=TOKEN, env=environ, capture_output=True, text=True, check=True, timeout=30)
    masked, count = masked_in_chunks(Masker({"TOKEN": TOKEN}), [done.stdout.encode()])
    assert count >= 1
    rest = max(masked.decode().split("***"), key=len)
    assert len(rest) < 16, rest


def test_many_secrets_do_not_hide_each_other() -> None:
    """Each of many, also of those that share a part, is found wherever it is."""
    secrets = {f"K{number}": f"shared-prefix-{number:03}-{number * 7919:010}" for number in range(40)}
    masker = Masker(secrets)
    for value in secrets.values():
        assert masked_in_chunks(masker, [b"<", value.encode(), b">"]) == (b"<***>", 1)
        assert masker.text(f"<{base64.b64encode(value.encode()).decode()}>").startswith("<***")


def test_messages_are_masked() -> None:
    """Text keeps its lone surrogates and loses its secrets."""
    masker = Masker({"S": SECRET})
    assert masker.text(f"bad key {SECRET}: \udcff") == "bad key ***: \udcff"
    assert masker.text(f"{SECRET} \ud800") == "*** \ud800"
    assert SECRET not in repr(masker)


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "github.token", "DB_PASSWORD", "AWS_CREDENTIALS", "PASS", "X_AUTH"])
def test_secret_names(name: str) -> None:
    """A whole segment of the name counts, in any case."""
    assert looks_secret(name)


@pytest.mark.parametrize("name", ["KEYBOARD", "MONKEY", "PATH", "PWD", "OLDPWD", "MAX_TOKENS", "AUTHOR", ""])
def test_harmless_names(name: str) -> None:
    """A part of a word does not count, nor does the shell's own PWD."""
    assert not looks_secret(name)
