"""What agents are told about contracts: the instructions, which are ours and never cut."""

from __future__ import annotations

from typing import Final

from runner_env.contract import variables as v

_ROOT: Final = f"${v.AIDER_FSM_RUNNER_ROOT}/runner"
_PYTHON: Final = f'"${v.AIDER_FSM_PYTHON}"'

SCAFFOLD_TASK: Final = """\
You write the contract of the repository in your working directory: the files by which a runner prepares, runs and
evaluates it, again and again, on machines without a person. The contract is `pipeline.yml` and what you need below
`.aider_fsm/`. When you are done, it is run as it is; it is kept only if the evaluation then gives a real score.

Look before you write: README and CONTRIBUTING, CI workflows, Makefile and other task runners, pyproject.toml,
requirements files, package.json, compose files. Use what the repository itself offers to test or evaluate it."""

REPAIR_TASK: Final = """\
The repository in your working directory has a contract: `pipeline.yml` and the files below `.aider_fsm/`, by which a
runner prepares, runs and evaluates it. Its last run failed. Find the cause and repair the contract, so that the next
run gives an honest result. Change as little as that takes. If the cause does not lie in the contract, change nothing
and say what it is."""

SCAFFOLD_LIMITS: Final = """\
# What you may write
- `pipeline.yml` and plain text files below `.aider_fsm/` (usually `.aider_fsm/bootstrap.yml`, `.aider_fsm/stages/*`).
- Nothing else: no source, test, lock or settings file, nothing in `.git`. Such changes are thrown away."""

REPAIR_LIMITS: Final = """\
# What you may write
- Plain text files below `.aider_fsm/` (usually `.aider_fsm/bootstrap.yml`, `.aider_fsm/stages/*`).
- Nothing else: not `pipeline.yml`, no source, test, lock or settings file, nothing in `.git`. Such changes are thrown
  away."""

COMMON_LIMITS: Final = """\
- Also refused below `.aider_fsm/`: what stages write when they run (`metrics.json`, `rollout.json`,
  `runtime_env.json`, `hints_*.json`, `*.jsonl`, `artifacts/`), installed packages (`venv*/`, `tools/`,
  `node_modules/`), `actions.yml`, `.env` files, links, binary files, files over 1 MiB, `conftest.py`,
  `sitecustomize.py`, `*.pth`, names with other characters than ASCII letters, digits and `_ . + = @ -`.
- Write the files with your tools. A file that you only show in your answer does not exist.
- Never make a result up: no fixed score, no output of a stage written by hand, no tool result that you did not get. If
  no score can be had, let the evaluation write `{"ok": false, "reason": "…"}` and exit with a code other than 0.
- Do not change what is measured: no test skipped, weakened, deselected or replaced, no error hidden by `|| true`."""

PIPELINE: Final = f"""\
# pipeline.yml, version 1
A mapping of these sections and no others (no `stages:` list). Each stage section also takes `env`, `workdir`,
`timeout_seconds` and `retries`. A command is one text for `/bin/sh -c`, run in the repository; exit code 0 is success.

    version: 1
    security:
      mode: safe
      max_cmd_seconds: 1800            # required: the limit of every command
    tests:                             # optional: checks before anything is deployed
      cmds: [make lint]
    deploy:                            # only if a service is needed
      setup_cmds: [bash .aider_fsm/stages/deploy.sh]       # starts it, writes .aider_fsm/runtime_env.json
      health_cmds: [bash .aider_fsm/stages/health.sh]      # succeeds once it answers
      teardown_cmds: [bash .aider_fsm/stages/teardown.sh]
    rollout:                           # only if a model is to work: writes .aider_fsm/rollout.json and samples
      run_cmds: ['{_PYTHON} "{_ROOT}/generic_rollout.py"']
    evaluation:
      run_cmds: [make]                 # optional with a hint: builds first
      hint: pytest -q                  # the runner runs this test command itself and reads what it prints

Where the score is the share of tests that pass, use `evaluation.hint`: then no script has to write metrics. It reads
the output of the usual test runners. Everywhere else leave `hint` out and let `run_cmds` write the metrics:

    evaluation:
      run_cmds: [bash .aider_fsm/stages/evaluation.sh]
      metrics_path: .aider_fsm/metrics.json
      required_keys: [ok, score]
      score_range: [0, 1]              # the lowest and highest possible score, if it is another range

# .aider_fsm/bootstrap.yml, version 1
What is made ready once before the stages: `version`, `cmds` (a list of texts), `env`, `workdir`, `timeout_seconds`,
`retries`. `env` holds for every later stage; `$NAME` and `${{NAME}}` are replaced. Do not run tests in it. For Python
(`uv` makes it faster where it is installed: `uv venv`, `uv pip install`):

    version: 1
    cmds:
      - '{_PYTHON} -m venv .aider_fsm/venv'
      - .aider_fsm/venv/bin/python -m pip install -e '.[test]'
    env:
      {v.AIDER_FSM_PYTHON}: .aider_fsm/venv/bin/python
      PATH: .aider_fsm/venv/bin:$PATH"""

FILES: Final = f"""\
# What stages write
- Deploy: `.aider_fsm/runtime_env.json` (its path is ${v.AIDER_RUNTIME_ENV_PATH}), an object; used are
  `service.base_url`, `service.health_url`, `inference.openai_base_url`, `inference.model`, `paths`.
- Rollout: `.aider_fsm/rollout.json`, an object with `ok`, `counts` (`samples`, `errors`) and `paths.samples_jsonl`;
  that file, below ${v.AIDER_FSM_ARTIFACTS_DIR}, has one JSON object a line: `prompt` and `completion` (texts, at least
  one completion not blank), `reward` (a number), `meta`.
- Evaluation without a hint: the file that `metrics_path` names, an object with `ok` (true only if a score was really
  computed in this run) and `score` (a finite number), else `reason`.

# Programs you may start
- `{_PYTHON} "{_ROOT}/generic_rollout.py"`: asks the model (the questions of a
  dataset snapshot, or about the repository), writes rollout.json and samples with rewards.
- `{_PYTHON} "{_ROOT}/generic_evaluation.py"`: runs the commands that the
  repository states, reads their result and writes `.aider_fsm/metrics.json`; for a dataset it is the mean reward.
- `{_PYTHON} "{_ROOT}/serve.py" start` and `stop`: a model directory behind an
  OpenAI-compatible endpoint.

# Variables in every stage
- {v.AIDER_FSM_REPO_ROOT}: the repository. {v.AIDER_FSM_ARTIFACTS_DIR}: the stage's own folder.
- {v.AIDER_FSM_PYTHON}, {v.AIDER_FSM_RUNNER_ROOT}, {v.AIDER_RUNTIME_ENV_PATH}: as above.
- {v.AIDER_EVAL_MODE}: `smoke` or `full`. {v.AIDER_EVAL_LIMIT}: how many items, if it is set.
- {v.AIDER_LLM_KIND}: `remote` or `local_hf`. {v.OPENAI_MODEL}: the model to ask for. With `remote` also
  {v.AIDER_LLM_MODEL}, with `local_hf` {v.AIDER_TRAINED_MODEL_DIR} (a directory, model_dir).
- In rollout, evaluation and benchmark: {v.OPENAI_BASE_URL} and {v.OPENAI_API_BASE} (the endpoint), {v.OPENAI_API_KEY},
  {v.AIDER_FSM_HINTS_JSON} (the official commands).

Stages do not inherit the operator's environment; HOME is a fresh folder. Honour these instead of fixed values.

# Shell
Nothing may ask or wait for a person; everything ends. Commands get no terminal and no input. Write for /bin/sh in
commands, and for bash with `set -euo pipefail` in scripts. No `sudo`, no `&>`, no `2&&1` (it is `2>&1`), no `sed -i`
on files of the repository, no `curl … | sh`. Use {_PYTHON} rather than a bare `python`. A here-document ends with its
word alone on a line. A service goes to the background with its output in a file; health waits for it, with a limit.
What a stage starts is ended with it; only what deploy starts stays until the end."""

REMOTE: Final = """\
The model is behind an API (kind `remote`): start no model server, load no weights, install no inference backend."""

LOCAL: Final = f"""\
The model is a directory, ${v.AIDER_TRAINED_MODEL_DIR} (kind `local_hf`): deploy has to put it behind an endpoint and to
  name that in runtime_env.json; `serve.py` does both."""
