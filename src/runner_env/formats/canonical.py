"""One spelling for each JSON value, so that equal values have equal hashes."""

from __future__ import annotations

import json

from runner_env.formats.disk import write_atomic

__all__ = ["canonical", "write_atomic"]


def canonical(value: object) -> bytes:
    r"""The canonical JSON of `value`: keys sorted by code point, no spaces, UTF-8, one line.

    A lone surrogate, which is how Python holds a path that is not UTF-8, becomes its `\udcxx` escape; every other
    character beyond ASCII stands for itself. Reading the result back and writing it again gives the same bytes.

    Raises:
        ValueError: NaN, an infinity, an integer of more digits than Python prints, or a value that contains itself.
        TypeError: something that JSON does not have.
        RecursionError: nested deeper than Python's stack.
    """
    # The first pass settles what JSON makes of keys and of split surrogate pairs, which the sort order depends on.
    settled = json.loads(json.dumps(value, allow_nan=False))
    text = json.dumps(settled, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace")
