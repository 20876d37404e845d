"""rollout: teach the service some questions, ask them again, reward the right answers.

No model takes part: the id that the run is about is only recorded. AIDER_EVAL_LIMIT sets the number of questions.
"""

from __future__ import annotations

import json
import os
import sys

import service

QUESTIONS = {"smoke": 8, "full": 64}


def questions(count: int) -> dict[str, str]:
    """Questions with their right answers."""
    pairs = [(7 * number + 11, 3 * number + 2) for number in range(count)]
    return {f"What is {left} × {right}?": str(left * right) for left, right in pairs}


def wanted(mode: str, limit: str) -> int:
    """How many questions to ask."""
    if mode not in QUESTIONS:
        raise service.StageFailed(f"AIDER_EVAL_MODE must be smoke or full, not {mode!r}")
    if not limit:
        return QUESTIONS[mode]
    if not limit.isdecimal() or int(limit) < 1:
        raise service.StageFailed(f"AIDER_EVAL_LIMIT must be a whole number from 1 up, not {limit!r}")
    return int(limit)


def main() -> None:
    """Teach, ask, write the samples and `rollout.json`."""
    base_url = service.same_instance(service.runtime())
    mode = os.environ.get("AIDER_EVAL_MODE") or "smoke"
    truth = questions(wanted(mode, os.environ.get("AIDER_EVAL_LIMIT", "")))
    for question, answer in truth.items():
        service.call(f"{base_url}/questions", {"question": question, "answer": answer})
    samples = []
    for number, (question, answer) in enumerate(truth.items()):
        said = service.call(f"{base_url}/ask", {"question": question}).get("answer", "")
        reward = 1.0 if said == answer else 0.0
        samples.append({"prompt": question, "completion": said, "reward": reward, "meta": {"question": number}})

    path = service.ARTIFACTS / "rollout_samples.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    correct = sum(sample["reward"] == 1.0 for sample in samples)
    place = path.relative_to(service.REPO).as_posix() if path.is_relative_to(service.REPO) else str(path)
    report = {
        "ok": True,
        "mode": mode,
        "model": os.environ.get("AIDER_LLM_MODEL") or os.environ.get("OPENAI_MODEL"),
        "counts": {"samples": len(samples), "errors": 0, "correct": correct},
        "paths": {"samples_jsonl": place},
    }
    service.write_json(service.REPO / ".aider_fsm/rollout.json", report)
    print(f"{len(samples)} samples, {correct} correct")


if __name__ == "__main__":
    sys.exit(service.run(main))
