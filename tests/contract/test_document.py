"""From text to a placed tree."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner_env.contract.document import MAX_DEPTH, MAX_NODES, Node, parse
from runner_env.contract.source import Source
from runner_env.core import Finding
from runner_env.errors import ContractError

Refused = Callable[[Callable[[], object]], tuple[Finding, ...]]

BOMB = "".join(
    f"{name}: &{name} [{','.join(['x' if n == 0 else '*' + 'abcdef'[n - 1]] * 9)}]\n" for n, name in enumerate("abcdef")
)


def _parse(text: str) -> Node:
    return parse(Source("p.yml", "", text))


def test_scalars_follow_the_core_schema_of_yaml_1_2() -> None:
    """`on`, `yes` and dates stay text, `010` is ten, quoted and `!!str` scalars are text."""
    values = {
        "on": "on",
        "yes": "yes",
        "010": 10,
        "0o10": 8,
        "0x1F": 31,
        "+1": 1,
        "1.50": 1.5,
        "1e3": 1000.0,
        ".inf": float("inf"),
        "true": True,
        "True": True,
        "null": None,
        "~": None,
        "''": "",
        '"1"': "1",
        "!!str 1": "1",
        "1_000": "1_000",
        "2026-11-22": "2026-11-22",
        "1:30": "1:30",
        "0b1": "0b1",
        "-.INF": float("-inf"),
    }
    for text, value in values.items():
        (item,) = _parse(f"[{text}]").items
        assert (item.value, type(item.value)) == (value, type(value)), text


def test_every_key_and_item_is_placed() -> None:
    """Lines and columns count from 1, in characters, also in flow collections and behind wide characters."""
    root = _parse("a: [1, 'ü', 3]\nb:\n  - x\n  - y: 2\n")
    assert str(root.entries["b"].where) == "p.yml:2:1"
    assert [str(item.where) for item in root.entries["a"].node.items] == ["p.yml:1:5", "p.yml:1:8", "p.yml:1:13"]
    assert str(root.entries["b"].node.items[1].entries["y"].where) == "p.yml:4:5"


def test_aliases_share_their_value() -> None:
    """An honest alias works."""
    assert _parse("a: &x {k: 1}\nb: *x\n").plain() == {"a": {"k": 1}, "b": {"k": 1}}


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("", "empty_contract", "1:1"),
        ("# only a remark\n", "empty_contract", "1:1"),
        ("a:\n\tb: 1\n", "tab_indentation", "2:1"),
        ("a: 1\n---\nb: 2\n", "several_documents", "2:1"),
        ("a: !!python/object:os.system x\n", "yaml_tag", "1:4"),
        ("a: !mine [1]\n", "yaml_tag", "1:4"),
        ("a: &x [*x]\n", "recursive_alias", "1:8"),
        ("a: *x\n", "unknown_alias", "1:4"),
        ("%YAML 1.1\n---\na: on\n", "yaml_directive", "2:1"),
        ("a: {b: 1\n", "yaml_syntax", "2:1"),
        ("a: 'b\nc\n", "yaml_syntax", "1:4"),
        ("version: [", "yaml_syntax", "1:11"),
        ("a: b: c\n", "yaml_syntax", "1:5"),
        ('a: "\\U00110000"\n', "yaml_syntax", "1:1"),
        ('a: "\\0"\n', "bad_character", "1:4"),
        ('a: "\\ud800"\n', "bad_character", "1:4"),
        ("1: a\n", "bad_key", "1:1"),
        ("? [a]\n: b\n", "bad_key", "1:3"),
        ("a: " + "9" * 5000 + "\n", "bad_number", "1:4"),
    ],
)
def test_what_is_refused_and_where(refused: Refused, text: str, code: str, place: str) -> None:
    """B056, RT058: one clear error with the place for each way of not being a plain YAML 1.2 document."""
    (finding,) = refused(lambda: _parse(text))
    assert (finding.code, str(finding.where)) == (code, f"p.yml:{place}")


def test_every_repeated_key_is_reported_with_both_places(refused: Refused) -> None:
    """Duplicate keys are errors that name the first place."""
    first, second = refused(lambda: _parse("a: 1\nb: {c: 1, c: 2}\na: 2\n"))
    assert (first.code, str(first.where), "p.yml:2:5" in first.message) == ("duplicate_key", "p.yml:2:11", True)
    assert (str(second.where), "p.yml:1:1" in second.message) == ("p.yml:3:1", True)


HOSTILE = {
    "alias bomb": BOMB,
    "brackets": "[" * 30_000,
    "braces": "{" * 30_000,
    "dashes": "- " * 15_000,
    "long tag": "!" * 30_000,
    "flow": "[" + "a," * 15_000 + "]",
    "many maps": "[" + "{}," * 10_000 + "]",
    "open quote": "'" + "a a a a a a a a a a\n" * 9_000,
    "anchors": "".join(f"- &a{n} [*a{n - 1}, *a{n - 1}]\n" if n else "- &a0 x\n" for n in range(400)),
}


def _peak_kib() -> int:
    # Not ru_maxrss, which a process inherits from whoever started it.
    return int(Path("/proc/self/status").read_text("ascii").split("VmHWM:")[1].split()[0])


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_are_refused_quickly_and_in_little_memory(refused: Refused, name: str) -> None:
    """RT056: an error within a second of CPU time and 50 MiB, instead of a `RecursionError` or a full memory."""
    before, start = _peak_kib(), time.process_time()
    assert refused(lambda: _parse(HOSTILE[name]))
    assert time.process_time() - start < 1
    assert _peak_kib() - before < 50 * 1024


def test_the_limits_hold_exactly() -> None:
    """A document at the limits of depth and size is accepted, one more is not."""
    assert _parse("[" * MAX_DEPTH + "]" * MAX_DEPTH).weight == MAX_DEPTH
    assert _parse("a: &x [" + ",".join("1" * 97) + "]\nb: [" + ",".join(["*x"] * 48) + "]\n").weight < MAX_NODES
    with pytest.raises(ContractError, match="deep"):
        _parse("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))
    with pytest.raises(ContractError, match="values"):
        _parse("[" + "a,\n" * MAX_NODES + "]")


YAMLISH = st.lists(
    st.sampled_from([*"ab:-?{}[],&*!|>'\"%#\n\t ~1.\\x\u2028\x85", "\n  ", "- ", ": ", "---\n", "!!str "])
)


@given(text=st.one_of(st.text(max_size=60), YAMLISH.map("".join)))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_tree_or_an_error_inside_the_file(text: str) -> None:
    """Nothing but `ContractError` comes out, and its places exist in the text."""
    text = text.replace("\r", "")
    lines = text.split("\n")
    findings: tuple[Finding, ...] = ()
    try:
        _parse(text)
    except ContractError as error:
        findings = error.findings
    for finding in findings:
        assert finding.where is not None
        assert finding.where.line is not None
        assert 1 <= finding.where.line <= len(lines)
        assert 1 <= (finding.where.column or 0) <= len(lines[finding.where.line - 1]) + 1
