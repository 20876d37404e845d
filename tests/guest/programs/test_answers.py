"""Rewards: right answers are right in every usual form, and others are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.guest.programs.answers import Number, gold_of, is_right, numbers, only_number, stated_answer

RIGHT = [
    ("FINAL: 42", "6 * 7 = <<6*7=42>>42\n#### 42"), ("so it is 1234.", "#### 1,234"), ("FINAL: $5", "5"),
    ("FINAL: 50%", "50"), ("FINAL: 0.5", "50%"), ("FINAL: 1/2", "0.5"), ("3.0", "3"), ("FINAL: -3", "-3"),
    ("FINAL: \u22123", "-3"), (r"thus \boxed{\frac{3}{4}}", "0.75"), (r"\boxed{\dfrac{3}{4}}", r"$\frac{3}{4}$"),
    ("FINAL: 42 apples in a box", "42"), ("FINAL: 2 + 3 = 5", "5"), ("FINAL: 5 (since 2 + 3)", "5"),
    ("**Final Answer:** Paris.", "paris"), ("The answer is  New   York", "new york"), ("FINAL: $1,234.50", "1234.5"),
    ("The answer is $-5", "-5"), ("#### 7", "7"), ("FINAL: 1 1/2", "1.5"), ("FINAL: 1e3", "1000"),
    (r"FINAL: $2\times 10^{3}$", "2000"), ("Final answer:\n\n42", "42"), (r"\boxed{(3, 4)}", "(3,4)"),
    (r"\boxed{x^2+1}", "x^2 + 1"), ("FINAL: **72**", "72"), ("FINAL: 10 km/h", "10 km/h"), ("FINAL: .5", "0.5"),
    ("So 5-3=2", "2"), (r"FINAL: \$18", "18"), ("FINAL: 12,345,678", "12345678"), ("FINAL: 42.", "42"),
    (r"FINAL: \(42\)", "42"), (r"FINAL: \[ \boxed{42} \]", "42"), ("FINAL: 2021-05-03", "2021-05-03"),
    ("FINAL: 3\nNo, wait.\nFINAL: 4", "4"), ("FINAL: yes", "yes"), ("He runs 3*60=180 m.", "Each is 3 * 60 = 180 m."),
    (r"FINAL: -\frac{1}{2}", "-0.5"), ("FINAL: ½", "0.5"), ("FINAL: 1½", "1.5"), ("FINAL: 4 and not 5", "4"),
    ("The answer is 5. No, the answer is 6.", "6"), ("FINAL: 5, because 2 + 3", "5"),
]  # fmt: skip
WRONG = [
    ("FINAL: 42", "43"), ("", "5"), ("FINAL: ", "5"), ("I see 5 then 6", "5"), ("FINAL: Paris", "London"),
    ("FINAL: <answer>", "5"), ("FINAL: 1,2", "12"), ("FINAL: 2021", "2021-05-03"), ("FINAL: 1/3", "0.333"),
    ("no number", "3"), ("", ""), ("FINAL: 4\nFINAL: 5", "4"), ("FINAL: 1/0", "1"), ("FINAL: -3", "3"),
    ("FINAL: 420", "42"), ("FINAL: 4.2", "42"),
    ("FINAL: 10-12", "10"), ("FINAL: 10^3", "10"), ("FINAL: 3,5", "3"), ("FINAL: 2 hours and 30 minutes", "2"),
    ("FINAL: 5 + 3", "5"), ("FINAL: 3 or 4", "3"), ("FINAL: 10 to 12", "10"), ("FINAL: 12:30", "12"),
    ("The answer is 5. No, the answer is 6.", "5"),
]  # fmt: skip


@pytest.mark.parametrize(("reply", "gold"), RIGHT)
def test_a_right_answer_is_right(reply: str, gold: str) -> None:
    """Numbers compare by value whatever their notation and unit, texts without case and space."""
    assert is_right(reply, [gold]), (stated_answer(reply), gold_of(gold), only_number(gold_of(gold)))


@pytest.mark.parametrize(("reply", "gold"), WRONG)
def test_a_wrong_answer_is_wrong(reply: str, gold: str) -> None:
    """No answer, another answer, and an answer that was taken back earn nothing."""
    assert not is_right(reply, [gold])


@pytest.mark.parametrize(
    ("reply", "right"),
    [
        ("FINAL: B", True), ("FINAL: (b)", True), ("FINAL: green", True), ("The answer is (B) green", True),
        ("FINAL: B. green", True), ("B", True), ("Answer: **B**", True), ("So I choose option B", True),
        ("FINAL: A", False), ("A green thing", False), ("FINAL: D", False), ("", False), ("Be careful", False),
    ],
)  # fmt: skip
def test_choices_are_judged_by_letter_or_text(reply: str, right: bool) -> None:
    """The letter in any usual dress, or the option's own text; an article at the beginning is no letter."""
    assert is_right(reply, ["B"], ["red", "green", "blue"]) is right


def test_one_of_several_answers_suffices() -> None:
    """A dataset may accept more than one."""
    assert is_right("FINAL: USA", ["United States", "USA"])
    assert not is_right("FINAL: UK", ["United States", "USA"])


@given(st.integers(-(10**12), 10**12), st.sampled_from(["{}", "{:,}", "${:,}", "{}.00", "{} apples", "{}%"]))
def test_a_number_is_read_as_it_is_written(value: int, form: str) -> None:
    """With thousands separators, currency, decimals, unit or percent sign it has the same value."""
    written = form.format(value)
    number = only_number(written)
    assert number is not None
    assert number.value == value
    assert is_right(f"FINAL: {written}", [str(value)])
    assert not is_right(f"FINAL: {written}", [str(value + 1)])


@given(st.text(max_size=200), st.text(max_size=40))
def test_no_text_is_too_strange(reply: str, gold: str) -> None:
    """Whatever a model says, there is a judgement."""
    assert is_right(reply, [gold]) in (True, False)


def test_monstrous_numbers_are_not_computed() -> None:
    """A power that would take for ever to compute is no number."""
    assert numbers("1e999999999") == []
    assert all(isinstance(number, Number) for number in numbers("9" * 10_000 + " 3"))
