"""Runners that state their result in one line, or in a few lines with one count each, by family."""

from __future__ import annotations

from runner_env.summaries.phrases.functional import FUNCTIONAL
from runner_env.summaries.phrases.javascript import JAVASCRIPT
from runner_env.summaries.phrases.managed import DOTNET, GO, JVM
from runner_env.summaries.phrases.native import C_FAMILY
from runner_env.summaries.phrases.scripting import PHP, PYTHON, RUBY

PHRASES = RUBY + PYTHON + JAVASCRIPT + PHP + GO + DOTNET + FUNCTIONAL + JVM + C_FAMILY
