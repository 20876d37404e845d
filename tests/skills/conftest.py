"""Files of skill testing in a temporary directory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.skills.case import load_case
from runner_env.skills.config import Config, ConfigSources, load_config
from runner_env.skills.values import Case

SKILL = "---\nname: greeter\ndescription: Greets people by name.\n---\n# Greeter\n\nGreet.\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a file below the test's directory."""

    def _write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        return path

    return _write


@pytest.fixture
def case(tmp_path: Path, write: Callable[[str, str], Path]) -> Callable[..., Case]:
    """Load a case from YAML text, after a skill and an input; with an eval if the text has none."""

    def _case(text: str, *, name: str = "case.yaml") -> Case:
        tail = "" if "evals:" in text else "evals:\n  - {type: boolean, criterion: greets}\n"
        write(name, f"skill: skills/greeter\ninput: hi\n{text}{tail}")
        return load_case(name, tmp_path)

    return _case


@pytest.fixture
def config(tmp_path: Path, write: Callable[[str, str], Path]) -> Callable[..., Config]:
    """Load a config from YAML text, environment and `--set`."""

    def _config(text: str | None = None, *, environ: dict[str, str] | None = None, **more: object) -> Config:
        if text is not None:
            write("skilltest.yaml", text)
        return load_config(ConfigSources(environ=environ or {}, cwd=tmp_path, **more))  # type: ignore[arg-type]

    return _config


@pytest.fixture
def skill_folder(write: Callable[[str, str], Path]) -> Callable[..., str]:
    """A skill's directory, named as given, with the text as its SKILL.md."""

    def _skill(name: str = "greeter", text: str = SKILL) -> str:
        write(f"skills/{name}/SKILL.md", text)
        return f"skills/{name}"

    return _skill
