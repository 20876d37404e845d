"""Honest twins of the hostile cases: everyday work of real projects, which no level may hinder or speak against."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

Case = Mapping[str, Any]


@pytest.fixture(scope="module")
def figures() -> Iterator[Counter[str]]:
    """Counts what was asked and what was hindered; printed at the end."""
    found: Counter[str] = Counter()
    yield found
    alarms = ", ".join(
        f"{level}: {found[f'alarms {level}']} of {found[level]}" for level in ("bwrap", "landlock", "none")
    )
    print(f"\nfalse alarms on honest twins (goal 0): {alarms}")  # noqa: T201 - a figure to be read


def test_an_honest_command_is_neither_hindered_nor_blamed(
    honest: Case, level: str, ground: Any, alive: Callable[[Path], list[int]], figures: Counter[str]
) -> None:
    """It passes, with its score and without any finding, note included, and leaves nothing running."""
    for program in honest.get("needs", ()):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed, and a project without it does not need this to work")
    ground.write(honest.get("files", {}))
    if honest.get("git"):
        ground.write({".gitignore": ".aider_fsm\npipeline.yml\n", "README": "read me\n"})
        ground.commit()
    sections = {name: honest[name] for name in ("security",) if name in honest}
    if "deploy" in honest:
        sections["deploy"] = {"setup_cmds": [honest["deploy"]]}
    figures[level] += 1
    figures[f"alarms {level}"] += 1
    evaluation = {"run_cmds": [honest["input"], ground.good], "metrics_path": ".aider_fsm/metrics.json"}
    ground.write({"pipeline.yml": {"version": 1, "evaluation": evaluation, **sections}})
    result = ground.run(sandbox=level, network=honest.get("network"))
    ran = result.verify.evaluation.results
    told = [f"{finding} {finding.code}" for finding in result.findings if finding.code != "tracked_files_changed"]
    assert result.ok, (told, [(one.rc, one.stdout[-600:], one.stderr[-600:]) for one in ran])
    assert (result.score, told) == (0.5, [])
    assert alive(ground.root) == []
    figures[f"alarms {level}"] -= 1
