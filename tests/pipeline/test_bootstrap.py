"""What a bootstrap depends on, and what is remembered of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner_env.contract.model import Bootstrap, CommandSpec
from runner_env.core import Ambient, Where
from runner_env.pipeline.bootstrap import BootstrapMemory, fingerprint, listing


def bootstrap(*commands: str, sha256: str = "0", workdir: str | None = None) -> Bootstrap:
    """A parsed file."""
    where = Where("b.yml", 1, 1)
    specs = tuple(CommandSpec(text, where) for text in commands)
    return Bootstrap("b.yml", sha256, specs, {}, workdir, None, 0, where)


@pytest.fixture
def memory(tmp_path: Path) -> BootstrapMemory:
    """A memory of an empty workspace."""
    (tmp_path / "repo/.aider_fsm/artifacts").mkdir(parents=True)
    return BootstrapMemory(tmp_path / "state", tmp_path / "repo", lambda _: False)


@pytest.mark.parametrize(
    ("command", "workdir", "depends"),
    [
        ("pip install -r deps/a.in", None, True),
        ("pip install -r ./deps/a.in; echo", None, True),
        ("pip install -rdeps/a.in", None, True),
        ("pip install --requirement=deps/a.in&&true", None, True),
        ("cd deps && pip install -r a.in", None, True),
        ("pip install -r a.in", "deps", True),
        ('cat "$AIDER_FSM_REPO_ROOT/deps/a.in"', None, True),
        ("cat ${AIDER_FSM_REPO_ROOT}/deps/a.in | sh", None, True),
        ("cat < deps/a.in", None, True),
        ("bash deps/run.sh", None, True),
        ("./deps/run.sh", None, True),
        ("echo > deps/a.in", None, False),
        ("echo 2>>deps/a.in", None, False),
        ("echo done # deps/a.in", None, False),
        ("echo 'unbalanced deps/a.in", None, True),
        ("echo a.in", None, False),
        ("true", None, False),
    ],
)
def test_what_a_command_names_is_a_dependency(tmp_path: Path, command: str, workdir: str | None, depends: bool) -> None:
    """Every file of the repository that a command reads by name, in whatever spelling; not what it writes."""
    (tmp_path / "deps").mkdir()
    (tmp_path / "deps/a.in").write_text("one")
    (tmp_path / "deps/run.sh").write_text("pip install -r deps/a.in\n")
    parsed = bootstrap(command, workdir=workdir)
    before = fingerprint(parsed, tmp_path, {})
    (tmp_path / "deps/a.in").write_text("two")
    assert (fingerprint(parsed, tmp_path, {}) != before) is depends


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements-dev.txt", "requirements/x.txt", "package.json"])
def test_a_manifest_is_a_dependency(tmp_path: Path, name: str) -> None:
    """Manifests and lock files at the root count when they come, change and go."""
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    seen = [fingerprint(bootstrap(), tmp_path, {})]
    for text in ("one", "two"):
        path.write_text(text)
        seen.append(fingerprint(bootstrap(), tmp_path, {}))
    assert len(set(seen)) == 3
    path.unlink()
    assert fingerprint(bootstrap(), tmp_path, {}) == seen[0]


def test_what_it_made_is_no_dependency(tmp_path: Path) -> None:
    """A lock file that the bootstrap itself made does not make it run again."""
    before = fingerprint(bootstrap("touch poetry.lock"), tmp_path, {})
    (tmp_path / "poetry.lock").write_text("made")
    made = frozenset({tmp_path / "poetry.lock"})
    assert fingerprint(bootstrap("touch poetry.lock"), tmp_path, {}, made) == before


def test_files_outside_are_no_dependency(tmp_path: Path) -> None:
    """What lies outside the repository, also behind a link, is not read."""
    (tmp_path / "repo").mkdir()
    (tmp_path / "out.txt").write_text("one")
    (tmp_path / "repo/link").symlink_to("../out.txt")
    parsed = bootstrap(f"cat ../out.txt link {tmp_path}/out.txt")
    before = fingerprint(parsed, tmp_path / "repo", {})
    (tmp_path / "out.txt").write_text("two")
    assert fingerprint(parsed, tmp_path / "repo", {}) == before


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60), st.text(max_size=20))
def test_any_text_has_a_fingerprint(tmp_path_factory: pytest.TempPathFactory, command: str, value: str) -> None:
    """Whatever a command is, its fingerprint exists, is stable, and changes with the variables."""
    repo = tmp_path_factory.getbasetemp() / "fingerprints"
    repo.mkdir(exist_ok=True)
    first = fingerprint(bootstrap(command), repo, {"A": value})
    assert first == fingerprint(bootstrap(command), repo, {"A": value})
    assert first != fingerprint(bootstrap(command), repo, {"A": value + "x"})
    assert first != fingerprint(bootstrap(command, sha256="1"), repo, {"A": value})


def test_remember_and_forget(memory: BootstrapMemory) -> None:
    """What was remembered is known, until it is forgotten; then nothing is left in the runner's state."""
    wanted = fingerprint(bootstrap(), memory.repo, {})
    made = frozenset({memory.repo / "venv"})
    memory.remember(wanted, "run-1", made, Ambient())
    assert memory.made() == made
    assert memory.done_by(bootstrap(), {}) is None
    (memory.repo / "venv").mkdir()
    assert memory.done_by(bootstrap(), {}) == "run-1"
    assert memory.done_by(bootstrap(sha256="other"), {}) is None
    assert memory.done_by(bootstrap(), {"NEW": ""}) is None
    memory.forget()
    assert memory.done_by(bootstrap(), {}) is None
    assert list(memory.state.iterdir()) == []


def test_a_failure_is_remembered_only_for_what_it_made(memory: BootstrapMemory) -> None:
    """A failed bootstrap is never done, but what it made is known."""
    memory.remember("", "run-1", frozenset({memory.repo}), Ambient())
    assert memory.made() == {memory.repo}
    assert memory.done_by(bootstrap(), {}) is None


def test_a_tracked_marker_is_no_marker(memory: BootstrapMemory) -> None:
    """A marker that git tracks came with the repository."""
    memory.remember(fingerprint(bootstrap(), memory.repo, {}), "run-1", frozenset(), Ambient())
    assert memory.done_by(bootstrap(), {}) == "run-1"
    believing_nobody = BootstrapMemory(
        memory.state, memory.repo, lambda path: path == ".aider_fsm/artifacts/.bootstrap"
    )
    assert believing_nobody.done_by(bootstrap(), {}) is None


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format": "other@1"}', b"\xff", b"null"])
def test_a_damaged_record_is_none(memory: BootstrapMemory, content: bytes) -> None:
    """What cannot be read in the runner's state means: bootstrap again."""
    memory.remember("x", "run-1", frozenset(), Ambient())
    (record,) = memory.state.iterdir()
    record.write_bytes(content)
    assert memory.done_by(bootstrap(), {}) is None
    assert memory.made() == frozenset()


def test_listing(tmp_path: Path) -> None:
    """What lies at the root and in .aider_fsm, if there is one."""
    assert listing(tmp_path) == frozenset()
    (tmp_path / ".aider_fsm/venv/bin").mkdir(parents=True)
    assert listing(tmp_path) == {tmp_path / ".aider_fsm", tmp_path / ".aider_fsm/venv"}
