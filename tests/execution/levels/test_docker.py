"""The command line for a container engine, and how its absence is found out."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from runner_env.execution.levels import Places
from runner_env.execution.levels.docker import Docker, container_argv

PLACES = Places(
    workspace=Path("/w, with comma"),
    home=Path("/s/home"),
    tmp=Path("/s/tmp"),
    cache=Path("/s/cache"),
    canary=Path("/s/canary"),
    visible=(Path("/opt/python"),),
    fixed=(Path("/w, with comma/pipeline.yml"),),
)


def test_command_line() -> None:
    """The keeper is the entry point, nothing else is writable, no privileges, no pull, no init."""
    argv = container_argv("/bin/docker", "image:1", ["/opt/python/bin/python", "-I"], PLACES, "none")
    assert argv[:2] == ["/bin/docker", "run"]
    assert argv[-2:] == ["image:1", "-I"]
    assert argv[argv.index("--entrypoint") + 1] == "/opt/python/bin/python"
    assert argv[argv.index("--network") + 1] == "none"
    assert argv[argv.index("--cap-drop") + 1] == "ALL"
    assert "--init" not in argv
    assert "--privileged" not in argv
    mounts = [argv[at + 1] for at, word in enumerate(argv) if word == "--mount"]
    assert "type=bind,source=/opt/python,target=/opt/python,readonly" in mounts
    assert 'type=bind,"source=/w, with comma","target=/w, with comma"' in mounts
    assert mounts[-1] == 'type=bind,"source=/w, with comma/pipeline.yml","target=/w, with comma/pipeline.yml",readonly'
    assert not any("docker.sock" in word for word in argv)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'no daemon' >&2; exit 1", "no daemon"),
        ("sleep 30", "does not answer within 2 s"),
        ("echo 27.0", "names no image"),
    ],
)
def test_an_engine_that_does_not_run_is_found_out_fast(tmp_path: Path, script: str, reason: str) -> None:
    """The reason is the engine's own last word, or its silence."""
    program = tmp_path / "docker"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    started = time.monotonic()
    assert reason in Docker().missing({"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert time.monotonic() - started < 15


def test_no_engine(tmp_path: Path) -> None:
    """Neither program is there."""
    assert "installed" in Docker().missing({"PATH": str(tmp_path)})
