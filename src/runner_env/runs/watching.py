"""Whoever watches a run must not change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner_env.runs.inputs import Observer


@dataclass(slots=True)
class Watched:
    """Hands events to an observer until it fails.

    Attributes:
        observer: takes each event.
        failure: what it raised; empty while all is well.
    """

    observer: Observer
    failure: str = ""

    def __call__(self, event: str, data: Mapping[str, Any]) -> None:
        """Hand on one event. An exception that means to end the program passes."""
        if self.failure:
            return
        try:
            self.observer(event, data)
        except Exception as error:  # noqa: BLE001 - kept, and becomes a note: the evidence is written, the run goes on
            self.failure = f"{type(error).__name__}: {error}"
