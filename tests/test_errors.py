"""The error tree: what callers may catch, and what they read."""

from __future__ import annotations

import pickle

import pytest

from runner_env import errors
from runner_env.core import Finding, Where


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("InputError", ValueError),
        ("OptionError", ValueError),
        ("ContractError", ValueError),
        ("TargetNotFound", FileNotFoundError),
        ("ContractMissing", FileNotFoundError),
        ("ModelNotFound", FileNotFoundError),
        ("ModelNotADirectory", NotADirectoryError),
        ("EvidenceError", OSError),
    ],
)
def test_errors_are_what_python_programmers_expect(name: str, builtin: type[Exception]) -> None:
    """Each can be caught as the built-in error that means the same."""
    assert issubclass(getattr(errors, name), builtin)
    assert issubclass(getattr(errors, name), errors.RunnerEnvError)


def test_every_error_is_drawn_in_the_tree() -> None:
    """The module's docstring shows the whole tree, and `__all__` is complete and sorted."""
    assert errors.__all__ == sorted(errors.__all__)
    defined = {
        name for name, value in vars(errors).items() if isinstance(value, type) and value.__module__ == errors.__name__
    }
    assert set(errors.__all__) == defined
    assert all(name in (errors.__doc__ or "") for name in defined)


def test_an_error_says_where_what_and_what_to_do() -> None:
    """Place, message, code and hint in one line."""
    error = errors.TargetError("ref_not_found", "There is no such ref.", where=Where("x", 2), hint="Check the name.")
    assert str(error) == "x:2: There is no such ref. [ref_not_found] Hint: Check the name."


def test_a_contract_error_carries_every_problem() -> None:
    """The first problem makes the message, the others are counted and kept."""
    error = errors.ContractError([Finding("a", "first", Where("p.yml", 1, 1)), Finding("b", "second")])
    assert str(error) == "p.yml:1:1: first (and 1 more) [a]"
    assert [finding.code for finding in error.findings] == ["a", "b"]


def test_file_errors_keep_their_words() -> None:
    """An error that is also an OSError shows its own message, not an errno."""
    assert "nothing is there" in str(errors.TargetNotFound("target_not_found", "nothing is there"))


def test_errors_survive_pickling() -> None:
    """A worker process can hand an error back."""
    error = pickle.loads(pickle.dumps(errors.OptionError("bad_option", "mode is 'x'", hint="Use 'smoke'.")))
    assert (error.code, error.message, error.hint) == ("bad_option", "mode is 'x'", "Use 'smoke'.")
