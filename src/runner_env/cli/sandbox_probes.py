"""What `runner-env doctor` finds out about the sandbox levels: each is tried by opening a box as a run does."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from runner_env.errors import RunnerEnvError
from runner_env.reporting.doctor import Row
from runner_env.reporting.words import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_env.execution.levels import Guarantees
    from runner_env.settings import Settings

_LEVELS = ("bwrap", "landlock", "docker")


def sandbox_rows(settings: Settings) -> Iterator[Row]:
    """One row for each level that contains anything, and one for a run without a network."""
    from runner_env.execution.levels import AUTO

    held = {name: _try(name, settings) for name in _LEVELS}
    for name, found in held.items():
        yield _row(name, found)
    taken = next((name for name in AUTO if name == "none" or not isinstance(held[name], RunnerEnvError)), "none")
    status, hint = ("ok", "") if taken != "none" else ("warn", "Without one, stages run with all your rights.")
    yield Row("sandbox auto", "ok" if status == "ok" else "warn", f"takes {taken}", hint)


def _row(name: str, found: Guarantees | RunnerEnvError) -> Row:
    if isinstance(found, RunnerEnvError):
        reason = found.message.partition(f"{name}: ")[2] or found.message
        optional = name == "docker"
        return Row(
            f"sandbox {name}", "ok" if optional else "warn", f"not available: {one_line(reason)}", found.hint or ""
        )
    from dataclasses import fields

    kept = [field.name for field in fields(found) if getattr(found, field.name).held == "enforced"]
    return Row(f"sandbox {name}", "ok", f"holds; enforced without a network: {', '.join(kept)}")


def _try(name: str, settings: Settings) -> Guarantees | RunnerEnvError:
    from runner_env.execution import Box
    from runner_env.execution.levels import Places, Wanted
    from runner_env.execution.levels.hidden import hidden_places, secret_places
    from runner_env.execution.levels.visible import visible_places

    environ = settings.environ
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder).resolve()
        for part in ("workspace", "home", "tmp", "cache"):
            (base / part).mkdir()
        (base / "canary").write_text("no stage can read this\n", encoding="utf-8")
        hidden = hidden_places(environ, settings.home)
        places = Places(
            workspace=base / "workspace",
            home=base / "home",
            tmp=base / "tmp",
            cache=base / "cache",
            canary=base / "canary",
            hidden=hidden,
            secrets=secret_places(environ),
            visible=visible_places(environ, hidden),
        )
        try:
            with Box.open(Wanted.only(name, "none"), places, environ=environ) as box:
                return box.await_ready().guarantees
        except RunnerEnvError as error:
            return error
