"""Test runners' output as counts: `summarize(data, exit_code)`. Pure, standard library only, Python 3.9 or newer."""

from runner_env.summaries.model import Summary
from runner_env.summaries.summarize import summarize, summarize_stream

__all__ = ["Summary", "summarize", "summarize_stream"]
