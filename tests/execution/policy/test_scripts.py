"""Scripts of the repository are judged however they are started."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.core import Where
from runner_env.execution.policy import Refusal

Judge = Callable[..., Refusal | None]
BAD = "#!/bin/bash\n# sudo is not needed here, dd neither\necho start\n  rm -rf /\n"


@pytest.fixture
def bad(repo: Path) -> Path:
    """`x.sh` and `sub/x.sh`, whose fourth line deletes `/`."""
    (repo / "sub").mkdir()
    for path in (repo / "x.sh", repo / "sub" / "x.sh"):
        path.write_text(BAD)
    return repo


@pytest.mark.parametrize(
    "command",
    [
        "bash x.sh",
        "sh x.sh a b",
        "bash -e x.sh",
        "sh -eux x.sh",
        "bash -o pipefail x.sh",
        "bash --norc x.sh",
        "bash -- x.sh",
        "/bin/bash x.sh",
        "env bash x.sh",
        "env -i A=1 bash x.sh",
        "FOO=1 bash x.sh",
        "cd . && bash x.sh",
        "timeout 5 bash x.sh",
        "timeout -s KILL 5 ./x.sh",
        "nohup ./x.sh &",
        "exec ./x.sh",
        "exec bash x.sh",
        "./x.sh --flag",
        "sub/../x.sh",
        '"$PWD/x.sh"',
        "$AIDER_FSM_REPO_ROOT/x.sh",
        '"$(pwd)"/x.sh',
        '"$(git rev-parse --show-toplevel)/x.sh"',
        "source x.sh",
        ". x.sh",
        ". ./x.sh",
        "bash < x.sh",
        "bash -s < x.sh",
        "bash -c './x.sh'",
        "bash -c 'source x.sh'",
        "zsh x.sh",
        "dash x.sh",
        "echo $(./x.sh)",
        "true | ./x.sh",
        "for s in x.sh; do bash $s; done",
        'S=x.sh; bash "$S"',
        "if ./x.sh; then true; fi",
        'run() { bash "$1"; }; run x.sh',
        "find . -exec bash x.sh \\;",
        "trap ./x.sh EXIT",
    ],
)
def test_every_way_to_start_a_script(judge: Judge, bad: Path, command: str) -> None:
    """B038: a script with a denied command is refused before it runs, and the place is named."""
    assert (bad / "x.sh").is_file()
    refusal = judge(command)
    assert refusal is not None
    assert (refusal.code, refusal.where) == ("blocked_by_hard_deny", Where("x.sh", 4, 3))


@pytest.mark.parametrize("command", ["cd sub && bash x.sh", "(cd sub; ./x.sh)", "bash sub/x.sh", "pushd sub; . ./x.sh"])
def test_the_current_directory_is_followed(judge: Judge, bad: Path, command: str) -> None:
    """A script is looked for where the command would be by then."""
    assert bad.is_dir()
    refusal = judge(command)
    assert refusal is not None
    assert refusal.where == Where("sub/x.sh", 4, 3)


@pytest.mark.parametrize(
    "command", ["cat x.sh", "chmod +x x.sh", "grep rm x.sh", "bash -n x.sh", "cp x.sh y.sh", "x.sh"]
)
def test_a_script_that_is_not_started_is_not_judged(judge: Judge, bad: Path, command: str) -> None:
    """Naming a script, or checking its syntax, runs nothing."""
    assert bad.is_dir()
    assert judge(command) is None


def test_scripts_that_start_scripts(judge: Judge, bad: Path) -> None:
    """Second-level scripts are judged, found from the directory of the first as scripts themselves do it."""
    (bad / "sub" / "a.sh").write_text(
        'set -euo pipefail\nHERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"\nsource "$HERE/b.sh"\n'
    )
    (bad / "sub" / "b.sh").write_text('cd "$(dirname "$0")"\n./x.sh\n')
    refusal = judge("bash sub/a.sh")
    assert refusal is not None
    assert refusal.where == Where("sub/x.sh", 4, 3)


def test_arguments_and_exports_reach_a_script(judge: Judge, repo: Path) -> None:
    """What is handed to a script is known inside it; what is not exported is not."""
    (repo / "a.sh").write_text('rm -rf "$1"\n')
    (repo / "b.sh").write_text('rm -rf "${WHAT:-build}"\n')
    assert judge("bash a.sh build") is None
    assert judge("bash a.sh /") is not None
    assert judge("WHAT=/ bash b.sh") is not None
    assert judge("export WHAT=/; bash b.sh") is not None
    assert judge("WHAT=/; bash b.sh") is None


def test_sourced_settings_are_known_afterwards(judge: Judge, repo: Path) -> None:
    """A sourced script shares its variables."""
    (repo / "env.sh").write_text("OUT=/\n")
    assert judge('. ./env.sh; rm -rf "$OUT"') is not None


def test_sourced_functions_are_known_afterwards(judge: Judge, repo: Path) -> None:
    """A library may call its functions as it likes; programs of the same name are still programs."""
    (repo / "lib.sh").write_text('reboot() { echo again; }\nsudo() { "$@"; }\n')
    (repo / "run.sh").write_text('source "$(dirname "$0")/lib.sh"\nreboot && sudo echo hi && time reboot\n')
    assert judge("bash run.sh; . ./lib.sh && reboot") is None
    assert judge(". ./lib.sh; timeout 5 reboot") is not None
    assert judge(". ./lib.sh; sh -c reboot") is not None


def test_a_function_that_calls_itself_deep_inside_is_read_once(judge: Judge, repo: Path) -> None:
    """Honest recursion does not use up the depth that is read."""
    inner = '  if [ -n "$1" ]; then\n    walk "$1/x"\n    rm -rf build\n  fi\n'
    for _ in range(4):
        inner = (
            f'  for f in a b; do\n while read -r line; do\n case "$line" in x*)\n{inner};; esac\n done < list\n done\n'
        )
    (repo / "x.sh").write_text(f"walk() {{\n{inner}}}\nwalk a\n")
    assert judge("bash x.sh") is None
    (repo / "x.sh").write_text(f"walk() {{\n{inner.replace('build', '/')}}}\nwalk a\n")
    assert judge("bash x.sh") is not None


def test_scripts_that_call_each_other_end(judge: Judge, repo: Path) -> None:
    """Each script is read once, so a circle is no trouble."""
    (repo / "a.sh").write_text("bash b.sh\n")
    (repo / "b.sh").write_text("bash a.sh\nbash b.sh\n")
    assert judge("bash a.sh") is None


def test_eight_scripts_deep_is_judged_and_deeper_is_refused(judge: Judge, repo: Path) -> None:
    """The depth is bounded, and what lies beyond is not waved through."""
    for number in range(1, 10):
        (repo / f"s{number}.sh").write_text(f"bash s{number + 1}.sh\n")
    (repo / "s10.sh").write_text("true\n")
    assert judge("bash s3.sh") is None
    refusal = judge("bash s1.sh")
    assert refusal is not None
    assert refusal.code == "unparsable_command"


def test_only_shell_scripts_are_read(judge: Judge, repo: Path) -> None:
    """A program of the repository in another language may hold any word."""
    (repo / "tool.py").write_text("#!/usr/bin/env python3\nsudo = 'rm -rf /'\n")
    (repo / "tool").write_bytes(b"\x7fELF\0\0\nsudo reboot\n")
    assert judge("./tool.py && python tool.py && ./tool") is None


@pytest.mark.parametrize(
    "first", ["#!/bin/sh", "#! /usr/bin/env bash", "#!/usr/bin/env -S bash -e", "#!/bin/zsh -f", ":"]
)
def test_a_shell_script_is_known_by_its_first_line(judge: Judge, repo: Path, first: str) -> None:
    """A script without an extension is known by its interpreter, or by having none."""
    (repo / "deploy").write_text(f"{first}\nsudo reboot\n")
    refusal = judge("./deploy")
    assert refusal is not None
    assert refusal.where == Where("deploy", 2, 1)


def test_a_missing_script_is_no_refusal(judge: Judge) -> None:
    """The command fails by itself, with a better message."""
    assert judge("bash nowhere.sh; ./nowhere.sh; source nowhere.sh; bash .") is None


def test_a_script_outside_is_not_followed(judge: Judge, repo: Path, tmp_path: Path) -> None:
    """Scripts outside the repository, also behind links, are not read."""
    (tmp_path / "out.sh").write_text(BAD)
    (repo / "link.sh").symlink_to(tmp_path / "out.sh")
    (repo / "loop.sh").symlink_to(repo / "loop.sh")
    assert judge("bash ../out.sh; bash link.sh; bash loop.sh") is None


def test_a_link_inside_is_followed(judge: Judge, bad: Path) -> None:
    """A link to another script of the repository hides nothing."""
    (bad / "link.sh").symlink_to(bad / "x.sh")
    refusal = judge("bash link.sh")
    assert refusal is not None
    assert refusal.where == Where("x.sh", 4, 3)


def test_a_large_script_is_refused(judge: Judge, repo: Path) -> None:
    """More than 2 000 000 bytes are not read; exactly so many are."""
    line = b"# comment\n"
    (repo / "big.sh").write_bytes(line * 200_000)
    assert judge("bash big.sh") is None
    (repo / "big.sh").write_bytes(line * 200_000 + b"\n")
    refusal = judge("bash big.sh")
    assert refusal is not None
    assert (refusal.code, refusal.where) == ("script_too_large", Where("big.sh"))


def test_an_unreadable_script_is_refused(judge: Judge, repo: Path) -> None:
    """What is there but is no file to be read is refused at once: a FIFO makes nobody wait."""
    os.mkfifo(repo / "pipe.sh")
    for command in ("bash pipe.sh", "./pipe.sh"):
        refusal = judge(command)
        assert refusal is not None
        assert (refusal.code, refusal.where) == ("unreadable_script", Where("pipe.sh"))


def test_an_archive_behind_exit_is_not_read(judge: Judge, repo: Path) -> None:
    """What follows a plain `exit` of a script never runs."""
    (repo / "install.sh").write_text("tail -n +3 $0 | tar x\nexit 0\nsudo rm -rf /\n")
    assert judge("bash install.sh") is None
    assert judge("exit & sudo x") is not None


def test_crlf_scripts_are_read_as_meant(judge: Judge, repo: Path) -> None:
    """Windows line ends hide nothing."""
    (repo / "x.sh").write_bytes(b"echo a\r\nrm -rf /\r\n")
    refusal = judge("bash x.sh")
    assert refusal is not None
    assert refusal.where == Where("x.sh", 2, 1)


def test_lists_and_scripts(judge: Judge, repo: Path) -> None:
    """The denylist holds inside scripts, comments apart; the allowlist is for the command line only."""
    (repo / "x.sh").write_text("# forbidden\ntrue\n")
    assert judge("bash x.sh", denylist=("forbidden",), allowlist=("^bash x.sh$",)) is None
    (repo / "x.sh").write_text("true\nforbidden thing\n")
    refusal = judge("bash x.sh", denylist=("forbidden",))
    assert refusal is not None
    assert (refusal.code, refusal.where) == ("blocked_by_denylist", Where("x.sh", 2, 1))


@pytest.mark.parametrize(
    "line",
    [
        "rm -rf .aider_fsm/artifacts",
        'rm -rf "$AIDER_FSM_REPO_ROOT/.aider_fsm/artifacts/"',
        "cd .aider_fsm && rm -r artifacts/*",
    ],
)
def test_scripts_must_not_delete_the_published_evidence(judge: Judge, repo: Path, line: str) -> None:
    """Deleting `.aider_fsm/artifacts` is a hard deny in scripts; a folder below it may go."""
    (repo / "x.sh").write_text(line + "\n")
    refusal = judge("bash x.sh", mode="system")
    assert refusal is not None
    assert (refusal.code, refusal.pattern) == ("blocked_by_hard_deny", "delete-artifacts")
    (repo / "x.sh").write_text("rm -rf .aider_fsm/artifacts/mine/tmp .aider_fsm/cache\n")
    assert judge("bash x.sh") is None


def test_a_place_is_named_for_quoted_commands(judge: Judge, repo: Path) -> None:
    """What stands in the text of `bash -c` inside a script is reported where that stands."""
    (repo / "x.sh").write_text("true\nbash -c 'true; reboot'\n")
    refusal = judge("bash x.sh")
    assert refusal is not None
    assert refusal.where == Where("x.sh", 2, 1)


def test_interactive_programs_in_scripts(judge: Judge, repo: Path) -> None:
    """A script that would wait for a person is refused as the command would be."""
    (repo / "x.sh").write_text("if true; then\n  npm login\nfi\n")
    refusal = judge("bash x.sh")
    assert refusal is not None
    assert (refusal.code, refusal.where) == ("interactive_command", Where("x.sh", 2, 3))
