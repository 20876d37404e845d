"""Cases: every key, every rule, and where a mistake is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.errors import DefinitionError
from runner_env.skills.case import case_of, load_case, load_case_json
from runner_env.skills.values import BooleanEval, CallsEval, Case, Comparator, Matcher, NumericEval

Load = Callable[..., Case]
Write = Callable[[str, str], Path]

FULL = """\
name: full
skill: ../skills/greeter
input: "Greet Dr. Smith"
user: {persona: You are terse., done_when: greeted, max_turns: 3}
mocks:
  - {name: nopush, match: {contains: git push}, deny: do not}
spy: true
evals:
  - {type: boolean, criterion: greets, expected: false, name: label}
  - {type: numeric, criterion: warm, min: 0, max: 10, threshold: 7, comparator: ">"}
  - {type: called, mock: nopush, times: 2, where: {command: {contains: origin}}}
  - {type: not_called, mock: nopush, where: {command: ls}}
"""


def test_a_full_case(tmp_path: Path, write: Write) -> None:
    """Every key of a case arrives, and the skill's path is shown as it was put together."""
    write("cases/full.yaml", FULL)
    case = load_case("cases/full.yaml", tmp_path)
    assert (case.name, case.skill, case.spy) == ("full", "cases/../skills/greeter", True)
    assert case.skill_dir == tmp_path / "cases/../skills/greeter"
    assert case.user is not None
    assert (case.user.done_when, case.user.max_turns) == ("greeted", 3)
    assert case.evals == (
        BooleanEval("greets", expected=False, name="label"),
        NumericEval("warm", 0.0, 10.0, 7.0, Comparator.GT),
        CallsEval("nopush", times=2, where={"command": Matcher(contains="origin")}),
        CallsEval("nopush", negated=True, where={"command": Matcher(equals="ls")}),
    )
    assert [item.label for item in case.evals] == ["label", "warm", "called: nopush", "not_called: nopush"]


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("evals:\n  - {type: boolean, criterion: a, expcted: no}\n", "case.yaml:4:35", "expcted"),
        ("evals: []\n", "case.yaml:3:1", "evals"),
        ("evals:\n  - {type: boolean, criterion: ' '}\n", "case.yaml:4:21", "criterion"),
        ("evals:\n  - {type: numeric, criterion: a, min: 5, max: 5, threshold: 5}\n", "case.yaml:4:43", "min"),
        ("evals:\n  - {type: numeric, criterion: a, min: 0, max: 5, threshold: 6}\n", "case.yaml:4:51", "threshold"),
        ("evals:\n  - {type: numeric, criterion: a, min: 0, max: 5, threshold: .nan}\n", "case.yaml:4:51", ".nan"),
        (
            "evals:\n  - {type: numeric, criterion: a, min: 0, max: 5, threshold: 1, comparator: ==}\n",
            "case.yaml:4:65",
            "'=='",
        ),
        ("evals:\n  - {type: guess, criterion: a}\n", "case.yaml:4:6", "'boolean'"),
        ("evals:\n  - {criterion: a}\n", "case.yaml:4:5", "`type`"),
        ("user: {persona: ''}\n", "case.yaml:3:8", "persona"),
        ("user: {persona: p, max_turns: 0}\n", "case.yaml:3:20", "max_turns"),
        ("user: {persona: p, turns: 2}\n", "case.yaml:3:20", "turns"),
        ("evals:\n  - {type: boolean, criterion: 1.5}\n", "case.yaml:4:21", "1.5"),
        ("spy: perhaps\n", "case.yaml:3:1", "true or false"),
        ("mocks:\n  - {name: a, match: {contains: x}, deny: no, stub: yes}\n", "case.yaml:4:5", "`stub`"),
        ("mocks:\n  - {name: a, match: {pattern: '('}, deny: no}\n", "case.yaml:4:23", "'('"),
        ("mocks:\n  - {name: a, match: {pattern: ''}}\n", "case.yaml:4:23", "would match everything"),
        ("mocks:\n  - {name: a, match: {input: {f: {contains: ''}}}}\n", "case.yaml:4:35", "would match everything"),
        ("mocks:\n  - {name: a, match: {tool: x}, rewrite: [1]}\n", "case.yaml:4:33", "a mapping"),
        ("mocks:\n  - {name: a, match: {tool: x}, deny: 5}\n", "case.yaml:4:33", "a mapping"),
        ("mocks:\n  - {match: {pattern: '(?=b)'}}\n", "case.yaml:4:14", "without looking around"),
        ("evals: [{type: called, mock: a, times: 0}]\n", "case.yaml:3:33", "not_called"),
        ("mocks:\n  - {match: {}}\n", "case.yaml:4:6", "at least one"),
        ("mocks:\n  - {match: {input: {command: {}}}}\n", "case.yaml:4:22", "equals"),
        ("name: a\nname: b\n", "case.yaml:4:1", "name"),
    ],
)
def test_a_mistake_has_its_place(case: Load, text: str, place: str, said: str) -> None:
    """A refusal names the file, the line and the column of the offending key, and what is wrong."""
    with pytest.raises(DefinitionError) as caught:
        case(text)
    assert (str(caught.value.where), said in caught.value.message) == (place, True), str(caught.value)


def test_all_mistakes_at_once(case: Load) -> None:
    """A file with three mistakes is refused once, with all three in file order."""
    with pytest.raises(DefinitionError) as caught:
        case("spi: true\nuser: {persona: ''}\nevals:\n  - {type: boolean, criterion: a, expected: 3}\n")
    assert [finding.where.line for finding in caught.value.findings if finding.where] == [3, 4, 6]


def test_a_near_miss_is_suggested(case: Load) -> None:
    """An unknown key of an eval is answered with that eval's own keys in mind."""
    with pytest.raises(DefinitionError) as caught:
        case("evals:\n  - {type: boolean, criterion: a, expcted: no}\n")
    assert caught.value.hint == "Did you mean `expected`?"


@pytest.mark.parametrize(
    ("text", "name"), [("no", "no"), ("yes", "yes"), ("123", "123"), ("0123", "0123"), ("'1.5'", "1.5")]
)
def test_text_without_quotes(case: Load, text: str, name: str) -> None:
    """`no`, `yes` and whole numbers are text where text is wanted, exactly as they are written."""
    assert case(f"name: {text}\n").name == name


@pytest.mark.parametrize("text", ["1.5", "1e3", "true", "True", ".nan", "-.inf", "2020-01-01"])
def test_scalars_that_stand_for_text(case: Load, text: str) -> None:
    """A number or boolean without quotes is the text that is written, where a case wants text."""
    assert case(f"name: {text}\n").name == text
    user = case(f"user: {{persona: {text}, done_when: {text}}}\n").user
    assert user is not None
    assert (user.persona, user.done_when) == (text, text)


def test_a_blank_name_is_none(case: Load) -> None:
    """A case or an eval with a blank name has the name it would have without one."""
    loaded = case("name: ''\nevals:\n  - {type: boolean, criterion: greets, name: ' '}\n")
    assert loaded.name == "case"
    assert [item.label for item in loaded.evals] == ["greets"]


@pytest.mark.parametrize(("text", "value"), [("false", False), ("True", True)])
def test_booleans(case: Load, text: str, value: bool) -> None:
    """`true` and `false` are booleans."""
    (only,) = case(f"evals:\n  - {{type: boolean, criterion: a, expected: {text}}}\n").evals
    assert isinstance(only, BooleanEval)
    assert only.expected is value


@pytest.mark.parametrize(
    "item",
    [
        "{type: boolean, criterion: a, expected: no}",
        "{type: boolean, criterion: a, expected: 'true'}",
        "{type: boolean, criterion: 12}",
        "{type: called, mock: 5}",
    ],
)
def test_types_of_evals_are_strict(case: Load, item: str) -> None:
    """YAML 1.2 has no `yes` and `no`, and a number is no text where a person would be asked to judge it."""
    with pytest.raises(DefinitionError) as caught:
        case(f"evals:\n  - {item}\n")
    assert caught.value.code == "wrong_type"


def test_what_says_little_is_read(case: Load) -> None:
    """`mocks:` with nothing below it is no mock; a number of turns may stand in quotes."""
    loaded = case("user: {persona: p, max_turns: '2'}\nmocks:\nevals: [{type: boolean, criterion: a}]\n")
    assert loaded.mocks == ()
    assert loaded.user is not None
    assert loaded.user.max_turns == 2


def test_an_alias_repeats_a_value(case: Load) -> None:
    """Anchors and aliases work as in any YAML."""
    loaded = case("evals:\n  - &a {type: boolean, criterion: greets}\n  - *a\n")
    assert [item.label for item in loaded.evals] == ["greets", "greets"]


@pytest.mark.parametrize("text", ["\r\n", "\n"])
def test_line_ends_and_byte_order_mark(tmp_path: Path, write: Write, text: str) -> None:
    """Windows line ends and a byte order mark change nothing."""
    write("c.yaml", "\ufeff" + FULL.replace("\n", text))
    assert load_case("c.yaml", tmp_path).name == "full"


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "empty_file"), ("# nothing\n", "empty_file"), ("- a\n", "wrong_type"), ("skill: [x\n", "yaml_syntax")],
)
def test_what_is_no_case(tmp_path: Path, write: Write, text: str, code: str) -> None:
    """An empty file, a list and broken YAML are refused, each in its own words."""
    write("c.yaml", text)
    with pytest.raises(DefinitionError) as caught:
        load_case("c.yaml", tmp_path)
    assert (caught.value.code, caught.value.where and caught.value.where.file) == (code, "c.yaml")


def test_two_documents_are_refused(tmp_path: Path, write: Write) -> None:
    """A second document is no second case."""
    write("c.yaml", f"{FULL}---\n{FULL}")
    with pytest.raises(DefinitionError) as caught:
        load_case("c.yaml", tmp_path)
    assert caught.value.code == "several_documents"


def test_the_name_is_the_stem(case: Load) -> None:
    """Without a name a case is called after its file, of which only the last extension goes."""
    assert case("", name="x.skilltest.yaml").name == "x.skilltest"


CASE = {"skill": "skills/greeter", "input": "hi", "evals": [{"type": "boolean", "criterion": "greets"}]}


def test_cases_as_json(tmp_path: Path, write: Write) -> None:
    """`--case-json` takes an object or an array; the skill is shown as an absolute path."""
    write("one.json", json.dumps(CASE))
    write("two.json", json.dumps([CASE, {**CASE, "name": "second"}]))
    (one,) = load_case_json("one.json", tmp_path)
    assert (one.name, one.skill) == ("case", str(tmp_path / "skills/greeter"))
    assert [case.name for case in load_case_json("two.json", tmp_path)] == ["case", "second"]


def test_a_mistake_in_json_has_a_line(tmp_path: Path, write: Write) -> None:
    """A wrong value in a JSON file is found by line although JSON's own reader knows no places."""
    write("c.json", json.dumps([CASE, {**CASE, "input": " "}], indent=1))
    with pytest.raises(DefinitionError) as caught:
        load_case_json("c.json", tmp_path)
    assert caught.value.where is not None
    assert caught.value.where.line == 14


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '{"threshold": NaN}', "{", "[" * 100_000])
def test_what_is_no_json(tmp_path: Path, write: Write, text: str) -> None:
    """Repeated keys, NaN, half an object and endless nesting are refused."""
    write("c.json", text)
    with pytest.raises(DefinitionError):
        load_case_json("c.json", tmp_path)


def test_a_case_made_in_code(tmp_path: Path) -> None:
    """A case made in code is checked by the same rules."""
    assert case_of(CASE, cwd=tmp_path).input == "hi"
    with pytest.raises(DefinitionError, match="criterion"):
        case_of({**CASE, "evals": [{"type": "boolean", "criterion": ""}]}, cwd=tmp_path)


def test_the_hash_is_of_the_content(case: Load) -> None:
    """Order and spelling of a file do not change its hash, a different criterion does."""
    first = case("evals: [{type: boolean, criterion: a}]\n").sha256
    assert case("evals:\n  - criterion: 'a'\n    type: boolean\n").sha256 == first
    assert case("evals: [{type: boolean, criterion: b}]\n").sha256 != first


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*CASE, "user", "mocks", "type", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*CASE, "user", "mocks", "spy", "name"]), JSON))
def test_nothing_but_a_case_or_a_refusal(value: dict[str, object]) -> None:
    """Whatever is handed in is a case or is refused; nothing else happens."""
    try:
        loaded = case_of({**CASE, **value}, cwd=Path("/nowhere"))
    except DefinitionError:
        return
    assert loaded.evals
    assert loaded.input.strip()
