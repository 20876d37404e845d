"""The one table of environment variables: what a stage is given, and what the runner and its helpers read.

Every other room takes the names from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from runner_env.contract.model import StageName

AIDER_FSM_STAGE = "AIDER_FSM_STAGE"
AIDER_FSM_ARTIFACTS_DIR = "AIDER_FSM_ARTIFACTS_DIR"
AIDER_FSM_REPO_ROOT = "AIDER_FSM_REPO_ROOT"
AIDER_FSM_RUN_ID = "AIDER_FSM_RUN_ID"
AIDER_FSM_RUNNER_ROOT = "AIDER_FSM_RUNNER_ROOT"
AIDER_FSM_PYTHON = "AIDER_FSM_PYTHON"
AIDER_EVAL_MODE = "AIDER_EVAL_MODE"
AIDER_LLM_KIND = "AIDER_LLM_KIND"
AIDER_LLM_MODEL = "AIDER_LLM_MODEL"
AIDER_TRAINED_MODEL_DIR = "AIDER_TRAINED_MODEL_DIR"
AIDER_RUNTIME_ENV_PATH = "AIDER_RUNTIME_ENV_PATH"
AIDER_FSM_HINTS_JSON = "AIDER_FSM_HINTS_JSON"
AIDER_FSM_HINT_ANCHORS_JSON = "AIDER_FSM_HINT_ANCHORS_JSON"
OPENAI_MODEL = "OPENAI_MODEL"
OPENAI_API_BASE = "OPENAI_API_BASE"
OPENAI_BASE_URL = "OPENAI_BASE_URL"
OPENAI_API_KEY = "OPENAI_API_KEY"
CI = "CI"
GIT_TERMINAL_PROMPT = "GIT_TERMINAL_PROMPT"
PIP_DISABLE_PIP_VERSION_CHECK = "PIP_DISABLE_PIP_VERSION_CHECK"
PIP_NO_INPUT = "PIP_NO_INPUT"
PYTHONUNBUFFERED = "PYTHONUNBUFFERED"
DEBIAN_FRONTEND = "DEBIAN_FRONTEND"
AIDER_EVAL_LIMIT = "AIDER_EVAL_LIMIT"
AIDER_FSM_MAX_CMD_SECONDS = "AIDER_FSM_MAX_CMD_SECONDS"
AIDER_FSM_MAX_TOTAL_SECONDS = "AIDER_FSM_MAX_TOTAL_SECONDS"
AIDER_FSM_GIT_CLONE_TIMEOUT_SECONDS = "AIDER_FSM_GIT_CLONE_TIMEOUT_SECONDS"
AIDER_FSM_MAX_TOKENS = "AIDER_FSM_MAX_TOKENS"
AIDER_FSM_CONCURRENCY = "AIDER_FSM_CONCURRENCY"
AIDER_FSM_REQUEST_TIMEOUT_SECONDS = "AIDER_FSM_REQUEST_TIMEOUT_SECONDS"
AIDER_FSM_METRICS_PATH = "AIDER_FSM_METRICS_PATH"
AIDER_FSM_REQUIRE_HINTS = "AIDER_FSM_REQUIRE_HINTS"
AIDER_FSM_HINT_MAX_ATTEMPTS = "AIDER_FSM_HINT_MAX_ATTEMPTS"
AIDER_FSM_HINT_TIMEOUT_SECONDS = "AIDER_FSM_HINT_TIMEOUT_SECONDS"
AIDER_FSM_HINT_LOGIN_SHELL = "AIDER_FSM_HINT_LOGIN_SHELL"
AIDER_FSM_HINT_STRICT_COMPAT = "AIDER_FSM_HINT_STRICT_COMPAT"
AIDER_FSM_HINT_STRIP_PYTEST_N = "AIDER_FSM_HINT_STRIP_PYTEST_N"
AIDER_FSM_PREFER_OFFLINE_HINTS = "AIDER_FSM_PREFER_OFFLINE_HINTS"
AIDER_FSM_HINT_AUTO_UV = "AIDER_FSM_HINT_AUTO_UV"
AIDER_FSM_HINT_UV_PYTHON = "AIDER_FSM_HINT_UV_PYTHON"
AIDER_FSM_HINT_UV_PYTHON_CANDIDATES_JSON = "AIDER_FSM_HINT_UV_PYTHON_CANDIDATES_JSON"
AIDER_FSM_HINT_UV_VENV_DIR = "AIDER_FSM_HINT_UV_VENV_DIR"
RUNNER_ENV_HOME = "RUNNER_ENV_HOME"
RUNNER_ENV_NETWORK = "RUNNER_ENV_NETWORK"
RUNNER_ENV_SANDBOX = "RUNNER_ENV_SANDBOX"
RUNNER_ENV_SANDBOX_IMAGE = "RUNNER_ENV_SANDBOX_IMAGE"
RUNNER_ENV_MAX_MEMORY_MB = "RUNNER_ENV_MAX_MEMORY_MB"
RUNNER_ENV_MAX_PROCESSES = "RUNNER_ENV_MAX_PROCESSES"
RUNNER_ENV_MAX_DISK_MB = "RUNNER_ENV_MAX_DISK_MB"
RUNNER_ENV_MAX_OUTPUT_MB = "RUNNER_ENV_MAX_OUTPUT_MB"
RUNNER_ENV_MAX_OPEN_FILES = "RUNNER_ENV_MAX_OPEN_FILES"
RUNNER_ENV_OBSERVE = "RUNNER_ENV_OBSERVE"

MODEL_STAGES = (StageName.ROLLOUT, StageName.EVALUATION, StageName.BENCHMARK)
"""The stages that `llm=` grants its endpoint and key to."""
ALL_STAGES = tuple(StageName)
_EVALUATES = (StageName.EVALUATION,)

Direction = Literal["injected", "read"]


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable.

    Attributes:
        name: its name.
        direction: `injected` into the environment of a stage, or `read` from the runner's own or a stage's settings.
        stages: the stages that see it; empty if only the runner reads it.
        default: what holds when nobody sets it; empty means unset.
        meaning: one sentence for the docs page.
    """

    name: str
    direction: Direction
    stages: tuple[StageName, ...]
    default: str
    meaning: str


def _injected(name: str, default: str, meaning: str, stages: tuple[StageName, ...] = ALL_STAGES) -> Variable:
    return Variable(name, "injected", stages, default, meaning)


def _read(name: str, default: str, meaning: str, stages: tuple[StageName, ...] = ()) -> Variable:
    return Variable(name, "read", stages, default, meaning)


VARIABLES: tuple[Variable, ...] = (
    _injected(AIDER_FSM_STAGE, "", "The stage that is running: " + ", ".join(f"`{s}`" for s in StageName) + "."),
    _injected(
        AIDER_FSM_ARTIFACTS_DIR, "", "Absolute path of this stage's own output folder; what it leaves there are claims."
    ),
    _injected(AIDER_FSM_REPO_ROOT, "", "Absolute path of the workspace."),
    _injected(AIDER_FSM_RUN_ID, "", "The id of the run."),
    _injected(
        AIDER_FSM_RUNNER_ROOT,
        "",
        "Folder with the runner's programs for contracts, below `runner/`; never on `PYTHONPATH`.",
    ),
    _injected(
        AIDER_FSM_PYTHON, "the runner's own interpreter", "The Python to use in stages; a bootstrap may set another."
    ),
    _injected(AIDER_EVAL_MODE, "smoke", "The `mode` of the call: `smoke` or `full`."),
    _injected(AIDER_LLM_KIND, "", "`remote` for a model id, `local_hf` for a model directory."),
    _injected(AIDER_LLM_MODEL, "", "The model id; unset for a model directory."),
    _injected(AIDER_TRAINED_MODEL_DIR, "", "Absolute path of the model directory; unset for a model id."),
    _injected(AIDER_RUNTIME_ENV_PATH, "", "Path of `runtime_env.json`, which `deploy` writes."),
    _injected(
        AIDER_FSM_HINTS_JSON,
        "",
        "The commands that the repository states, a JSON list, the surest first; unset if it states none.",
        MODEL_STAGES,
    ),
    _injected(
        AIDER_FSM_HINT_ANCHORS_JSON, "", "Words by which those commands are recognised, a JSON list.", MODEL_STAGES
    ),
    _injected(OPENAI_MODEL, "the model id or the directory's name", "The model to ask for."),
    _injected(OPENAI_API_BASE, "", "Base URL of the model endpoint, ending in `/v1`.", MODEL_STAGES),
    _injected(OPENAI_BASE_URL, "", f"The same as `{OPENAI_API_BASE}`.", MODEL_STAGES),
    _injected(OPENAI_API_KEY, "`local` for a model directory", "The key of the model endpoint.", MODEL_STAGES),
    _injected(CI, "1", "Tells programs that nobody watches; a stage's `env` may set another value."),
    _injected(GIT_TERMINAL_PROMPT, "0", "Keeps git from asking for a password."),
    _injected(PIP_DISABLE_PIP_VERSION_CHECK, "1", "Keeps pip from looking for a newer pip."),
    _injected(PIP_NO_INPUT, "1", "Keeps pip from asking questions."),
    _injected(PYTHONUNBUFFERED, "1", "Makes Python write its output at once, so that a stopped stage loses none."),
    _injected(DEBIAN_FRONTEND, "noninteractive", "Keeps apt from asking questions."),
    _read(
        AIDER_EVAL_LIMIT, "", "How many items a stage attempts; the examples take 8 in `smoke` if unset.", ALL_STAGES
    ),
    _read(AIDER_FSM_MAX_TOKENS, "", "How many tokens a rollout lets the model answer with.", ALL_STAGES),
    _read(AIDER_FSM_CONCURRENCY, "8", "How many requests a rollout makes at once.", (StageName.ROLLOUT,)),
    _read(AIDER_FSM_REQUEST_TIMEOUT_SECONDS, "120", "Limit of one request of a rollout.", (StageName.ROLLOUT,)),
    _read(
        AIDER_FSM_METRICS_PATH,
        "`.aider_fsm/metrics.json`",
        "Where the generic evaluation writes its metrics.",
        _EVALUATES,
    ),
    _read(
        AIDER_FSM_REQUIRE_HINTS,
        "0",
        "`1`: an evaluation that was not seen to run a command that the repository states has failed.",
        _EVALUATES,
    ),
    _read(AIDER_FSM_HINT_MAX_ATTEMPTS, "3", "How many stated commands it runs at most.", _EVALUATES),
    _read(AIDER_FSM_HINT_TIMEOUT_SECONDS, "600", "Limit of each of them.", _EVALUATES),
    _read(AIDER_FSM_HINT_LOGIN_SHELL, "0", "`1`: run them in a login shell.", _EVALUATES),
    _read(AIDER_FSM_HINT_STRICT_COMPAT, "1", "`0`: also try those stated for another model backend.", _EVALUATES),
    _read(AIDER_FSM_HINT_STRIP_PYTEST_N, "1", "`0`: leave `-n` and `--dist` in pytest commands.", _EVALUATES),
    _read(AIDER_FSM_PREFER_OFFLINE_HINTS, "0", "`1`: those with `--samples` before those that ask.", _EVALUATES),
    _read(AIDER_FSM_HINT_AUTO_UV, "1", "`0`: do not retry a failed build with an older Python.", _EVALUATES),
    _read(AIDER_FSM_HINT_UV_PYTHON, "", "The older Python to retry with.", _EVALUATES),
    _read(AIDER_FSM_HINT_UV_PYTHON_CANDIDATES_JSON, "", "Several of them, a JSON list.", _EVALUATES),
    _read(AIDER_FSM_HINT_UV_VENV_DIR, "`.aider_fsm/venv_hints_py`", "Where it is made.", _EVALUATES),
    _read(AIDER_FSM_MAX_CMD_SECONDS, "", "Replaces `security.max_cmd_seconds`; a positive whole number."),
    _read(AIDER_FSM_MAX_TOTAL_SECONDS, "", "Replaces `security.max_total_seconds`; a positive whole number."),
    _read(AIDER_FSM_GIT_CLONE_TIMEOUT_SECONDS, "90", "Limit of a `git clone`."),
    _read(OPENAI_API_BASE, "", f"Base URL that the model stages are given, unless `{OPENAI_BASE_URL}` is set."),
    _read(OPENAI_BASE_URL, "", "Base URL that the model stages are given."),
    _read(OPENAI_API_KEY, "", "Key that the model stages are given."),
    _read(RUNNER_ENV_HOME, "the user's state directory", "Where runs, caches and state live."),
    _read(RUNNER_ENV_NETWORK, "`host`", "`none` keeps the network away from stages."),
    _read(RUNNER_ENV_SANDBOX, "`auto`", "How stages are contained: `auto`, `bwrap`, `landlock`, `docker`, `none`."),
    _read(RUNNER_ENV_SANDBOX_IMAGE, "–", "The image for sandbox level `docker`."),
    _read(RUNNER_ENV_MAX_MEMORY_MB, "90 % of the machine's", "Upper bound of `security.max_memory_mb`."),
    _read(RUNNER_ENV_MAX_PROCESSES, "4096", "Upper bound of `security.max_processes`."),
    _read(RUNNER_ENV_MAX_DISK_MB, "20000", "Upper bound of `security.max_disk_mb`."),
    _read(RUNNER_ENV_MAX_OUTPUT_MB, "20", "Upper bound of `security.max_output_mb`."),
    _read(RUNNER_ENV_MAX_OPEN_FILES, "65536", "Upper bound of `security.max_open_files`; at least 64."),
    _read(RUNNER_ENV_OBSERVE, "on", "`off`: do not observe which programs the stages execute."),
)


def variables_markdown() -> str:
    """The table as Markdown, one section for each direction, for the docs page."""
    return "\n".join([*_section("injected", "Injected"), "", *_section("read", "Read")]) + "\n"


def _section(direction: Direction, title: str) -> list[str]:
    rows = [
        f"| `{v.name}` | {_stages(v)} | {v.default or '–'} | {v.meaning} |"
        for v in VARIABLES
        if v.direction == direction
    ]
    return [f"## {title}", "", "| variable | stages | default | meaning |", "|---|---|---|---|", *rows]


def _stages(variable: Variable) -> str:
    if variable.stages == ALL_STAGES:
        return "all"
    return ", ".join(f"`{stage}`" for stage in variable.stages) or "the runner"
