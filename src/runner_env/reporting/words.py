"""Small pieces of text that several reports share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.text.decoding import printable

if TYPE_CHECKING:
    from runner_env.core import Usage


def seconds(value: float) -> str:
    """A duration for a person: `0.04 s`, `3.2 s`, `75 s`, `12 min 05 s`, `3 h 07 min`."""
    if value < 0.1:
        return f"{value:.2f} s"
    if value < 10:
        return f"{value:.1f} s"
    if value < 100:
        return f"{value:.0f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    minutes = round(value / 60)
    return f"{minutes // 60} h {minutes % 60:02} min"


def one_line(text: str, limit: int = 200) -> str:
    """`text` on one line of at most `limit` characters, without anything that a terminal would obey."""
    line = " ".join(printable(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def indented(text: str, indent: str) -> str:
    """`text`, printable; its lines after the first begin with `indent`."""
    return f"\n{indent}".join(printable(text).rstrip().split("\n"))


def usage_words(usage: Usage) -> str:
    """What is known of it, and who says so; empty if nothing is."""
    parts = [
        f"{usage.requests} requests" if usage.requests is not None else "",
        f"{usage.input_tokens} tokens in" if usage.input_tokens is not None else "",
        f"{usage.output_tokens} tokens out" if usage.output_tokens is not None else "",
        f"${usage.cost_usd:.4f}" if usage.cost_usd is not None else "",
    ]
    known = ", ".join(part for part in parts if part)
    return f"{known} ({usage.source.value})" if known else ""
