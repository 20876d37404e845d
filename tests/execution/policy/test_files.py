"""A script is judged under every name that it gets, and wherever its text goes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.execution.policy import Refusal

Judge = Callable[..., Refusal | None]


@pytest.fixture
def bad(repo: Path) -> Path:
    """`x.sh`, which deletes `/`, and `list`, which names it."""
    (repo / "x.sh").write_text("#!/bin/sh\nrm -rf /\n")
    (repo / "list").write_text("x.sh\n")
    return repo


@pytest.mark.parametrize(
    "command",
    [
        "cat x.sh | bash",
        "bash < <(cat x.sh)",
        'eval "$(cat x.sh)"',
        'eval "$(<x.sh)"',
        "source <(cat x.sh)",
        "cat < x.sh | sh",
        "cp x.sh y && bash y",
        "mkdir d; mv x.sh d/; sh d/x.sh",
        "ln -s x.sh y; ./y",
        "install -m 755 x.sh bin/y; bin/y",
        "bash *.sh",
        "for f in *.sh; do bash $f; done",
        'for f in ./*.sh; do "$f"; done',
        "bash $(ls *.sh)",
        "ls *.sh | xargs -I{} sh {}",
        "ls *.sh | xargs -I@ sh @",
        "xargs bash < list",
        "xargs -a list -n 1 sh",
        "echo x.sh | xargs -n1 bash",
        "parallel bash ::: x.sh",
        "parallel ::: ./x.sh",
        "find . -name '*.sh' -exec bash {} \\;",
        "find . -name '*.sh' -print0 | xargs -0 -n1 bash",
        'bash "$(find . -name x.sh)"',
        "BASH_ENV=x.sh bash -c true",
        "bash --rcfile x.sh -i",
        "git bisect run ./x.sh",
        "xvfb-run -a ./x.sh",
        "dbus-run-session -- ./x.sh",
        "direnv exec . ./x.sh",
        "script -qec ./x.sh /dev/null",
        "hyperfine --runs 3 ./x.sh",
        "nix-shell -p hello --run ./x.sh",
        "mpirun -n 2 ./x.sh",
    ],
)
def test_a_script_is_judged_however_it_is_reached(judge: Judge, bad: Path, command: str) -> None:
    """By its text, a copy, a link, a glob, a list that names it, or a program that starts others."""
    assert (bad / "x.sh").is_file()
    refusal = judge(command)
    assert refusal is not None
    assert refusal.code == "blocked_by_hard_deny"


@pytest.mark.parametrize(
    "command",
    [
        "cat x.sh | grep rm",
        "cat x.sh > NOTES; cat NOTES",
        "cp x.sh y; cat y; rm y",
        "wc -l *.sh; ls *.sh; head *.sh",
        "for f in *.sh; do shellcheck $f; done",
        "find . -name '*.sh' -exec grep -l rm {} +",
        "find . -name '*.sh' | xargs cat",
        "xargs echo < list",
        "find . -name '*.sh' -newer list -delete",
        "ls | xargs -n1 echo rm -rf /",
        'echo "$(cat x.sh)"',
    ],
)
def test_a_script_that_is_only_read_is_not_judged(judge: Judge, bad: Path, command: str) -> None:
    """Looking at it, copying it or searching in it runs nothing."""
    assert (bad / "x.sh").is_file()
    assert judge(command) is None


@pytest.mark.parametrize(
    "body", ["$0 &\n$0 &\n", "./b.sh | ./b.sh &\n", "while :; do ./b.sh & done\n", "sh $0 | sh $0\n"]
)
def test_a_script_that_is_a_fork_bomb(judge: Judge, repo: Path, body: str) -> None:
    """A script that starts itself again and again is one, as a function is."""
    (repo / "b.sh").write_text(f"#!/bin/sh\n{body}")
    refusal = judge("./b.sh")
    assert refusal is not None
    assert refusal.pattern == "fork-bomb"


@pytest.mark.parametrize(
    "body", ['for i in 1 2; do "$0" work $i & done\nwait\n', "exec ./b.sh --again\n", "echo $0 & echo $0\n"]
)
def test_a_script_that_starts_workers(judge: Judge, repo: Path, body: str) -> None:
    """With arguments it is a worker, and ends."""
    (repo / "b.sh").write_text(f"#!/bin/sh\n{body}")
    assert judge("./b.sh") is None


def test_what_is_no_file_is_not_read(judge: Judge, repo: Path) -> None:
    """A FIFO, a folder, or a file outside makes nobody wait and nothing fail."""
    os.mkfifo(repo / "pipe")
    (repo / "d").mkdir()
    assert judge("cat pipe | sh; cat d | sh; cat ../x /etc/passwd | sh; make -f pipe; cp pipe y; bash d/*.sh") is None
