"""A target whose run is nine commands, spread over every kind of stage, that do no more than a contract must."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = 9
_PIPELINE = """\
version: 1
auth:
  cmds: ["true"]
tests:
  cmds: ["true"]
deploy:
  setup_cmds: ["echo '{}' > .aider_fsm/runtime_env.json"]
  health_cmds: ["true"]
  teardown_cmds: ["true"]
rollout:
  run_cmds: ["true"]
evaluation:
  run_cmds:
    - "true"
    - printf '{"ok":true,"score":1}' > .aider_fsm/metrics.json
  metrics_path: .aider_fsm/metrics.json
benchmark:
  run_cmds: ["true"]
"""


def make_project(root: Path, *, git: bool) -> Path:
    """Write the target, as a git checkout with one commit if asked for."""
    (root / ".aider_fsm").mkdir(parents=True)
    (root / "pipeline.yml").write_text(_PIPELINE, encoding="utf-8")
    if git:
        identity = ("-c", "user.name=bench", "-c", "user.email=bench@example.invalid")
        for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "all")):
            subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)
    return root
