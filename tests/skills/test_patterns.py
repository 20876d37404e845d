"""Patterns mean the same here and in the harnesses."""

from __future__ import annotations

import pytest

from runner_env.skills.patterns import compiled_pattern


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"end\z", "the end", True),
        (r"end\z", "the end\n", False),
        ("(?<word>a+)", "caat", True),
        ("(?P<word>a+)", "caat", True),
        ("^[[:alpha:]_]+$", "ab_c", True),
        ("[[:digit:]]", "abc", False),
        (r"\[:alpha:\]", "[:alpha:]", True),
        (r"a\(?<b", "a<b", True),
        (r"\bls\b", "ls -la", True),
        ("(?i)LS", "ls", True),
    ],
)
def test_what_both_matchers_take(pattern: str, text: str, found: bool) -> None:
    """What only Rust spells like this is rewritten, what is escaped is left alone."""
    assert (compiled_pattern(pattern).search(text) is not None) is found


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "(?=b)",
        "(?!b)",
        "(?<=a)",
        "(?<!a)",
        r"(a)\1",
        "(?P<n>a)(?P=n)",
        r"\p{Greek}",
        r"\pL",
        "[[:^alpha:]]",
        "[[:x:]]",
    ],
)
def test_what_one_of_them_does_not_take(pattern: str) -> None:
    """A pattern that only one of the two would read, or would read in another way, is refused."""
    with pytest.raises(ValueError, match=r".+"):
        compiled_pattern(pattern)
