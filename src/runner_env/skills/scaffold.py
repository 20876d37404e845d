"""What `skill init` writes: a skill, a case, and a config that passes without a model or a network."""

from __future__ import annotations

from collections.abc import Mapping


def scaffold_files() -> Mapping[str, str]:
    """The files, by path relative to the directory; together they pass at once."""
    return {"skilltest.yaml": _CONFIG, "skills/example/SKILL.md": _SKILL, "cases/example.yaml": _CASE}


_CONFIG = """\
# How the cases are run. `runner-env skill schema config` describes every key.
#
# The scripted provider is deterministic and works offline: it repeats what the user said, and judges by looking for
# the words that a criterion quotes. It shows that everything is in its place. For a real agent program put these lines
# in place of the next two:
#   provider:
#     kind: oneharness
#     judge_harness: claude-code
provider:
  kind: scripted
platforms:
  - claude-code
models:
  - claude-opus-4-8
"""
_SKILL = """\
---
name: example
description: Greets people by name. Use when somebody asks to be greeted.
---
# Greeting

Greet the person by their name, in one friendly sentence.
"""
_CASE = """\
# What the user says, and what must hold afterwards. `runner-env skill schema case` describes every key.
skill: ../skills/example
input: Please greet Ada.
evals:
  - type: boolean
    criterion: The reply greets `Ada` by name.
  - type: numeric
    criterion: How well does the reply greet `Ada`?
    min: 0
    max: 10
    threshold: 5
"""
