"""The fast reader of YAML."""

from __future__ import annotations

import warnings
from contextlib import suppress
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from runner_env.hints.sources.yamltext import Node, NotYaml, parse

SAMPLE = """\
# a comment
---
a: &x
  - b
  - "c: d"   # why
e: *x
f: {g: [1, 2, {h: 'i'}], j: k}
base: &base
  image: x
  script:
    - echo hi
    - |
      two
        lines

      end
job:
  <<: *base
  folded: >-
    one
    two

    three
l: [a,
  b,   # comment
  c]
"quoted key": 'it''s'
m:
- n: 1
  o: 2
-   p: 3
    q:
    - r
plain: some
  more te#xt
later: one
  two#three
  four
url: http://a:80/b # c
empty:
on: push
- not: reached
"""


def plain(node: Node) -> object:
    """A node as dicts, lists and texts."""
    if isinstance(node.value, dict):
        return {key: plain(value) for key, value in node.value.items()}
    return [plain(item) for item in node.value] if isinstance(node.value, list) else node.value


def test_the_usual_yaml_of_ci_files_is_read() -> None:
    """Block and flow collections, block scalars, quotes, anchors, merge keys, comments, compact lists."""
    root = parse(SAMPLE.rpartition("- not")[0])
    assert plain(root) == {
        "a": ["b", "c: d"],
        "e": ["b", "c: d"],
        "f": {"g": ["1", "2", {"h": "i"}], "j": "k"},
        "base": {"image": "x", "script": ["echo hi", "two\n  lines\n\nend"]},
        "job": {"folded": "one two\nthree", "image": "x", "script": ["echo hi", "two\n  lines\n\nend"]},
        "l": ["a", "b", "c"],
        "quoted key": "it's",
        "m": [{"n": "1", "o": "2"}, {"p": "3", "q": ["r"]}],
        "plain": "some more te#xt",
        "later": "one two#three four",
        "url": "http://a:80/b",
        "empty": "",
        "on": "push",
    }


def test_every_value_knows_its_line() -> None:
    """A block scalar's line is that of its text, not of its `|`."""
    script = parse(SAMPLE.rpartition("- not")[0]).get("base", "script").items
    assert [node.line for node in script] == [11, 13]


def test_tags_are_kept_for_references() -> None:
    """`!reference [a, b]` is a list with a tag."""
    node = parse("x: !reference [.a, script]\n").get("x")
    assert (node.tag, [item.text for item in node.items]) == ("reference", [".a", "script"])


@pytest.mark.parametrize(
    "text", ["a: *nowhere\n", "[" * 3000, "x: [a, b\n", "a:\n" + "".join(" " * n + "k:\n" for n in range(1, 60))]
)
def test_what_is_not_yaml_is_refused(text: str) -> None:
    """Unknown aliases, collections that never close, and nesting beyond all reason."""
    with pytest.raises(NotYaml):
        parse(text)


def test_repetitions_of_repetitions_are_refused() -> None:
    """Aliases of lists of aliases, which stand for more values than fit into memory."""
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1} , *a{n - 1} ]" for n in range(1, 40)]
    with pytest.raises(NotYaml):
        parse("\n".join(lines))


@given(st.text(alphabet="ab:- \n'\"[]{}#&*!|>%,\t", max_size=60))
def test_any_text_ends_in_a_node_or_a_refusal(text: str) -> None:
    """No text makes the reader crash or hang."""
    with suppress(NotYaml):
        parse(text)


SCALARS = st.text(alphabet="abc 1.:#-'\"${}", max_size=12)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abc", min_size=1, max_size=4), VALUES, min_size=1, max_size=4))
def test_what_a_strict_writer_writes_is_read_back(data: dict[str, object]) -> None:
    """Documents written by a full implementation, with texts that need quotes, come back as they were."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = StringIO()
        yaml = YAML(typ="safe", pure=True)
        yaml.default_flow_style = False
        yaml.width = 10_000
        yaml.dump(data, out)

    assert plain(parse(out.getvalue())) == data
