"""evaluation: the share of the questions in the SQLite file that the service answers as the file does."""

from __future__ import annotations

import sqlite3
import sys

import service


def truth() -> dict[str, str]:
    """Questions and answers, read from the file behind the service's back."""
    try:
        database = sqlite3.connect(f"{service.DATABASE.as_uri()}?mode=ro", uri=True)
    except sqlite3.Error as error:
        raise service.StageFailed(f"cannot open {service.DATABASE}: {error}") from error
    try:
        return dict(database.execute("SELECT question, answer FROM questions ORDER BY id"))
    except sqlite3.Error as error:
        raise service.StageFailed(f"cannot read {service.DATABASE}: {error}") from error
    finally:
        database.close()


def main() -> None:
    """Compare, and write `metrics.json`."""
    base_url = service.same_instance(service.runtime())
    known = truth()
    if not known:
        raise service.StageFailed("the bank is empty: there is nothing to score; run the rollout first")
    right = 0
    for question, answer in known.items():
        right += service.call(f"{base_url}/ask", {"question": question}).get("answer") == answer
    metrics = {"ok": True, "score": right / len(known), "right": right, "asked": len(known)}
    service.write_json(service.REPO / ".aider_fsm/metrics.json", metrics)
    print(f"{right} of {len(known)} answers are right")


if __name__ == "__main__":
    sys.exit(service.run(main))
