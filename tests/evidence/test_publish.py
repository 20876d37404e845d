"""The published copy."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runner_env.core import Ending, Finding, Outcome, Where
from runner_env.errors import EvidenceError
from runner_env.evidence import Publisher


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where a run in a workspace publishes."""
    return tmp_path / "workspace" / ".aider_fsm" / "artifacts" / "run-1"


@pytest.fixture
def captures(tmp_path: Path) -> tuple[Path, Path]:
    """Captured stdout and stderr."""
    stdout, stderr = tmp_path / "stdout", tmp_path / "stderr"
    stdout.write_bytes(b"out \xff\n")
    stderr.write_bytes(b"err\n")
    return stdout, stderr


def test_a_failed_command(root: Path, captures: tuple[Path, Path], names: Callable[[Path], list[str]]) -> None:
    """The four files of a try carry the predecessor's names, its exit code and its exact output (B031)."""
    outcome = Outcome(Ending.EXITED, 7, 0.25)
    Publisher(root).command("rollout", 1, 1, text="exit 7", stdout=captures[0], stderr=captures[1], outcome=outcome)
    assert names(root) == [
        f"rollout_cmd01_try01_{end}" for end in ("cmd.txt", "result.json", "stderr.txt", "stdout.txt")
    ]
    assert (root / "rollout_cmd01_try01_cmd.txt").read_bytes() == b"exit 7\n"
    assert (root / "rollout_cmd01_try01_stdout.txt").read_bytes() == b"out \xff\n"
    assert (root / "rollout_cmd01_try01_stderr.txt").read_bytes() == b"err\n"
    result = json.loads((root / "rollout_cmd01_try01_result.json").read_bytes())
    assert result == {"rc": 7, "timed_out": False, "duration_s": 0.25, "ending": "exited"}


def test_every_try_has_its_files(root: Path, captures: tuple[Path, Path]) -> None:
    """A retried command publishes try01 and try02 side by side (B032)."""
    publisher = Publisher(root)
    for attempt, ending in ((1, Ending.TIMED_OUT), (2, Ending.EXITED)):
        outcome = Outcome(ending, 124 if attempt == 1 else 0, 1.0, reason="3 s" if attempt == 1 else "")
        publisher.command("tests", 12, attempt, text="x", stdout=captures[0], stderr=captures[1], outcome=outcome)
    first, second = (json.loads((root / f"tests_cmd12_try0{n}_result.json").read_bytes()) for n in (1, 2))
    assert (first["timed_out"], first["rc"], first["reason"]) == (True, 124, "3 s")
    assert (second["timed_out"], second["rc"], "reason" in second) == (False, 0, False)


def test_a_summary(root: Path) -> None:
    """A stage's summary says which result failed it, and what was found with its place (B031)."""
    finding = Finding("metrics_missing", "No metrics.", where=Where("pipeline.yml", 3), hint="Write them.")
    Publisher(root).summary("evaluation", ok=False, failed_index=0, total_results=2, findings=[finding])
    summary = json.loads((root / "evaluation_summary.json").read_bytes())
    assert (summary["ok"], summary["failed_index"], summary["total_results"]) == (False, 0, 2)
    assert summary["findings"] == [
        {
            "code": "metrics_missing",
            "message": "No metrics.",
            "where": "pipeline.yml:3",
            "hint": "Write them.",
            "verdict": "failed",
        }
    ]


def test_nothing_is_overwritten(root: Path, names: Callable[[Path], list[str]]) -> None:
    """A name that is taken is an error, and the file stays."""
    publisher = Publisher(root)
    publisher.text("a.txt", "first")
    for write in (lambda: publisher.text("a.txt", "second"), lambda: publisher.json("a.txt", {})):
        with pytest.raises(EvidenceError) as caught:
            write()
        assert caught.value.code == "evidence_exists"
    assert (root / "a.txt").read_text() == "first"
    assert names(root) == ["a.txt"]


@pytest.mark.parametrize("linked", ["", ".aider_fsm", ".aider_fsm/artifacts", ".aider_fsm/artifacts/run-1"])
def test_links_are_refused(tmp_path: Path, root: Path, linked: str) -> None:
    """A target that puts a link on the way cannot lead the copy elsewhere; the workspace itself may be a link."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    place = tmp_path / "workspace" / linked
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(elsewhere)
    if not linked:
        Publisher(root).text("a.txt", "x")
        assert (elsewhere / ".aider_fsm" / "artifacts" / "run-1" / "a.txt").exists()
        return
    with pytest.raises(EvidenceError, match="symbolic link"):
        Publisher(root).text("a.txt", "x")
    with pytest.raises(EvidenceError, match="symbolic link"):
        Publisher.next_pass(root, "rollout")
    assert not list(elsewhere.iterdir())


def test_a_link_that_appears_later(tmp_path: Path, root: Path) -> None:
    """The way is looked at anew for each file, so swapping the folder for a link in the middle of a run is refused."""
    publisher = Publisher(root)
    publisher.text("first.txt", "x")
    root.rename(root.with_name("moved"))
    root.symlink_to(tmp_path)
    with pytest.raises(EvidenceError, match="symbolic link"):
        publisher.text("a.txt", "x")
    assert not (tmp_path / "a.txt").exists()


def test_only_regular_files_are_published(tmp_path: Path, root: Path) -> None:
    """Neither a link nor a pipe is copied, and the copy is not the evidence itself."""
    publisher = Publisher(root)
    (tmp_path / "source").write_bytes(b"x")
    (tmp_path / "link").symlink_to("source")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "missing"):
        with pytest.raises(EvidenceError):
            publisher.file("copy", tmp_path / name)
    publisher.file("copy", tmp_path / "source")
    assert (root / "copy").read_bytes() == b"x"
    assert not (root / "copy").samefile(tmp_path / "source")


@pytest.mark.parametrize("value", [float("nan"), object(), {1: {2j}}])
def test_values_that_are_no_json(root: Path, value: object) -> None:
    """What JSON does not have is an evidence error, and no file appears."""
    with pytest.raises(EvidenceError, match="cannot be published as JSON"):
        Publisher(root).json("x.json", value)
    assert not root.exists()


@pytest.mark.parametrize("name", ["../x", "/x", ""])
def test_names_stay_inside(root: Path, name: str) -> None:
    """No name leads out of the published folder, and no pass either."""
    with pytest.raises(EvidenceError, match="cannot be the name"):
        Publisher(root).text(name, "x")
    with pytest.raises(EvidenceError):
        Publisher.next_pass(root, name)
    with pytest.raises(EvidenceError, match="cannot be the name"):
        Publisher(root / ".." / "x")


def test_text_that_utf8_does_not_have(root: Path) -> None:
    """A command with a lone surrogate is published escaped instead of being lost."""
    Publisher(root).text("a/b.txt", "caf\udce9 世界")
    assert (root / "a" / "b.txt").read_text(encoding="utf-8") == "caf\\udce9 世界"


def test_passes_are_numbered(root: Path) -> None:
    """Each pass gets a folder of its own, also when two ask at once; a second rollout keeps the first one's files."""
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: Publisher.next_pass(root, "rollout"), range(12)))
    assert sorted(path.name for path in made) == [f"rollout_attempt_{n:02d}" for n in range(1, 13)]
    assert Publisher.next_pass(root, "evaluation") == root / "evaluation_attempt_01"


def test_a_folder_that_the_user_named(tmp_path: Path) -> None:
    """Outside a workspace, folders are made as needed, and the way there may have links."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    Publisher(tmp_path / "link" / "deep" / "out").text("a.txt", "x")
    assert (tmp_path / "real" / "deep" / "out" / "a.txt").exists()
