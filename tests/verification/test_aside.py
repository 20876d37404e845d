"""What earlier runs left is moved away, and tracked files come back."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner_env.errors import EvidenceError, TargetError
from runner_env.verification import Started, aside, check_metrics, restore, set_aside

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Bench

    from runner_env.contract.model import MetricsSpec

METRICS = ".aider_fsm/metrics.json"
ROLLOUT = ".aider_fsm/rollout.json"
RUNTIME = ".aider_fsm/runtime_env.json"


def names(found: tuple[aside.Aside, ...]) -> list[str]:
    """Where the things were."""
    return [one.relative for one in found]


def test_each_stage_moves_what_it_is_about_to_write(bench: Bench) -> None:
    """RT040: runtime_env before deploy, rollout.json before rollout, metrics before evaluation and benchmark."""
    for stage, path in [
        ("deploy_setup", RUNTIME),
        ("rollout", ROLLOUT),
        ("evaluation", METRICS),
        ("benchmark", METRICS),
    ]:
        for left in (RUNTIME, ROLLOUT, METRICS):
            bench.write(left, {})
        assert names(set_aside(bench.repo, stage, [METRICS], bench.keep)) == [path]
        assert not (bench.repo / path).exists()


@pytest.mark.parametrize("stage", ["bootstrap", "tests", "deploy_health"])
def test_other_stages_move_nothing(bench: Bench, stage: str) -> None:
    """They write no artifact."""
    bench.write(RUNTIME, {})
    assert set_aside(bench.repo, stage, [METRICS], bench.keep) == ()


def test_content_is_safe_in_the_run_directory(bench: Bench) -> None:
    """Nothing of an earlier run is lost."""
    bench.write(METRICS, {"score": 0.77})
    (one,) = set_aside(bench.repo, "evaluation", [METRICS], bench.keep)
    assert json.loads((bench.run_dir / one.stored_at).read_text()) == {"score": 0.77}
    assert not one.tracked


def test_committed_metrics_and_a_stage_that_does_nothing_do_not_pass(
    bench: Bench, spec: Callable[..., MetricsSpec]
) -> None:
    """B067, RT040: the file is missing then, not stale, and certainly no score."""
    bench.write(METRICS, {"ok": True, "score": 0.77})
    set_aside(bench.repo, "evaluation", [METRICS], bench.keep)
    (finding,) = check_metrics(bench.context(), spec(), "evaluation", required=True).findings
    assert finding.code == "metrics_missing"


def test_old_samples_go_with_their_rollout_json(bench: Bench) -> None:
    """The file that the old rollout.json names is moved too."""
    bench.write(ROLLOUT, {"paths": {"samples_jsonl": "out/samples.jsonl"}})
    bench.write("out/samples.jsonl", "{}")
    assert names(set_aside(bench.repo, "rollout", [], bench.keep)) == [ROLLOUT, "out/samples.jsonl"]


@pytest.mark.parametrize("path", ["pipeline.yml", "package.json", "../outside/secret.jsonl", 7, "", "a\0.jsonl"])
def test_samples_path_of_an_old_rollout_cannot_take_other_files_away(bench: Bench, path: object) -> None:
    """An old rollout.json that names sources, or something outside, moves nothing but itself."""
    (bench.repo.parent / "outside" / "secret.jsonl").write_text("secret")
    bench.write("pipeline.yml", "version: 1")
    bench.write("package.json", "{}")
    bench.write(ROLLOUT, {"paths": {"samples_jsonl": path}})
    assert names(set_aside(bench.repo, "rollout", [], bench.keep)) == [ROLLOUT]
    assert (bench.repo / "package.json").exists()
    assert (bench.repo.parent / "outside" / "secret.jsonl").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", b"\xff", "[" * 5000, '{"paths": []}'])
def test_malformed_old_rollout_is_moved_all_the_same(bench: Bench, content: str | bytes) -> None:
    """What an earlier run got wrong does not stop this one."""
    bench.write(ROLLOUT, content)
    assert names(set_aside(bench.repo, "rollout", [], bench.keep)) == [ROLLOUT]


@pytest.mark.parametrize("kind", ["fifo", "socket", "folder", "link_out", "link_loop"])
def test_what_is_no_file_is_renamed_unopened(bench: Bench, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """RT020: at once, and nothing behind a link that leaves is touched."""
    path: Path = bench.repo / METRICS
    monkeypatch.chdir(path.parent)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    else:
        path.symlink_to(bench.repo.parent / "outside" / "secret.json" if kind == "link_out" else path.name)
    begun = time.monotonic()
    (one,) = set_aside(bench.repo, "evaluation", [METRICS], bench.keep)
    assert time.monotonic() - begun < 1
    assert one.renamed
    assert not os.path.lexists(path)
    assert os.path.lexists(bench.repo / one.stored_at)
    assert (bench.repo.parent / "outside" / "secret.json").exists()
    assert bench.asked == []


def test_link_that_stays_inside_keeps_its_place(bench: Bench) -> None:
    """A contract may link its metrics file; what it leads to is moved, the link is left for the stage."""
    bench.write("out/m.json", {})
    (bench.repo / METRICS).symlink_to("../out/m.json")
    assert names(set_aside(bench.repo, "evaluation", [METRICS], bench.keep)) == ["out/m.json"]
    assert (bench.repo / METRICS).is_symlink()
    (bench.repo / METRICS).write_text("{}")
    assert (bench.repo / "out" / "m.json").exists()


@pytest.mark.parametrize("path", ["out/m.json", "missing/m.json", "../outside/secret.json", "src", ".", "a\0b"])
def test_folders_and_paths_that_lead_out_are_left_alone(bench: Bench, path: str) -> None:
    """A folder of sources named as metrics file by mistake must not vanish, nor anything outside."""
    bench.write("src/main.py", "")
    (bench.repo / "out").symlink_to(bench.repo.parent / "outside")
    (bench.repo.parent / "outside" / "m.json").write_text("{}")
    assert set_aside(bench.repo, "evaluation", [path], bench.keep) == ()
    assert (bench.repo / "src" / "main.py").exists()
    assert (bench.repo.parent / "outside" / "m.json").exists()


def test_very_large_file_is_renamed_not_copied(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gigabytes of old samples do not slow down a run."""
    monkeypatch.setattr(aside, "KEPT_BYTES", 3)
    bench.write(METRICS, "1234")
    (one,) = set_aside(bench.repo, "evaluation", [METRICS], bench.keep)
    assert one.renamed
    assert (bench.repo / one.stored_at).read_text() == "1234"


def test_file_stays_if_it_cannot_be_kept(bench: Bench) -> None:
    """A full disk loses nothing."""

    def keep(relative: str, fd: int) -> str:
        raise EvidenceError("evidence_io", f"{relative} {fd}: the disk is full.")

    path = bench.write(METRICS, {})
    with pytest.raises(EvidenceError):
        set_aside(bench.repo, "evaluation", [METRICS], keep)
    assert path.exists()


def test_what_cannot_be_moved_is_an_error(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only checkout: say so, rather than take the old file for a new one."""

    def unlink(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    bench.write(METRICS, {})
    monkeypatch.setattr(os, "unlink", unlink)
    with pytest.raises(TargetError) as caught:
        set_aside(bench.repo, "evaluation", [METRICS], bench.keep)
    assert caught.value.code == "aside_failed"


def test_tracked_file_comes_back_if_it_was_not_written_again(bench: Bench) -> None:
    """A user's checkout looks as before, permissions too; untracked files stay away."""
    path = bench.write(METRICS, {"score": 0.77})
    path.chmod(0o640)
    bench.write("other.json", {})
    found = set_aside(bench.repo, "evaluation", [METRICS, "other.json"], bench.keep, lambda name: name == METRICS)
    assert [one.tracked for one in found] == [True, False]
    assert restore(bench.repo, found, bench.run_dir) == (METRICS,)
    assert json.loads(path.read_text()) == {"score": 0.77}
    assert path.stat().st_mode & 0o777 == 0o640
    assert not (bench.repo / "other.json").exists()
    assert [p.name for p in path.parent.iterdir()] == ["metrics.json"]


def test_tracked_file_that_was_written_again_is_left(bench: Bench) -> None:
    """What the contract wrote is its result."""
    path = bench.write(METRICS, {"score": 0.77})
    found = set_aside(bench.repo, "evaluation", [METRICS], bench.keep, lambda _: True)
    bench.write(METRICS, {"score": 0.5})
    assert restore(bench.repo, found, bench.run_dir) == ()
    assert json.loads(path.read_text()) == {"score": 0.5}


def test_first_content_comes_back_after_two_attempts(bench: Bench) -> None:
    """Between two attempts the contract's own file is moved away; the user's is what comes back."""
    path = bench.write(METRICS, "first")
    found = set_aside(bench.repo, "evaluation", [METRICS], bench.keep, lambda _: True)
    bench.write(METRICS, "second")
    found += set_aside(bench.repo, "evaluation", [METRICS], bench.keep, lambda _: True)
    assert restore(bench.repo, found, bench.run_dir) == (METRICS,)
    assert path.read_text() == "first"


def test_tracked_link_comes_back_as_a_link(bench: Bench) -> None:
    """A committed link that leaves the repository is put back unread."""
    (bench.repo / METRICS).symlink_to("/nowhere/m.json")
    found = set_aside(bench.repo, "evaluation", [METRICS], bench.keep, lambda _: True)
    assert restore(bench.repo, found, bench.run_dir) == (METRICS,)
    assert (bench.repo / METRICS).readlink() == Path("/nowhere/m.json")


def test_nothing_is_put_back_through_a_link_that_leaves(bench: Bench) -> None:
    """A stage that replaces the folder by a link outside gets nothing written there."""
    bench.write("out/m.json", "x")
    found = set_aside(bench.repo, "evaluation", ["out/m.json"], bench.keep, lambda _: True)
    (bench.repo / "out").rmdir()
    (bench.repo / "out").symlink_to(bench.repo.parent / "outside")
    assert restore(bench.repo, found, bench.run_dir) == ()
    assert [p.name for p in (bench.repo.parent / "outside").iterdir()] == ["secret.json"]


def test_failed_restore_leaves_no_half_file(bench: Bench) -> None:
    """An error while it is put back leaves nothing behind under either name."""
    path = bench.write(METRICS, "x")
    (one,) = set_aside(bench.repo, "evaluation", [METRICS], bench.keep, lambda _: True)
    (bench.run_dir / one.stored_at).unlink()
    with pytest.raises(FileNotFoundError):
        restore(bench.repo, [one], bench.run_dir)
    assert list(path.parent.iterdir()) == []


def test_renamed_leftovers_do_not_count_as_fresh(bench: Bench) -> None:
    """The order is: set aside, then take the time."""
    (bench.repo / METRICS).symlink_to("/nowhere/m.json")
    (one,) = set_aside(bench.repo, "evaluation", [METRICS], bench.keep)
    began = Started.now(bench.repo)
    assert not began.is_fresh(os.lstat(bench.repo / one.stored_at).st_ctime_ns)
