"""benchmark: how fast the service answers. The score is the share of right answers that came in time."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import service

REQUESTS = {"smoke": 100, "full": 1000}
CLIENTS = 4
BOUND_SECONDS = 2.0  # far above what a slow machine needs: this finds a service that hangs, not a slow disk


def main() -> None:
    """Ask one question many times, and write `benchmark.json`."""
    base_url = service.same_instance(service.runtime())
    question, answer = "Which question is asked over and over?", "This one."
    service.call(f"{base_url}/questions", {"question": question, "answer": answer})

    def seconds(_: int) -> float:
        started = time.monotonic()
        try:
            said = service.call(f"{base_url}/ask", {"question": question}).get("answer")
        except service.StageFailed:
            said = None
        return time.monotonic() - started if said == answer else float("inf")

    count = REQUESTS.get(os.environ.get("AIDER_EVAL_MODE") or "smoke", REQUESTS["smoke"])
    started = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        taken = sorted(pool.map(seconds, range(count)))
    whole = time.monotonic() - started
    answered = [value for value in taken if value != float("inf")]
    metrics = {
        "ok": bool(answered),
        "score": sum(value <= BOUND_SECONDS for value in taken) / count,
        "bound_seconds": BOUND_SECONDS,
        "requests": count,
        "failed": count - len(answered),
        "requests_per_second": round(len(answered) / whole, 1),
        "p95_ms": round(answered[int(0.95 * (len(answered) - 1))] * 1000, 2) if answered else None,
    }
    service.write_json(service.REPO / ".aider_fsm/benchmark.json", metrics)
    print(f"{metrics['requests_per_second']} requests/s, p95 {metrics['p95_ms']} ms, {metrics['failed']} failed")
    if not answered:
        raise service.StageFailed("no request was answered")


if __name__ == "__main__":
    sys.exit(service.run(main))
