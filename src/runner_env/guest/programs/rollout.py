"""The generic rollout: ask a model, judge its answers, write samples.

The model is OPENAI_MODEL or AIDER_LLM_MODEL at OPENAI_BASE_URL or OPENAI_API_BASE, or where `runtime_env.json` says;
OPENAI_API_KEY is its key. In the snapshot of a dataset the first AIDER_EVAL_LIMIT questions are asked; elsewhere
questions about the repository, whose answers nobody can judge. Writes `.aider_fsm/rollout.json` and
`$AIDER_FSM_ARTIFACTS_DIR/rollout_samples.jsonl`.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner_env.guest.programs.client import Client, RequestFailed
from runner_env.guest.programs.dataset import find_split, read_items
from runner_env.guest.programs.hints import stated_commands
from runner_env.guest.programs.prompts import Prompt, question_prompt, repository_prompts
from runner_env.guest.programs.surroundings import (
    OWN_FOLDER,
    Place,
    Unusable,
    deadline,
    read_object,
    whole_number,
    write_json,
    write_lines,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner_env.wire.model import Completion

OPENAI = "https://api.openai.com/v1"
AT_ONCE = 8
MAX_TOKENS = 256
REQUEST_SECONDS = 120
_SHOWN_ERRORS = 3


@dataclass(frozen=True)
class Asked:
    """What became of one prompt: a completion, or the reason why there is none."""

    prompt: Prompt
    completion: Completion | None
    error: RequestFailed | None
    seconds: float


def client_from(env: Mapping[str, str], runtime: Mapping[str, Any], started: float) -> Client:
    """The endpoint that the variables, or the deployed service, describe.

    Args:
        env: the variables.
        runtime: the object in `runtime_env.json`.
        started: when the program began, on the monotonic clock; AIDER_FSM_MAX_CMD_SECONDS counts from it.

    Raises:
        Unusable: there is no model, or no usable address.
    """
    inference, service = (part if isinstance(part, dict) else {} for part in map(runtime.get, ("inference", "service")))
    model = env.get("AIDER_LLM_MODEL") or env.get("OPENAI_MODEL") or inference.get("model")
    if not model:
        raise Unusable("missing_model: pass llm=… to the runner, or set OPENAI_MODEL")
    stated = (inference.get("openai_base_url"), inference.get("base_url"), service.get("base_url"))
    base = env.get("OPENAI_BASE_URL") or env.get("OPENAI_API_BASE") or next(filter(None, stated), "") or OPENAI
    base = str(base).strip().rstrip("/")
    key = env.get("OPENAI_API_KEY", "").strip()
    if base == OPENAI and not key:
        raise Unusable("missing_endpoint: set OPENAI_BASE_URL, or OPENAI_API_KEY for OpenAI's own endpoint")
    return Client(
        base if base.endswith("/v1") else base + "/v1",
        str(model),
        key,
        max_tokens=whole_number(env, "AIDER_FSM_MAX_TOKENS", MAX_TOKENS),
        timeout_s=whole_number(env, "AIDER_FSM_REQUEST_TIMEOUT_SECONDS", REQUEST_SECONDS),
        deadline=deadline(env, started),
    )


def prompts_for(place: Place, env: Mapping[str, str]) -> tuple[list[Prompt], Path | None]:
    """What to ask, and the dataset's file that it is from.

    Raises:
        Unusable: the dataset cannot be read.
    """
    limit = place.limit(env)
    split = find_split(place.repo)
    items = read_items(split, limit) if split else []
    if items:
        return [question_prompt(item) for item in items], split
    return repository_prompts(place.repo, stated_commands(env), limit), None


def ask_all(client: Client, prompts: Sequence[Prompt], at_once: int) -> list[Asked]:
    """Ask everything, `at_once` at a time. The order stays."""

    def ask(prompt: Prompt) -> Asked:
        started = time.monotonic()
        try:
            return Asked(prompt, client.ask(prompt.text), None, time.monotonic() - started)
        except RequestFailed as error:
            return Asked(prompt, None, error, time.monotonic() - started)

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(ask, prompts))


def samples_of(asked: Sequence[Asked], model: str) -> list[dict[str, Any]]:
    """A sample for each prompt that was answered; a request that failed makes none."""
    samples = []
    for number, one in enumerate(asked):
        said = one.completion
        if said is None:
            continue
        meta = {
            "index": number,
            "model": model,
            "judged": one.prompt.judged,
            "expected": list(one.prompt.answers),
            "finish_reason": said.stop,
            "truncated": said.truncated,
            "input_tokens": said.input_tokens,
            "output_tokens": said.output_tokens,
            "latency_ms": round(one.seconds * 1000),
        }
        samples.append(
            {"prompt": one.prompt.text, "completion": said.text, "reward": one.prompt.reward(said.text), "meta": meta}
        )
    return samples


def report_of(asked: Sequence[Asked], samples: Sequence[Mapping[str, Any]], requests: int) -> dict[str, Any]:
    """Counts, usage and errors for `rollout.json`.

    `counts.samples` are the attempted prompts, answered or not. `ok` is left out where none was answered: that is the
    endpoint's doing, and false would blame the target. `success_rate` is over the answered and judged ones.
    """
    errors = [(number, one.error) for number, one in enumerate(asked) if one.error]
    judged = [sample["reward"] for sample in samples if sample["meta"]["judged"]]
    known = [(sample["meta"]["input_tokens"], sample["meta"]["output_tokens"]) for sample in samples]
    whole = known and all(None not in pair for pair in known)
    latencies = [sample["meta"]["latency_ms"] for sample in samples]
    return {
        **({"ok": True} if samples else {}),
        "counts": {
            "samples": len(asked),
            "answered": len(samples),
            "correct": sum(reward == 1.0 for reward in judged),
            "errors": len(errors),
        },
        "n_episodes": len(asked),
        "success_rate": sum(judged) / len(judged) if judged else None,
        "avg_latency_ms": sum(latencies) / len(latencies) if latencies else None,
        "usage": {
            "input_tokens": sum(pair[0] for pair in known) if whole else None,
            "output_tokens": sum(pair[1] for pair in known) if whole else None,
            "requests": requests,
        },
        "failures_by_type": dict(sorted(Counter(error.kind for _, error in errors).items())),
        "errors": [{"index": number, "kind": error.kind, "message": str(error)} for number, error in errors][
            :_SHOWN_ERRORS
        ],
    }


def run(env: Mapping[str, str], started: float) -> int:
    """Roll out; returns the exit code."""
    place = Place.of(env)
    stated = env.get("AIDER_RUNTIME_ENV_PATH") or place.repo / OWN_FOLDER / "runtime_env.json"
    client = client_from(env, read_object(Path(stated)), started)
    at_once = whole_number(env, "AIDER_FSM_CONCURRENCY", AT_ONCE)
    prompts, split = prompts_for(place, env)
    asked = ask_all(client, prompts, at_once)
    samples = samples_of(asked, client.model)
    path = place.artifacts / "rollout_samples.jsonl"
    write_lines(path, samples)
    report = {
        **report_of(asked, samples, client.requests),
        **place.stamp(),
        "mode": place.mode,
        "model": client.model,
        "judged": any(prompt.judged for prompt in prompts),
        "paths": {"samples_jsonl": place.shown(path)},
        "sha256": {"samples_jsonl": hashlib.sha256(path.read_bytes()).hexdigest()},
    }
    write_json(
        place.repo / OWN_FOLDER / "rollout.json",
        {**report, "dataset": {"path": place.shown(split)}} if split else report,
    )
    return _tell(report)


def _tell(report: Mapping[str, Any]) -> int:
    """Say how it went; 0 also without any answer, which the counts tell the runner."""
    counts = report["counts"]
    for error in report["errors"]:
        sys.stderr.write(f"no answer to prompt {error['index']}: {error['kind']}: {error['message']}\n")
    right = f", {counts['correct']} correct" if report["judged"] else ", which nobody can judge"
    sys.stdout.write(
        f"{counts['answered']} of {counts['samples']} prompts answered{right}; {counts['errors']} errors\n"
    )
    return 0


def main() -> int:
    """Run on this process's environment.

    Returns:
        0, or 1 if nothing could be asked; standard error says why.
    """
    try:
        return run(os.environ, time.monotonic())
    except (Unusable, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
