"""JSON without what makes two readers disagree."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner_env.verification.strict_json import MAX_DEPTH, JsonTrouble, clipped, json_type, parse_document, place_of

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def trouble(data: str | bytes) -> JsonTrouble:
    """Why the document is refused."""
    with pytest.raises(JsonTrouble) as caught:
        parse_document(data if isinstance(data, bytes) else data.encode())
    return caught.value


def place(data: str | bytes) -> tuple[str, int | None, int | None]:
    """Code, line and column of it."""
    found = trouble(data)
    return found.code, found.line, found.column


@given(JSON)
@settings(max_examples=150)
def test_whatever_python_writes_is_read_back(value: object) -> None:
    """Honest JSON is never refused and never changed."""
    assert parse_document(json.dumps(value).encode()) == value
    assert parse_document(json.dumps(value, ensure_ascii=True, indent=2).encode()) == value


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\u0123dDeE+-.NaInfity \n', max_size=60).map(str.encode))
@settings(max_examples=400)
def test_any_bytes_give_a_value_or_a_located_trouble(data: bytes) -> None:
    """No input escapes as another exception, and what is accepted Python accepts too."""
    found: JsonTrouble | None = None
    value: object = None
    try:
        value = parse_document(data)
    except JsonTrouble as trouble:
        found = trouble
    if found:
        assert (found.line or 0) >= 1
        assert (found.column or 0) >= 1
    else:
        assert value == json.loads(data.decode("utf-8-sig"))


@given(JSON, st.text(max_size=5), JSON, JSON)
@settings(max_examples=100)
def test_duplicate_key_is_found_wherever_it_is(before: object, key: str, first: object, second: object) -> None:
    """A key twice in one object is refused, and located at its second place."""
    name = json.dumps(key)
    head = f'{{"x": [{json.dumps(before)}],\n "y": {{{name}: {json.dumps(first)},\n'
    found = trouble(f"{head}{name}: {json.dumps(second)}}}}}")
    assert (found.code, found.line, found.column) == ("duplicate_key", 3, 1)
    assert clipped(key) in found.message


def test_duplicate_key_is_found_behind_an_escape() -> None:
    """Two spellings of one key are one key."""
    assert place('{"score": 1,\n "sc\\u006fre": 0}') == ("duplicate_key", 2, 2)


def test_duplicate_message_names_both_lines() -> None:
    """The message says where the first one is."""
    assert trouble('{"a": 1,\n"a": 2}').message == 'The key "a" appears twice in one object, first in line 1.'


def test_same_key_in_two_objects_is_fine() -> None:
    """Only within one object is a key unique."""
    assert parse_document(b'{"a": {"a": 1}, "b": [{"a": 2}, {"a": 3}]}') == {"a": {"a": 1}, "b": [{"a": 2}, {"a": 3}]}


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity"])
def test_non_finite_literals_name_key_and_place(token: str) -> None:
    """RT060: the literals that Python adds to JSON are refused."""
    found = trouble(f'{{\n  "score": {token}}}')
    assert (found.code, found.line, found.column) == ("number_not_finite", 2, 12)
    assert '"score"' in found.message
    assert token in found.message


@pytest.mark.parametrize("token", ["1e999", "-1e400", "1" + "0" * 400, "9" * 5000, "1." + "0" * 2000, "-" + "9" * 310])
def test_numbers_beyond_a_double_name_key_and_place(token: str) -> None:
    """RT060: no number becomes infinite, and no length of digits is a crash."""
    found = trouble(f'{{"a": [{{"b":\n{token}}}]}}')
    assert (found.code, found.line, found.column) == ("number_too_large", 2, 1)
    assert '"b"' in found.message
    assert len(found.message) < 200


@pytest.mark.parametrize("token", ["NaNx", "-Infinity\0", "1e999x", "1e999.5", "9" * 400 + "_0"])
def test_bad_number_with_something_behind_it_is_located(token: str) -> None:
    """The reader stops at the number; the search for its place must stop there too."""
    found = trouble(f'{{"a":\n {token}}}')
    assert (found.code.partition("_")[0], found.line, found.column) == ("number", 2, 2)


def test_text_that_looks_like_a_bad_number_is_fine() -> None:
    """NaN inside a string is text."""
    assert parse_document(b'{"NaN": "NaN 1e999 Infinity"}') == {"NaN": "NaN 1e999 Infinity"}


def test_large_integers_keep_their_digits() -> None:
    """An integer that a double can hold roughly is read exactly."""
    assert parse_document(b"12345678901234567890123") == 12345678901234567890123


@pytest.mark.parametrize("token", [b"-0", b"-0.0"])
def test_negative_zero_keeps_its_sign(token: bytes) -> None:
    """Whoever judges a score must be able to see it."""
    value = parse_document(token)
    assert isinstance(value, float)
    assert math.copysign(1, value) == -1


@pytest.mark.parametrize("data", ["", " \n\t", "\ufeff"])
def test_empty_file_has_its_own_message(data: str) -> None:
    """RT060: an empty file is not merely bad syntax."""
    assert place(data) == ("json_empty", 1, 1)


def test_byte_order_mark_is_accepted() -> None:
    """Windows tools write one; it changes nothing."""
    assert parse_document(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [
        (b'{"a": "\xff"}', 1, 8),
        (b'{"a":\n "\xc3\xa9\xe9"}', 2, 4),
        (b"\xff\xfe{\0}\0", 1, 1),
        (b'"\xed\xa0\x80"', 1, 2),
    ],
)
def test_bytes_that_are_not_utf8_are_located(data: bytes, line: int, column: int) -> None:
    """RT058, RT060: strict UTF-8; UTF-16 and encoded surrogates are refused with their place."""
    assert place(data) == ("json_not_utf8", line, column)


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [
        ('{"a": 1 "b"}', 1, 9),
        ("{'a': 1}", 1, 2),
        ('{"a": 1}\n{}', 2, 1),
        ('{"a": nan}', 1, 7),
        ('{"a": "\x00"}', 1, 8),
        ('{"a"', 1, 5),
    ],
)
def test_bad_syntax_is_located(data: str, line: int, column: int) -> None:
    """B061: not JSON, with line and column."""
    assert place(data) == ("json_invalid", line, column)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deep_nesting_is_an_error_not_a_crash(opening: str, closing: str) -> None:
    """The limit does not depend on how deep the caller's stack is."""
    inner = "1"
    assert parse_document((opening * MAX_DEPTH + inner + closing * MAX_DEPTH).encode()) is not None
    assert trouble(opening * (MAX_DEPTH + 1) + inner + closing * (MAX_DEPTH + 1)).code == "json_too_deep"
    assert trouble(opening * 200_000).code == "json_too_deep"


def test_many_flat_brackets_are_not_deep() -> None:
    """Width is not depth, and brackets in strings are text."""
    assert parse_document(json.dumps([[]] * 500 + ["[" * 500]).encode()) == [[]] * 500 + ["[" * 500]


def test_every_trouble_has_a_hint() -> None:
    """Errors say what to do."""
    for data in ("", "{", '{"a":1,"a":1}', "NaN", "1e999", "[" * 200):
        assert trouble(data).hint
    assert trouble(b"\xff").hint


def test_values_are_shown_short_and_printable() -> None:
    """A message can carry a hostile value."""
    assert clipped("a\nb\ud800") == '"a\\nb\\ud800"'
    assert len(clipped("x" * 10_000_000)) == 80
    assert [json_type(value) for value in (True, "", [], {}, None, 1, 0.5)] == [
        "a boolean",
        "a string",
        "an array",
        "an object",
        "null",
        "a number",
        "a number",
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"score": 1}', (1, 11)),
        ('\ufeff{\n "ok": true,\n "score" :\n [1]}', (4, 2)),
        ('{"a": {"score": 1}, "b": ["score", {"score": 2}], "score": 3}', (1, 60)),
        ('{"a": "score", "sc\\u006fre": 4}', (1, 30)),
        ('{"a": {"score": 1}}', None),
    ],
)
def test_place_of_a_value_is_found_at_the_top_only(text: str, place: tuple[int, int] | None) -> None:
    """A finding about `score` points at the score that counts."""
    assert place_of(text.encode(), "score") == place
