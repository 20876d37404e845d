"""The contract that `runner-env init` writes: small, honest, and passing without network or model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PIPELINE = """\
# How this repository is rolled out and evaluated. Check it with `runner-env check .`
version: 1

# What the commands may do. Add `secrets: [NAME]` for every variable of yours that a stage needs.
security:
  mode: safe
  max_cmd_seconds: 600

# The model at work. $AIDER_LLM_MODEL names it; $OPENAI_BASE_URL and $OPENAI_API_KEY reach it.
rollout:
  run_cmds:
    - '"$AIDER_FSM_PYTHON" .aider_fsm/stages/rollout.py'
  timeout_seconds: 300

# The score. The runner reads metrics_path after the commands have ended; a file from an earlier run does not count.
evaluation:
  run_cmds:
    - '"$AIDER_FSM_PYTHON" .aider_fsm/stages/evaluation.py'
  timeout_seconds: 300
  metrics_path: .aider_fsm/metrics.json
  required_keys: [ok, score]
  score_range: [0, 1]

# If the model needs a service, add:
# deploy:
#   setup_cmds: [bash .aider_fsm/stages/deploy.sh]
#   health_cmds: [bash .aider_fsm/stages/health.sh]
#   teardown_cmds: [bash .aider_fsm/stages/teardown.sh]
"""

_BOOTSTRAP = """\
# What is made ready once, before the stages: install packages here, into .aider_fsm/venv for instance.
version: 1
cmds:
  - '"$AIDER_FSM_PYTHON" --version'

# Variables for every later stage; $VAR and ${VAR} are replaced. After making a virtual environment, add
#   AIDER_FSM_PYTHON: .aider_fsm/venv/bin/python
env:
  PYTHONHASHSEED: "0"
"""

_ROLLOUT = '''\
"""Rollout: put the task to the model; write every sample, and rollout.json that says where they are."""

import json
import os
import time
from pathlib import Path

REPO = Path(os.environ["AIDER_FSM_REPO_ROOT"])
SAMPLES = Path(os.environ["AIDER_FSM_ARTIFACTS_DIR"]) / "samples.jsonl"
MODE = os.environ.get("AIDER_EVAL_MODE", "smoke")
LIMIT = int(os.environ.get("AIDER_EVAL_LIMIT") or (8 if MODE == "smoke" else 64))


def problems():
    """The task: additions, always the same ones."""
    for i in range(LIMIT):
        yield 17 * i + 5, 23 * i + 8


def ask(prompt):
    """Stands in for the model. REPLACE THIS by a call to $OPENAI_BASE_URL with $AIDER_LLM_MODEL.

    It adds the way a child does who forgets to carry, so that some answers are wrong and the score means something.
    """
    a, b = (text.zfill(12) for text in prompt.removeprefix("What is ").removesuffix("?").split(" + "))
    return str(int("".join(str((int(x) + int(y)) % 10) for x, y in zip(a, b))))


def main():
    correct = count = 0
    SAMPLES.parent.mkdir(parents=True, exist_ok=True)
    with SAMPLES.open("w", encoding="utf-8") as out:
        for a, b in problems():
            prompt = f"What is {a} + {b}?"
            completion = ask(prompt)
            reward = 1.0 if completion == str(a + b) else 0.0
            out.write(json.dumps({"prompt": prompt, "completion": completion, "reward": reward}) + "\\n")
            correct += int(reward)
            count += 1
    report = {
        "ok": True,
        "ts": time.time(),
        "mode": MODE,
        "counts": {"samples": count, "correct": correct, "errors": 0},
        "paths": {"samples_jsonl": os.path.relpath(SAMPLES, REPO)},
    }
    (REPO / ".aider_fsm" / "rollout.json").write_text(json.dumps(report, indent=2) + "\\n", encoding="utf-8")
    print(f"{correct} of {count} right")


main()
'''

_EVALUATION = '''\
"""Evaluation: compute the score from the samples, and write it as metrics."""

import json
import os
import time
from pathlib import Path

REPO = Path(os.environ["AIDER_FSM_REPO_ROOT"])
FSM = REPO / ".aider_fsm"


def is_right(sample):
    """Grade an answer anew; the reward that the rollout wrote is not believed."""
    a, b = sample["prompt"].removeprefix("What is ").removesuffix("?").split(" + ")
    return sample["completion"] == str(int(a) + int(b))


def main():
    rollout = json.loads((FSM / "rollout.json").read_text(encoding="utf-8"))
    with (REPO / rollout["paths"]["samples_jsonl"]).open(encoding="utf-8") as lines:
        marks = [is_right(json.loads(line)) for line in lines]
    metrics = {
        "ok": bool(marks),  # a real score was computed; not "the score is good"
        "score": sum(marks) / len(marks) if marks else 0.0,
        "counts": {"samples": len(marks), "correct": sum(marks)},
        "run_id": os.environ.get("AIDER_FSM_RUN_ID"),
        "ts": time.time(),
    }
    (FSM / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\\n", encoding="utf-8")
    print(f"score {metrics['score']:.3f} of {len(marks)} samples")


main()
'''

_GITIGNORE = """\
# What runs leave behind; the contract itself is committed.
/artifacts/
/venv*/
/tools/
/build/
/runtime_env.json
/rollout.json
/metrics.json
/hints_*.json
/actions.yml
"""


def gitignore() -> str:
    """What `.aider_fsm/.gitignore` says."""
    return _GITIGNORE


def starter_files() -> Mapping[str, str]:
    """The files of the starter contract: POSIX path relative to the repository, to text ending in a line break."""
    return {
        "pipeline.yml": _PIPELINE,
        ".aider_fsm/bootstrap.yml": _BOOTSTRAP,
        ".aider_fsm/stages/rollout.py": _ROLLOUT,
        ".aider_fsm/stages/evaluation.py": _EVALUATION,
        ".aider_fsm/.gitignore": _GITIGNORE,
    }
