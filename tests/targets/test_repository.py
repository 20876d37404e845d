"""`runner_env.targets.repository`: a look into a repository that runs nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.errors import TargetError
from runner_env.settings import Settings
from runner_env.targets import changed_tracked, diff, fetch, is_tracked
from runner_env.targets.git import Git, Result
from runner_env.targets.repository import config_text, find_repository, read_head

MakeCheckout = Callable[..., Path]
GitCommand = Callable[..., str]


def test_hostile_configuration_bites_an_ordinary_git(
    hostile: tuple[Path, Path], environ: dict[str, str], git: GitCommand
) -> None:
    """The trap of the next test is armed: git as everybody calls it walks into it."""
    root, canary = hostile
    git(root, "config", "--unset", "core.worktree")
    subprocess.run(["git", "status"], cwd=root, env=environ, check=False, capture_output=True, timeout=20)
    assert canary.exists()


def test_hostile_configuration_runs_nothing(hostile: tuple[Path, Path], settings: Settings) -> None:
    """RT079: fsmonitor, hooks, filters, textconv, pager, aliases, includes, ssh command: none of it is run."""
    root, canary = hostile
    checkout = fetch(root, settings=settings)
    assert checkout.revision.kind == "git"
    assert checkout.revision.dirty is True
    before = changed_tracked(root, settings=settings)
    (root / "a.txt").write_text("three\n")
    assert diff(before, changed_tracked(root, settings=settings)) == ("a.txt",)
    assert is_tracked(root, settings=settings)("a.txt")
    assert not canary.exists()


def test_missing_objects_are_never_fetched(hostile: tuple[Path, Path], settings: Settings) -> None:
    """RT079: a promisor remote cannot make a look into the repository start its transport."""
    root, canary = hostile
    for folder in (root / ".git" / "objects").iterdir():
        if len(folder.name) == 2:
            shutil.rmtree(folder)
    with pytest.raises(TargetError) as caught:
        fetch(root, settings=settings)
    assert caught.value.code == "git_failed"
    assert not canary.exists()


def test_hooks_and_config_of_a_cloned_repository_stay_behind(
    hostile: tuple[Path, Path], settings: Settings, tmp_path: Path
) -> None:
    """RT079: cloning a repository with a hostile configuration takes over none of it."""
    root, canary = hostile
    config = root / ".git" / "config"
    # A promisor repository cannot be served at all; everything else stays.
    config.write_text(config.read_text().replace("promisor = true", "").replace("partialClone = origin", ""))
    bare = tmp_path / "hostile.git"
    shutil.copytree(root / ".git", bare)
    checkout = fetch(str(bare), settings=settings)
    assert (checkout.root / "a.txt").read_text() == "one\n"
    assert not (checkout.root / ".git" / "hooks").exists()
    assert "filter" not in (checkout.root / ".git" / "config").read_text()
    assert not canary.exists()


def test_checkout_of_another_user(make_checkout: MakeCheckout, settings: Settings) -> None:
    """A checkout that belongs to somebody else (a mounted volume) can be read all the same."""
    root = make_checkout()
    if os.geteuid() == 0:
        for path in (root, *root.rglob("*")):
            os.chown(path, 1000, 1000)
    assert fetch(root, settings=settings).revision.dirty is False


def test_linked_worktree(make_checkout: MakeCheckout, git: GitCommand, settings: Settings, tmp_path: Path) -> None:
    """A linked working tree, whose `.git` is a file, has its own HEAD and index."""
    root = make_checkout()
    git(root, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    (tmp_path / "side" / "a.txt").write_text("changed\n")
    checkout = fetch(tmp_path / "side", settings=settings)
    assert (checkout.revision.ref, checkout.revision.dirty) == ("side", True)
    assert fetch(root, settings=settings).revision.dirty is False


@pytest.mark.parametrize("option", ["--object-format=sha256", "--object-format=sha1"])
def test_object_formats(option: str, tmp_path: Path, git: GitCommand, settings: Settings) -> None:
    """Repositories with either hash are read, and a touched file that is unchanged is no change."""
    git(tmp_path, "init", "-q", option, "work")
    root = tmp_path / "work"
    (root / "a.txt").write_text("one\n")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "first")
    before = changed_tracked(root, settings=settings)
    os.utime(root / "a.txt", (1, 1))
    assert diff(before, changed_tracked(root, settings=settings)) == ()
    assert fetch(root, settings=settings).revision.commit == git(root, "rev-parse", "HEAD")


def test_split_index(make_checkout: MakeCheckout, git: GitCommand, settings: Settings) -> None:
    """An index in two files is read whole."""
    root = make_checkout()
    git(root, "update-index", "--split-index")
    assert is_tracked(root, settings=settings)("sub/b.txt")


def test_line_ending_settings_are_honoured(make_checkout: MakeCheckout, git: GitCommand, settings: Settings) -> None:
    """A checkout with `core.autocrlf` and CRLF files is as clean to us as to its owner."""
    root = make_checkout()
    git(root, "config", "core.autocrlf", "true")
    (root / "a.txt").unlink()
    git(root, "checkout", "-q", "a.txt")
    os.utime(root / "a.txt", (1, 1))
    assert (root / "a.txt").read_bytes() == b"one\r\n"
    assert fetch(root, settings=settings).revision.dirty is False


@pytest.mark.parametrize("content", ["", "gitdir: /nowhere", "gitdir: \0"])
def test_dead_git_file(content: str, tmp_path: Path, settings: Settings) -> None:
    """A `.git` file that leads nowhere (a copied submodule) leaves a directory whose revision is unknown."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / ".git").write_text(content)
    assert fetch(tmp_path / "work", settings=settings).revision.kind == "unknown"


@pytest.mark.parametrize("lost", ["HEAD", "objects"])
def test_broken_repository(lost: str, make_checkout: MakeCheckout, settings: Settings) -> None:
    """A repository that lost a part without which it is none does not pass for a plain directory, nor its folders."""
    root = make_checkout()
    (root / ".git" / lost).rename(root / "lost")
    assert [fetch(path, settings=settings).revision.kind for path in (root, root / "sub")] == ["unknown", "unknown"]


def test_empty_git_directory_is_no_repository(tmp_path: Path) -> None:
    """Only what git itself would take for a repository is one."""
    (tmp_path / "work" / ".git").mkdir(parents=True)
    assert find_repository(tmp_path / "work") is None


def test_unreadable_configuration(make_checkout: MakeCheckout, settings: Settings) -> None:
    """A repository that git cannot make sense of is a clear error and not a plain directory."""
    root = make_checkout()
    (root / ".git" / "config").write_text("[core\n")
    with pytest.raises(TargetError, match="bad config") as caught:
        fetch(root, settings=settings)
    assert caught.value.code == "git_failed"


def test_config_text_is_what_git_reads(tmp_path: Path, git: GitCommand) -> None:
    """Strange values come back from git as they were written, and can add no key."""
    url = 'file:///a"b\\c\n[core]\n\tfsmonitor = x#;'
    (tmp_path / "config").write_text(config_text({"remote.o.p.url": url}))
    listed = git(tmp_path, "config", "--file", "config", "--list", "-z")
    assert sorted(entry.partition("\n")[0] for entry in listed.strip("\0").split("\0")) == [
        "core.bare",
        "core.repositoryformatversion",
        "remote.o.p.url",
    ]
    assert f"remote.o.p.url\n{url}\0" in listed


def _runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The git commands that are run from now on."""
    runs: list[str] = []
    run = Git.run

    def noted(self: Git, *args: str, cwd: Path) -> Result:
        runs.append(args[0])
        return run(self, *args, cwd=cwd)

    monkeypatch.setattr(Git, "run", noted)
    return runs


@pytest.mark.parametrize(
    ("arguments", "ref"),
    [
        (("checkout", "-q", "-b", "topic/a.b"), "topic/a.b"),
        (("checkout", "-q", "--detach"), None),
        (("pack-refs", "--all"), "main"),
        (("symbolic-ref", "refs/heads/other", "refs/heads/main"), "main"),
    ],
)
def test_head_is_what_git_says(
    arguments: tuple[str, ...], ref: str | None, make_checkout: MakeCheckout, git: GitCommand, settings: Settings
) -> None:
    """Branch, detached HEAD, packed ref: commit and branch are git's own, whether git had to be asked or not."""
    root = make_checkout()
    git(root, *arguments)
    revision = fetch(root, settings=settings).revision
    assert (revision.commit, revision.ref) == (git(root, "rev-parse", "HEAD"), ref)


def test_head_that_is_a_link_to_a_link(make_checkout: MakeCheckout, git: GitCommand, settings: Settings) -> None:
    """A branch that stands for another, and one without a commit, are left to git."""
    root = make_checkout()
    git(root, "symbolic-ref", "refs/heads/other", "refs/heads/main")
    git(root, "symbolic-ref", "HEAD", "refs/heads/other")
    assert fetch(root, settings=settings).revision.commit == git(root, "rev-parse", "HEAD")
    git(root, "symbolic-ref", "HEAD", "refs/heads/unborn")
    assert fetch(root, settings=settings).revision.commit is None


def test_a_second_look_asks_only_for_changes(
    make_checkout: MakeCheckout, git: GitCommand, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Configuration and index that did not change are not listed again; those that did are."""
    root = make_checkout()
    before = changed_tracked(root, settings=settings)
    runs = _runs(monkeypatch)
    assert changed_tracked(root, settings=settings) == before
    assert runs == ["status"]
    git(root, "rm", "-q", "--cached", "a.txt")
    git(root, "config", "core.filemode", "false")
    assert "a.txt" not in changed_tracked(root, settings=settings).files
    assert runs == ["status", "config", "ls-files", "status"]


def test_included_configuration_is_read_each_time(
    make_checkout: MakeCheckout, git: GitCommand, settings: Settings
) -> None:
    """What a configuration includes can change while the file itself stays the same."""
    root = make_checkout()
    git(root, "config", "include.path", "more")
    for value in ("true", "input"):
        (root / ".git" / "more").write_text(f"[core]\n\tautocrlf = {value}\n")
        repository = find_repository(root)
        assert repository is not None
        assert read_head(repository, Git.local(settings.environ)).config["core.autocrlf"] == value
