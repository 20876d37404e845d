"""`runner_env.targets.clones` and `runner_env.targets.remote`, by way of `fetch`."""

from __future__ import annotations

import base64
import contextlib
import functools
import http.server
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from runner_env.errors import TargetError
from runner_env.settings import Settings
from runner_env.targets import fetch

MakeCheckout = Callable[..., Path]
GitCommand = Callable[..., str]


class Upstream(Protocol):
    """See `conftest.py`."""

    bare: Path
    url: str
    older: str
    newer: str
    topic: str


def test_default_branch(upstream: Upstream, settings: Settings, git: GitCommand) -> None:
    """B130: a git URL is cloned at its default branch, clean, and the exact revision recorded."""
    checkout = fetch(upstream.url, settings=settings)
    assert checkout.source == "git"
    assert checkout.root.parent == settings.targets_dir
    assert (checkout.root / "a.txt").read_text() == "newer\n"
    assert checkout.revision.commit == upstream.newer == git(checkout.root, "rev-parse", "HEAD")
    assert (checkout.revision.ref, checkout.revision.dirty, checkout.revision.url) == (None, False, upstream.url)
    assert git(checkout.root, "status", "--porcelain", "--ignored") == ""
    assert git(checkout.root, "remote", "get-url", "origin") == upstream.url


@pytest.mark.parametrize(
    ("ref", "wanted"),
    [
        ("main", "newer"),
        ("topic/a", "topic"),
        ("v1", "older"),
        ("light", "older"),
        ("HEAD", "newer"),
        ("refs/heads/topic/a", "topic"),
        ("refs/tags/v1", "older"),
    ],
)
def test_named_refs(ref: str, wanted: str, upstream: Upstream, settings: Settings) -> None:
    """A branch, a tag of either kind and a full ref name lead to the commit that they name."""
    revision = fetch(f"{upstream.url}@{ref}", settings=settings).revision
    assert (revision.commit, revision.ref) == (getattr(upstream, wanted), ref)


@pytest.mark.parametrize("length", [40, 12, 7])
@pytest.mark.parametrize("wanted", ["older", "topic"])
def test_commit_ids(length: int, wanted: str, upstream: Upstream, settings: Settings) -> None:
    """A commit id is found, whole or abbreviated, also where no branch ends; the next time without the network."""
    commit: str = getattr(upstream, wanted)
    first = fetch(f"{upstream.url}@{commit[:length]}", settings=settings)
    assert first.revision.commit == commit
    shutil.rmtree(upstream.bare)
    assert fetch(f"{upstream.url}@{commit[:length]}", settings=settings) == first


def test_branch_wins_over_a_commit_id(upstream: Upstream, settings: Settings, git: GitCommand) -> None:
    """A branch whose name could be the beginning of a commit id is a branch."""
    git(upstream.bare, "branch", upstream.older[:7], upstream.topic)
    assert fetch(f"{upstream.url}@{upstream.older[:7]}", settings=settings).revision.commit == upstream.topic


@pytest.mark.parametrize("ref", ["nope", "0" * 40, "0" * 8, "refs/heads/nope", "ain"])
def test_unknown_ref(ref: str, upstream: Upstream, settings: Settings) -> None:
    """A ref that the remote does not have is an error that names it, and leaves nothing behind."""
    with pytest.raises(TargetError, match=ref) as caught:
        fetch(f"{upstream.url}@{ref}", settings=settings)
    assert caught.value.code == "ref_not_found"
    assert list(settings.targets_dir.iterdir()) == []


def test_empty_remote(tmp_path: Path, settings: Settings, git: GitCommand) -> None:
    """A repository without commits is no target."""
    git(tmp_path, "init", "-q", "--bare", "empty.git")
    with pytest.raises(TargetError, match="no commits"):
        fetch(f"file://{tmp_path}/empty.git", settings=settings)


def test_missing_remote(tmp_path: Path, settings: Settings) -> None:
    """A clone that fails carries git's own words and a hint."""
    with pytest.raises(TargetError, match="does not appear to be a git repository") as caught:
        fetch(f"file://{tmp_path}/none.git", settings=settings)
    assert caught.value.code == "clone_failed"
    assert caught.value.hint


def test_only_one_commit_is_there(upstream: Upstream, settings: Settings, git: GitCommand) -> None:
    """RT085: neither the past nor the future of a commit can be looked up in its clone: no refs, reflog or objects."""
    root = fetch(f"{upstream.url}@{upstream.older[:10]}", settings=settings).root
    assert git(root, "log", "--all", "--reflog", "--format=%H", "HEAD") == upstream.older
    assert git(root, "for-each-ref") == ""
    listed = git(root, "cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectname)").splitlines()
    assert [line for line in listed if line.startswith("commit")] == [f"commit {upstream.older}"]


def test_bare_path(upstream: Upstream, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare repository on this machine is cloned, with a ref after it if wanted, and shares its URL's clone."""
    monkeypatch.chdir(upstream.bare.parent)
    assert fetch("orbit.git", settings=settings) == fetch(upstream.url, settings=settings)
    assert fetch("orbit.git@v1", settings=settings).revision.commit == upstream.older
    assert fetch(f"{upstream.bare}@topic/a", settings=settings).revision.commit == upstream.topic


@pytest.mark.parametrize("name", ["-n.git", "a\nb.git", "it's %41.git", "caf\udce9.git", "x" * 251 + ".git"])
def test_strange_bare_paths(name: str, upstream: Upstream, settings: Settings) -> None:
    """RT084: strange names of bare repositories survive the way through a URL."""
    bare = upstream.bare.rename(upstream.bare.with_name(name))
    assert fetch(bare, settings=settings).revision.commit == upstream.newer


def test_strange_names_inside(make_checkout: MakeCheckout, settings: Settings, git: GitCommand, tmp_path: Path) -> None:
    """RT084: strange file names are cloned, and the clone counts as clean."""
    names = ["-n", "a\nb", "it's", "caf\udce9", "x" * 255]
    root = make_checkout(files=dict.fromkeys(names, "one\n"))
    git(tmp_path, "clone", "-q", "--bare", str(root), "bare.git")
    checkout = fetch(tmp_path / "bare.git", settings=settings)
    assert {path.name for path in checkout.root.iterdir()} == {*names, ".git"}
    assert fetch(tmp_path / "bare.git", settings=settings) == checkout


def test_name_keeps_its_letters(upstream: Upstream, settings: Settings) -> None:
    """Part II F: `orbit.git` is orbit, not orb."""
    assert fetch(upstream.url, settings=settings).root.name.startswith("team_orbit-")


@pytest.mark.parametrize(("one", "other"), [("foo/bar", "foo/bar_baz"), ("a_b/c", "a/b_c"), ("o/r", "o/r.git")])
def test_different_repositories_never_share(
    one: str, other: str, upstream: Upstream, settings: Settings, tmp_path: Path
) -> None:
    """B133: a clone of another repository is never reused, however alike their names and contents are."""
    roots = set()
    for path in (one, other):
        shutil.copytree(upstream.bare, tmp_path / "hub" / path)
        roots.add(fetch(f"file://{tmp_path}/hub/{path}", settings=settings).root)
    assert len(roots) == 2


def test_clones_dir(upstream: Upstream, settings: Settings, tmp_path: Path) -> None:
    """`clones_dir` replaces the directory of the settings."""
    checkout = fetch(upstream.url, settings=settings, clones_dir=tmp_path / "mine")
    assert checkout.root.parent == tmp_path / "mine"
    assert not settings.home.exists()


def test_reused_while_untouched(upstream: Upstream, settings: Settings) -> None:
    """B133: an earlier clone that nobody touched is the answer again."""
    first = fetch(upstream.url, settings=settings)
    assert fetch(upstream.url, settings=settings) == first


def _edit(root: Path) -> None:
    (root / "a.txt").write_text("changed\n")


def _add(root: Path) -> None:
    (root / "new.txt").touch()


def _add_ignored(root: Path) -> None:
    (root / "ignored").mkdir()
    (root / "ignored" / "conftest.py").touch()


def _hide_in_git(root: Path) -> None:
    (root / ".git" / "info").mkdir()
    (root / ".git" / "info" / "exclude").write_text("*\n")


def _configure(root: Path) -> None:
    with (root / ".git" / "config").open("a") as file:
        file.write("[core]\n\tfsmonitor = true\n")


def _add_hook(root: Path) -> None:
    (root / ".git" / "hooks").mkdir()
    (root / ".git" / "hooks" / "post-checkout").touch()


def _borrow_objects(root: Path) -> None:
    (root / ".git" / "objects" / "info").mkdir(exist_ok=True)
    (root / ".git" / "objects" / "info" / "alternates").write_text("/nowhere\n")


def _break(root: Path) -> None:
    shutil.rmtree(root / ".git")


def _replace_by_link(root: Path) -> None:
    root.rename(root.with_name("elsewhere"))
    root.symlink_to("elsewhere")


@pytest.mark.parametrize(
    "touch",
    [_edit, _add, _add_ignored, _hide_in_git, _configure, _add_hook, _borrow_objects, _break, _replace_by_link],
)
@pytest.mark.parametrize("by_commit", [False, True])
def test_touched_clone_is_left_alone(
    touch: Callable[[Path], None], *, by_commit: bool, upstream: Upstream, settings: Settings
) -> None:
    """What an earlier run left, visible to git or not, stays where it is; the next run gets a clean clone beside it."""
    url = f"{upstream.url}@{upstream.newer}" if by_commit else upstream.url
    first = fetch(url, settings=settings)
    touch(first.root)
    second = fetch(url, settings=settings)
    assert second.root != first.root.resolve()
    assert second.revision == first.revision
    assert sorted(path.name for path in second.root.iterdir()) == [".git", ".gitignore", "a.txt"]
    assert fetch(url, settings=settings).root == second.root


def test_hidden_change(upstream: Upstream, settings: Settings, git: GitCommand) -> None:
    """A change that git was told not to look at makes a clone unclean all the same."""
    first = fetch(upstream.url, settings=settings)
    git(first.root, "update-index", "--assume-unchanged", "a.txt")
    _edit(first.root)
    assert git(first.root, "status", "--porcelain") == ""
    assert fetch(upstream.url, settings=settings).root != first.root


def test_moved_branch(upstream: Upstream, settings: Settings, git: GitCommand) -> None:
    """After the remote branch has moved, the next fetch is at its new revision; the older clone is not changed."""
    first = fetch(upstream.url, settings=settings)
    git(upstream.bare, "update-ref", "refs/heads/main", upstream.topic)
    second = fetch(upstream.url, settings=settings)
    assert second.revision.commit == upstream.topic
    assert (second.root / "a.txt").read_text() == "topic\n"
    assert (first.root / "a.txt").read_text() == "newer\n"


_FETCH_WHEN_TOLD = """
import sys
from pathlib import Path
from runner_env.settings import Settings
from runner_env.targets import fetch
url, home, path = sys.argv[1:]
settings = Settings(Path(home), {"PATH": path, "HOME": home})
print("ready", flush=True)
sys.stdin.readline()
checkout = fetch(url, settings=settings)
print(checkout.revision.commit, (checkout.root / "a.txt").read_text(), end="")
"""


def test_several_processes_at_once(upstream: Upstream, settings: Settings) -> None:
    """Processes that clone the same at the same moment all get a whole clone, and leave nothing half-made."""
    argv = [sys.executable, "-c", _FETCH_WHEN_TOLD, upstream.url, str(settings.home), settings.environ["PATH"]]
    start = functools.partial(subprocess.Popen, argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(start()) for _ in range(3)]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        assert [process.communicate(timeout=30)[0] for process in processes] == [f"{upstream.newer} newer\n"] * 3
    assert all(not path.name.startswith(".") for path in settings.targets_dir.iterdir())


def test_users_configuration_counts(upstream: Upstream, settings: Settings) -> None:
    """The user's own `insteadOf` works, so that mirrors and proxies do."""
    config = Path(settings.environ["HOME"]) / ".gitconfig"
    config.write_text(f'[url "file://{upstream.bare.parent}/"]\n\tinsteadOf = https://hub.invalid/team/\n')
    checkout = fetch("https://hub.invalid/team/orbit.git@v1", settings=settings)
    assert checkout.revision.commit == upstream.older
    assert checkout.revision.url == "https://hub.invalid/team/orbit.git"


def test_users_hooks_and_templates_do_not(upstream: Upstream, settings: Settings, tmp_path: Path) -> None:
    """Hooks and templates of the user's configuration have no part in a clone."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch '{tmp_path}/pwned'\n")
        (hooks / name).chmod(0o755)
    config = Path(settings.environ["HOME"]) / ".gitconfig"
    config.write_text(f"[core]\n\thooksPath = {hooks}\n\tautocrlf = true\n[init]\n\ttemplateDir = {hooks}\n")
    checkout = fetch(upstream.url, settings=settings)
    assert (checkout.root / "a.txt").read_bytes() == b"newer\n"
    assert not (tmp_path / "pwned").exists()
    assert not (checkout.root / ".git" / "post-checkout").exists()


class _Static(http.server.SimpleHTTPRequestHandler):
    """Serves files to whoever knows the password."""

    expected = "Basic " + base64.b64encode(b"me:hunt er22").decode()

    def do_GET(self) -> None:
        if self.headers.get("Authorization") == self.expected:
            super().do_GET()
            return
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="r"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def served(upstream: Upstream, git: GitCommand) -> Iterator[str]:
    """`host:port/path` of the upstream behind HTTP with a password, from a server that knows nothing of git."""
    git(upstream.bare, "update-server-info")
    handler = functools.partial(_Static, directory=str(upstream.bare.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}/orbit.git"
        server.shutdown()
        thread.join()


def test_credentials_in_the_url(served: str, upstream: Upstream, settings: Settings, git: GitCommand) -> None:
    """User and password of a URL open the door, and are found neither in the revision nor in the clone."""
    checkout = fetch(f"http://me:hunt%20er22@{served}@v1", settings=settings)
    assert checkout.revision.commit == upstream.older
    assert checkout.revision.url == f"http://{served}"
    kept = b"".join(path.read_bytes() for path in (checkout.root / ".git").rglob("*") if path.is_file())
    assert b"hunt" not in kept
    # The server knows no shallow fetches; still only the one commit is there.
    assert git(checkout.root, "log", "--format=%H") == upstream.older


@pytest.mark.parametrize("login", ["", "me@", "me:wrong-secret@"])
def test_refused_credentials(login: str, served: str, settings: Settings) -> None:
    """Without the right password nobody is asked for one; the error tells what to do and not what was tried."""
    with pytest.raises(TargetError) as caught:
        fetch(f"http://{login}{served}", settings=settings)
    assert caught.value.code == "clone_failed"
    assert "credential helper" in (caught.value.hint or "")
    assert "wrong-secret" not in str(caught.value)


def test_users_credential_helper(served: str, upstream: Upstream, settings: Settings) -> None:
    """The user's own credential helper is asked, for the user that the URL names."""
    config = Path(settings.environ["HOME"]) / ".gitconfig"
    config.write_text(
        '[credential]\n\thelper = "!f() { test \\"$1\\" != get || '
        'if grep -q username=me; then echo \\"password=hunt er22\\"; fi; }; f"\n'
    )
    assert fetch(f"http://me@{served}", settings=settings).revision.commit == upstream.newer
