"""Real repositories in a directory of the test's own, untouched by the configuration of the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from runner_env.settings import Settings

GitCommand = Callable[..., str]


@dataclass(frozen=True)
class Upstream:
    """A bare repository: main is `newer`, the tag v1 (annotated) and light are `older`, topic/a is `topic`."""

    bare: Path
    older: str
    newer: str
    topic: str

    @property
    def url(self) -> str:
        """The URL that clones it."""
        return f"file://{self.bare}"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment in which only the programs are those of the machine."""
    home = tmp_path / "home"
    home.mkdir()
    return {"PATH": os.environ["PATH"], "HOME": str(home)}


@pytest.fixture
def settings(tmp_path: Path, environ: dict[str, str]) -> Settings:
    """Settings whose clones live in the test's directory."""
    return Settings(home=tmp_path / "state", environ=environ)


@pytest.fixture
def git(environ: dict[str, str]) -> GitCommand:
    """Run git as a user would: `git(directory, "commit", ...)` returns its standard output, stripped."""
    return _git_for(environ)


@pytest.fixture
def make_checkout(tmp_path: Path, git: GitCommand) -> Callable[..., Path]:
    """Make a repository with one commit of the given files."""

    def make(name: str = "work", files: dict[str, str] | None = None) -> Path:
        root = tmp_path / name
        root.mkdir(parents=True)
        git(root, "init", "-q", "-b", "main")
        for path, text in (files or {"a.txt": "one\n", "sub/b.txt": "two\n"}).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", "first")
        return root

    return make


@pytest.fixture(scope="session")
def upstream_template(tmp_path_factory: pytest.TempPathFactory) -> Upstream:
    """Made once, because it takes a dozen git commands."""
    base = tmp_path_factory.mktemp("upstream")
    git, work, bare = _git_for({"PATH": os.environ["PATH"], "HOME": str(base)}), base / "work", base / "bare.git"
    git(base, "init", "-q", "-b", "main", "work")
    (work / ".gitignore").write_text("ignored/\n")
    (work / "a.txt").write_text("older\n")
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "older")
    git(work, "tag", "-a", "v1", "-m", "v1")
    git(work, "tag", "light")
    for branch, text in (("topic/a", "topic\n"), ("main", "newer\n")):
        git(work, "checkout", "-q", "-B", branch, "v1^{commit}")
        (work / "a.txt").write_text(text)
        git(work, "commit", "-q", "-a", "-m", text)
    git(base, "clone", "-q", "--bare", str(work), str(bare))
    commits = git(bare, "rev-parse", "light", "main", "topic/a").split()
    return Upstream(bare, *commits)


@pytest.fixture
def upstream(tmp_path: Path, upstream_template: Upstream) -> Upstream:
    """The repository that clones are made of."""
    bare = tmp_path / "srv" / "team" / "orbit.git"
    shutil.copytree(upstream_template.bare, bare)
    return replace(upstream_template, bare=bare)


@pytest.fixture
def hostile(make_checkout: Callable[..., Path], tmp_path: Path) -> tuple[Path, Path]:
    """A checkout whose own configuration makes git run programs in every way known (RT079), and their canary."""
    root = make_checkout("hostile", {"a.txt": "one\n", ".gitattributes": "* filter=x diff=x merge=x text\n"})
    canary = tmp_path / "pwned"
    run = f"touch '{canary}'"
    included = root / ".git" / "included"
    included.write_text(f'[filter "x"]\n process = "{run}"\n required = true\n[core]\n pager = "{run}"\n')
    with (root / ".git" / "config").open("a") as config:
        config.write(f"""
[core]
    fsmonitor = "{run}"
    sshCommand = "{run}; false"
    pager = "{run}"
    editor = "{run}"
    hooksPath = .git/hooks
    attributesFile = .git/attributes
    alternateRefsCommand = "{run}"
    worktree = /
[include]
    path = included
[includeIf "gitdir:**"]
    path = included
[pager]
    status = "{run}"
    ls-files = "{run}"
[diff]
    external = "{run}"
[diff "x"]
    textconv = "{run}"
    command = "{run}"
[filter "x"]
    clean = "{run}; cat"
    smudge = "{run}; cat"
[alias]
    status = "!{run}"
    rev-parse = "!{run}"
    ls-files = "!{run}"
[credential]
    helper = "!{run}"
[remote "origin"]
    url = "ext::sh -c \\"{run}\\""
    uploadpack = "{run}"
    promisor = true
    partialclonefilter = blob:none
[protocol]
    allow = always
[protocol "ext"]
    allow = always
[extensions]
    partialClone = origin
[gpg]
    program = "{run}"
""")
    hooks = root / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "post-index-change", "pre-commit", "reference-transaction", "fsmonitor-watchman"):
        (hooks / name).write_text(f"#!/bin/sh\n{run}\n")
        (hooks / name).chmod(0o755)
    # The same size as before, and an index that does not know: git has to look into the file, through the filters.
    (root / "a.txt").write_text("two\n")
    return root, canary


def _git_for(environ: dict[str, str]) -> GitCommand:
    identity = {f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {**environ, **identity, "GIT_CONFIG_NOSYSTEM": "1"}

    def call(cwd: Path, *args: str) -> str:
        argv = ["git", "-c", "protocol.file.allow=always", *args]
        return subprocess.run(argv, cwd=cwd, env=env, check=True, capture_output=True, text=True).stdout.strip()

    return call


class Served:
    """A web server of the test's own: `answers[path]` is a list of answers, the last of which repeats.

    An answer is bytes, or a function of the request handler that answers by itself. `asked` lists path and headers of
    each request.
    """

    def __init__(self) -> None:
        self.answers: dict[str, list[bytes | Callable[[BaseHTTPRequestHandler], None]]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                served.asked.append((path, {name.lower(): value for name, value in self.headers.items()}))
                answers = served.answers.get(path, [])
                if not answers:
                    self.send_error(404)
                    return
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                if callable(answer):
                    answer(self)
                    return
                self.send_response(200)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def served() -> Iterator[Served]:
    """A web server on the loopback interface."""
    server = Served()
    thread = threading.Thread(target=server.server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.server.shutdown()
    thread.join()
    server.server.server_close()
