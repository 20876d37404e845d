"""The copy in which an agent works: what is in it, what is not, and that it is a git root of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner_env.authoring import copy as module
from runner_env.authoring.copy import AgentCopy
from runner_env.errors import TargetError

from .conftest import CONTRACT, SOURCES, git, listing, write


def test_the_files_are_there_and_then_gone(target: Path, copies: Path) -> None:
    """Sources and contract, with their permissions; at the end nothing is left."""
    write(target, CONTRACT)
    (target / "src/app.py").chmod(0o755)
    with AgentCopy.make(target, copies) as copy:
        assert listing(copy.root) == {**SOURCES, **CONTRACT}
        assert (copy.root / "src/app.py").stat().st_mode & 0o777 == 0o755
        assert copy.root.name == "demo"
        assert copy.left_out == {}
    assert list(copies.iterdir()) == []


def test_it_is_a_git_root_of_its_own(target: Path, copies: Path) -> None:
    """One commit with everything, nothing of the target's history, hooks or settings; ids differ between copies."""
    git(target, "init", "-q")
    write(target, {".git/hooks/post-commit": "#!/bin/sh\ntouch ../pwned\n"})
    (target / ".git/hooks/post-commit").chmod(0o755)
    git(target, "add", "-A")
    git(target, "-c", "core.hooksPath=/dev/null", "commit", "-q", "-m", "secret history")
    git(target, "config", "core.fsmonitor", f"touch {target}/pwned")
    heads = []
    for _ in range(2):
        with AgentCopy.make(target, copies) as copy:
            assert git(copy.root, "rev-parse", "--show-toplevel").strip() == str(copy.root)
            assert git(copy.root, "status", "--porcelain") == ""
            assert "secret history" not in git(copy.root, "log", "--all")
            assert "fsmonitor" not in (copy.root / ".git/config").read_text()
            assert not (copy.root / ".git/hooks").exists()
            heads.append(git(copy.root, "rev-list", "--max-parents=0", "HEAD"))
    assert heads[0] != heads[1]
    assert not (target / "pwned").exists()


def test_a_folder_of_a_repository_is_copied_alone(target: Path, copies: Path) -> None:
    """The copy is a root although the target lies below one."""
    git(target, "init", "-q")
    with AgentCopy.make(target / "src", copies) as copy:
        assert listing(copy.root) == {"app.py": "x = 1\n"}
        assert (copy.root / ".git").is_dir()


@pytest.mark.parametrize(
    "path",
    [".aider_fsm/metrics.json", ".aider_fsm/rollout.json", ".aider_fsm/hints_run.json", ".aider_fsm/artifacts/r/x",
     ".aider_fsm/venv/bin/python", ".aider_fsm/tools/x", "node_modules/a/index.js", "sub/node_modules/a.js",
     ".venv/x", ".tox/py/x", "src/__pycache__/a.pyc", ".env", ".env.local", "conf/prod.env", "conf/.env.example",
     "vendor/.git", "vendor/.git/config", ".netrc", ".ssh/id_rsa", "deploy/id_ed25519", ".pypirc", ".aws/credentials"],
)  # fmt: skip
def test_what_is_left_out(target: Path, copies: Path, path: str) -> None:
    """Outputs of stages, environments, caches, files with secrets, git's own."""
    if not (target / path).parent.is_file():
        write(target, {path: "x"})
    with AgentCopy.make(target, copies) as copy:
        assert listing(copy.root) == SOURCES


def test_an_environment_is_known_by_what_it_is(target: Path, copies: Path) -> None:
    """Whatever it is called."""
    write(target, {"env311/pyvenv.cfg": "home = /usr\n", "env311/lib/x.py": "x"})
    with AgentCopy.make(target, copies) as copy:
        assert listing(copy.root) == SOURCES


def test_what_git_ignores_is_left_out_if_it_is_large(target: Path, copies: Path) -> None:
    """A small generated file may matter, a folder of builds does not."""
    git(target, "init", "-q")
    write(target, {".gitignore": "/out/\nversion.txt\n", "version.txt": "1", "out/big": "x" * (1 << 20), "out/b": "x"})
    with AgentCopy.make(target, copies) as copy:
        assert listing(copy.root) == {**SOURCES, ".gitignore": "/out/\nversion.txt\n", "version.txt": "1"}


def test_links_stay_inside(target: Path, copies: Path, tmp_path: Path) -> None:
    """One that leads out is left out and named; an absolute one to the target's own file leads to the copy's."""
    (tmp_path / "outside").mkdir()
    (target / "to_app").symlink_to("src/app.py")
    (target / "absolute").symlink_to(target / "src/app.py")
    (target / "round").symlink_to(f"../{target.name}/src")
    (target / "out").symlink_to(tmp_path / "outside")
    (target / "up").symlink_to("../outside")
    (target / "nothing").symlink_to("src/none.py")
    with AgentCopy.make(target, copies) as copy:
        assert {path.name: str(path.readlink()) for path in copy.root.iterdir() if path.is_symlink()} == {
            "to_app": "src/app.py",
            "absolute": "src/app.py",
            "round": "src",
            "nothing": "src/none.py",
        }
        assert set(copy.left_out) == {"out", "up"}


def test_pipes_and_sockets_are_left_out(target: Path, copies: Path) -> None:
    """Copying does not wait for anybody."""
    os.mkfifo(target / "pipe")
    with AgentCopy.make(target, copies) as copy:
        assert listing(copy.root) == SOURCES


def test_large_files_are_named(target: Path, copies: Path) -> None:
    """The agent is told that they exist."""
    with (target / "model.bin").open("wb") as file:
        file.truncate((32 << 20) + 1)
    with AgentCopy.make(target, copies) as copy:
        assert listing(copy.root) == SOURCES
        assert "32 MiB" in copy.left_out["model.bin"]


def test_of_too_many_files_the_deepest_are_left_out(
    target: Path, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it is said how many."""
    monkeypatch.setattr(module, "MOST_FILES", 4)
    write(target, {f"a/b/c/{number}": "x" for number in range(5)})
    with AgentCopy.make(target, copies) as copy:
        assert listing(copy.root).keys() >= SOURCES.keys()
        assert "4 further files" in next(why for path, why in copy.left_out.items() if path == "…")


def test_names_may_be_any_bytes(target: Path, copies: Path) -> None:
    """What is no text is copied as it is."""
    name = os.fsdecode(b"\xff\xfe.txt")
    (target / name).write_text("x")
    with AgentCopy.make(target, copies) as copy:
        assert (copy.root / name).read_text() == "x"


def test_a_target_that_cannot_be_read_is_an_error(copies: Path, tmp_path: Path) -> None:
    """With a hint, and nothing left behind."""
    with pytest.raises(TargetError) as caught:
        AgentCopy.make(tmp_path / "none", copies)
    assert caught.value.hint
    assert list(copies.iterdir()) == []


def test_line_ends_are_kept(target: Path, copies: Path) -> None:
    """Whatever attributes say, the files are the target's, byte for byte."""
    write(target, {".gitattributes": "* text=auto eol=lf filter=lfs\n"})
    (target / "dos.txt").write_bytes(b"a\r\nb\r\n")
    with AgentCopy.make(target, copies) as copy:
        assert (copy.root / "dos.txt").read_bytes() == b"a\r\nb\r\n"
