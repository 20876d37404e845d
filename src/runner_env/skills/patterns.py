r"""The regular expressions of mocks: what the harnesses' own matcher takes, read by Python's `re`.

oneharness enforces the rules of mocks with Rust's `regex`; spies and `where` are matched here. So that a pattern means
the same in both, what only Python has is refused, and what only Rust has is rewritten: `\z`, `(?<name>…)` and POSIX
classes. Of Unicode classes (`\p{…}`) Python has none, which the refusal says.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache

_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_PART = re.compile(r"\\.|\(\?<(?=[A-Za-z_])|\(\?(?:<?[=!]|P=|\()|\[:(\^?)([a-z]+):\]", re.DOTALL)


@lru_cache(maxsize=1024)
def compiled_pattern(text: str) -> re.Pattern[str]:
    """The expression `text`.

    Raises:
        ValueError: it is none, or has something that only one of the two matchers knows.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return re.compile(_PART.sub(_rewritten, text))
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(str(error)) from error


def _rewritten(match: re.Match[str]) -> str:
    part = match[0]
    if part.startswith("[:"):
        if match[1] or match[2] not in _POSIX:
            raise ValueError(f"the class {part} is not known; write the characters out")
        return _POSIX[match[2]]
    if part == "(?<":
        return "(?P<"
    if part.startswith("(?") or (part[0] == "\\" and part[1] in "123456789"):
        raise ValueError(f"{part} is not known to the harnesses, which match without looking around or back")
    return r"\Z" if part == r"\z" else part
