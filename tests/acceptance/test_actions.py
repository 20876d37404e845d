"""`.aider_fsm/actions.yml` through the public API: carried out once, in order, inside the repository, then put away."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from runner_env.core import Verdict
from runner_env.runs.results import CallResult

Make = Callable[..., Any]
FILE = ".aider_fsm/actions.yml"
Action = Mapping[str, object]


def run_cmd(name: str, command: str, **more: object) -> Action:
    """An action that runs a command."""
    return {"id": name, "kind": "run_cmd", "cmd": command, **more}


def write_file(name: str, path: str, content: str) -> Action:
    """An action that writes a file."""
    return {"id": name, "kind": "write_file", "path": path, "content": content}


@pytest.fixture
def acting(project: Make, scored: Make) -> Make:
    """`acting(action, …, files=…)`: a project with these actions and an evaluation."""

    def make(*actions: Action, files: Mapping[str, object] | None = None, **sections: object) -> object:
        listed = {"version": 1, "actions": list(actions)}
        return project(files={**(files or {}), FILE: listed}, evaluation=scored(), **sections)

    return make


def actions_done(result: CallResult) -> list[dict[str, Any]]:
    """What the journal says about the actions file."""
    lines = (result.run_dir / "journal.jsonl").read_bytes().splitlines()
    return [entry for entry in map(json.loads, lines) if "actions_done" in json.dumps(entry)]


def test_every_kind_in_order(acting: Make) -> None:
    """Section 17: the four kinds, in order, before the other stages; every step has its own files."""
    made = acting(
        run_cmd("first", "echo one >> order"),
        {"id": "tool", "kind": "install_tool", "cmd": "echo two >> order", "risk_level": "low", "rationale": "why"},
        write_file("note", "deep/er/note.txt", "three\n"),
        run_cmd("last", "cat deep/er/note.txt >> order; echo $AIDER_FSM_STAGE >> order"),
        tests={"cmds": ["echo tests >> order"]},
    )
    result = made.evaluate()
    assert result.ok, result.findings
    assert made.read("order").split() == ["one", "two", "three", "actions", "tests"]
    assert not made.exists(FILE)
    folders = sorted(path.name for path in result.artifacts_dir.glob("actions_*"))
    assert folders == ["actions_01_first", "actions_02_tool", "actions_04_last"]
    assert (result.artifacts_dir / "actions_01_first/actions_cmd01_try01_stdout.txt").exists()
    assert json.loads((result.artifacts_dir / "actions/actions_summary.json").read_text())["ok"] is True
    assert "echo one >> order" in (result.artifacts_dir / "actions/actions.yml").read_text()
    assert '"removed": true' in json.dumps(actions_done(result))
    assert made.evaluate().verify.actions is None


def test_a_service_stays_until_the_run_ends(acting: Make) -> None:
    """Section 17: what start_service starts is there for later stages, and gone after the run."""
    made = acting(
        {"id": "service", "kind": "start_service", "cmd": "sleep 300 & echo $! > pid"},
        run_cmd("other", "sleep 300 & echo $! > other"),
        tests={"cmds": ["kill -0 $(cat pid)", "! kill -0 $(cat other) 2> /dev/null"]},
    )
    assert made.evaluate(sandbox="none").ok  # the process is looked for from outside
    assert not Path(f"/proc/{made.read('pid').strip()}").exists()


def test_a_failing_action_ends_the_run(acting: Make) -> None:
    """Section 17: after a failure no further action and no stage runs; the file stays for the next try."""
    made = acting(run_cmd("bad", "exit 3", retries=1), run_cmd("never", "touch ran"), tests={"cmds": ["touch ran"]})
    result = made.evaluate()
    assert (result.ok, result.failed_stage) == (False, "actions")
    assert [one.rc for one in result.verify.actions.results] == [3, 3]
    assert not made.exists("ran")
    assert made.exists(FILE)


def test_an_action_has_its_own_time_limit(acting: Make) -> None:
    """Section 17: timeout_seconds of an action."""
    result = acting(run_cmd("slow", "sleep 30", timeout_seconds=1)).evaluate()
    assert result.verify.actions.results[0].rc == 124


def test_a_tracked_file_stays(acting: Make) -> None:
    """Amendments: under version control the file is left as it is and marked done in the evidence; a note says so."""
    made = acting(run_cmd("one", "echo x >> order"))
    made.commit()
    result = made.evaluate()
    assert result.ok
    assert made.exists(FILE)
    assert FILE not in made.git("status", "--porcelain")
    assert '"removed": false' in json.dumps(actions_done(result))
    note = next(finding for finding in result.findings if finding.code == "actions_kept")
    assert note.verdict is Verdict.PASSED


def test_the_policy_holds(acting: Make) -> None:
    """Section 5: the same policy as for every command."""
    made = acting(run_cmd("bad", "touch ran; sudo true"))
    result = made.evaluate()
    assert (result.failed_stage, result.verify.actions.results[0].rc) == ("actions", 126)
    assert not made.exists("ran")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("version: [\n", 2),
        ("version: 1\nactions:\n  - {id: a, kind: fly}\n", 3),
        ("version: 1\nactions:\n  - {id: a, kind: run_cmd, cmd: echo}\n  - {id: a, kind: run_cmd, cmd: echo}\n", 4),
        ("version: 1\nactions:\n  - {id: a, kind: write_file, path: ../x, content: ''}\n", 3),
        ("version: 1\nactions:\n  - {id: a, kind: write_file, path: pipeline.yml, content: ''}\n", 3),
        ("version: 1\nactions:\n  - {id: a, kind: write_file, path: .git/hooks/pre-commit, content: ''}\n", 3),
        ("version: 1\nactions:\n  - {id: a/b, kind: run_cmd, cmd: echo}\n", 3),
    ],
)
def test_a_broken_file_is_a_failed_stage(project: Make, scored: Make, text: str, line: int) -> None:
    """Section 17: an unusable file is a failed stage with its place, and nothing of it is carried out."""
    result = project(files={FILE: text}, evaluation=scored()).evaluate()
    assert (result.ok, result.failed_stage) == (False, "actions")
    finding = next(finding for finding in result.findings if finding.verdict is not Verdict.PASSED)
    assert finding.where is not None
    assert (finding.where.file, finding.where.line) == (FILE, line)


def linked_to(target: str) -> Callable[[Path], None]:
    """Make `link` a symbolic link."""

    def plant(root: Path) -> None:
        (root / "link").symlink_to(target)

    return plant


def pipe(root: Path) -> None:
    """Make `link` a pipe that nobody reads."""
    os.mkfifo(root / "link")


def plain(root: Path) -> None:
    """Make `link` a file."""
    (root / "link").write_text("as it was")


@pytest.mark.parametrize(
    ("plant", "path"),
    [
        (linked_to("../outside"), "link/x"),
        (linked_to("../outside/x"), "link"),
        (linked_to("nothing"), "link/x"),
        (linked_to("link"), "link/x"),
        (linked_to(".git/hooks"), "link/post-checkout"),
        (linked_to(".aider_fsm"), "link/bootstrap.yml"),
        (linked_to("."), "link/pipeline.yml"),
        (linked_to("src.txt"), "link"),
        (pipe, "link"),
        (plain, "link/x"),
    ],
)
def test_no_file_is_written_through_a_link(
    acting: Make, tmp_path: Path, plant: Callable[[Path], None], path: str
) -> None:
    """Section 17, RT027: neither out of the repository nor to what is protected; a pipe does not hang the run."""
    (tmp_path / "outside").mkdir()
    made = acting(write_file("w", path, "pwned"), files={"src.txt": "as it was"})
    made.commit()
    plant(made.root)
    before = made.read("pipeline.yml")
    result = made.evaluate()
    assert (result.verdict, result.failed_stage) == (Verdict.FAILED, "actions")
    (finding,) = [finding for finding in result.findings if finding.verdict is not Verdict.PASSED]
    assert finding.code == "action_path_unusable"
    assert finding.where is not None
    assert list((tmp_path / "outside").iterdir()) == []
    assert (made.read("pipeline.yml"), made.read("src.txt")) == (before, "as it was")
    assert not made.exists(".git/hooks/post-checkout")
    assert not made.exists(".aider_fsm/bootstrap.yml")


def test_a_link_that_stays_inside_is_followed(acting: Make) -> None:
    """A folder behind a link within the repository is a place to write to; the new text replaces the old."""
    made = acting(write_file("w", "link/x.txt", "new\n"), files={"real/x.txt": "a much longer old text\n"})
    linked_to("real")(made.root)
    assert made.evaluate().ok
    assert made.read("real/x.txt") == "new\n"


def test_an_action_that_removes_its_own_file(acting: Make) -> None:
    """The file may be gone by the end: it was read before."""
    made = acting(run_cmd("a", f"rm {FILE}"))
    result = made.evaluate()
    assert result.ok, result.findings
