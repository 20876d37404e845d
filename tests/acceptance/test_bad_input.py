"""Bad input gets a clear error and loses nothing: contracts, paths, programs and ports that cannot be used."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

import runner_env
from runner_env.contract import lint
from runner_env.core import Verdict
from runner_env.errors import ContractError, ContractMissing, RunnerEnvError, TargetError, WorkspaceBusy

Make = Callable[..., Any]
GOOD = (
    "evaluation:\n"
    "  run_cmds:\n"
    """    - 'printf ''{"ok": true, "score": 0.5}'' > .aider_fsm/metrics.json'\n"""
    "  metrics_path: .aider_fsm/metrics.json\n"
    "  required_keys: [ok, score]\n"
)
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

GOOD_METRICS = """printf '{"ok": true, "score": 0.5}' > .aider_fsm/metrics.json"""

REFUSED: Mapping[str, tuple[str | bytes, str, str]] = {
    "empty": ("", "empty_contract", "1:1"),
    "blank": (" \n\n", "empty_contract", "1:1"),
    "only a comment": ("# later\n", "empty_contract", "1:1"),
    "only a marker": ("---\n", "empty_contract", "1:1"),
    "null": ("null\n", "wrong_type", "1:1"),
    "list": ("- version: 1\n", "wrong_type", "1:1"),
    "text": ("version 1\n", "wrong_type", "1:1"),
    "web page": ("<!DOCTYPE html>\n<html></html>\n", "wrong_type", "1:1"),
    "version 2": ("version: 2\n" + GOOD, "bad_version", "1:1"),
    "version 1.9": ("version: 1.9\n" + GOOD, "bad_version", "1:1"),
    "version 1.0": ("version: 1.0\n" + GOOD, "bad_version", "1:1"),
    "version text": ("version: '1'\n" + GOOD, "bad_version", "1:1"),
    "version true": ("version: true\n" + GOOD, "bad_version", "1:1"),
    "version null": ("version:\n" + GOOD, "bad_version", "1:1"),
    "section is a list": ("version: 1\ntests: ['true']\n", "wrong_type", "2:1"),
    "section is text": ("version: 1\ntests: run\n", "wrong_type", "2:1"),
    "section is false": ("version: 1\nevaluation: false\n", "wrong_type", "2:1"),
    "empty command": ("tests: {cmd: ''}\n", "empty_command", "1:9"),
    "blank command": ("tests: {cmds: ['true', ' ']}\n", "empty_command", "1:24"),
    "number as command": ("tests: {cmds: [1]}\n", "wrong_type", "1:16"),
    "null as command": ("tests:\n  cmds:\n    -\n", "wrong_type", "3:6"),
    "mapping as command": ("tests:\n  cmds:\n    - echo a: b\n", "wrong_type", "3:7"),
    "text for a list": ("tests: {cmds: 'true'}\n", "wrong_type", "1:9"),
    "list for a text": ("tests: {cmd: ['true']}\n", "wrong_type", "1:9"),
    "both spellings": ("tests: {cmds: ['true'], cmd: 'true'}\n", "ambiguous_keys", "1:25"),
    "required_keys is text": ("evaluation: {required_keys: ok}\n", "wrong_type", "1:14"),
    "required_keys has a number": ("evaluation: {required_keys: [1]}\n", "wrong_type", "1:30"),
    "allowlist is text": ("security: {allowlist: x}\n", "wrong_type", "1:12"),
    "denylist is a mapping": ("security: {denylist: {x: y}}\n", "wrong_type", "1:12"),
    "pattern": ("security: {denylist: ['(']}\n", "bad_pattern", "1:23"),
    "empty pattern": ("security: {allowlist: ['']}\n", "bad_pattern", "1:24"),
    "teardown_policy": ("deploy: {teardown_policy: sometimes}\n", "bad_value", "1:10"),
    "security.mode": ("security: {mode: paranoid}\n", "bad_value", "1:12"),
    "timeout with a unit": ("tests: {cmds: ['true'], timeout_seconds: 5m}\n", "wrong_type", "1:25"),
    "timeout true": ("tests: {cmds: ['true'], timeout_seconds: true}\n", "wrong_type", "1:25"),
    "timeout zero": ("tests: {cmds: ['true'], timeout_seconds: 0}\n", "bad_value", "1:25"),
    "timeout minus zero": ("tests: {cmds: ['true'], timeout_seconds: -0.0}\n", "bad_value", "1:25"),
    "timeout not finite": ("tests: {cmds: ['true'], timeout_seconds: .nan}\n", "bad_value", "1:25"),
    "timeout too large": ("tests: {cmds: ['true'], timeout_seconds: 1e400}\n", "bad_value", "1:25"),
    "limit negative": ("security: {max_cmd_seconds: -3}\n", "bad_value", "1:12"),
    "limit text": ("security: {max_cmd_seconds: abc}\n", "wrong_type", "1:12"),
    "retries fraction": ("tests: {cmds: ['true'], retries: 1.5}\n", "wrong_type", "1:25"),
    "retries huge": ("tests: {cmds: ['true'], retries: 99999999999999999999}\n", "bad_value", "1:25"),
    "number of 10,000 digits": (f"tests: {{retries: {'9' * 10_000}}}\n", "bad_number", "1:18"),
    "score_range": ("evaluation: {score_range: [1, 0]}\n", "bad_value", "1:14"),
    "score_range true": ("evaluation: {score_range: [false, true]}\n", "wrong_type", "1:28"),
    "env is a list": ("tests: {env: [A]}\n", "wrong_type", "1:9"),
    "env name": ("tests: {env: {'A=B': x}}\n", "bad_name", "1:15"),
    "env value is a list": ("tests: {env: {A: [x]}}\n", "wrong_type", "1:15"),
    "NUL by escape": ('tests: {env: {A: "x\\0"}}\n', "bad_character", "1:18"),
    "key with NUL by escape": ('tests: {"env\\0": {}}\n', "bad_character", "1:9"),
    "half a surrogate pair": ('tests: {cmd: "\\ud800"}\n', "bad_character", "1:14"),
    "tab": ("tests:\n\tcmds: ['true']\n", "tab_indentation", "2:1"),
    "tab in a list": ("tests:\n  cmds:\n\t- 'true'\n", "tab_indentation", "3:1"),
    "tab below spaces": ("tests:\n  cmds: ['true']\n\tcmd: x\n", "tab_indentation", "3:1"),
    "duplicate key": ("version: 1\n" + GOOD + "version: 1\n", "duplicate_key", "7:1"),
    "duplicate section": (GOOD + GOOD, "duplicate_key", "6:1"),
    "duplicate by quotes": ("tests: {cmd: 'true', 'cmd': 'false'}\n", "duplicate_key", "1:22"),
    "duplicate by escape": ('tests: {cmd: a, "\\u0063md": b}\n', "duplicate_key", "1:17"),
    "alias bomb": (BOMB, "too_many_values", "3:4"),
    "alias of itself": ("tests: &t {cmds: *t}\n", "recursive_alias", "1:18"),
    "list of itself": ("&a [*a]\n", "recursive_alias", "1:5"),
    "alias of nothing": ("tests: {cmds: [*nope]}\n", "unknown_alias", "1:16"),
    "glob taken for an alias": ("tests: {cmds: [ls, *.py]}\n", "unknown_alias", "1:20"),
    "merge key": ("tests: {<<: {cmd: 'true'}}\n", "unknown_key", "1:9"),
    "Python object": ("tests: !!python/object/apply:os.system ['touch pwned']\n", "yaml_tag", "1:8"),
    "Python name": ("tests: {cmd: !!python/name:os.system }\n", "yaml_tag", "1:14"),
    "own tag": ("tests: !run {cmd: 'true'}\n", "yaml_tag", "1:8"),
    "binary tag": ("tests: {cmd: !!binary dHJ1ZQ==}\n", "yaml_tag", "1:14"),
    "set": ("tests: !!set {cmds}\n", "yaml_tag", "1:8"),
    "two documents": (GOOD + "---\n" + GOOD, "several_documents", "6:1"),
    "YAML 1.1": ("%YAML 1.1\n---\n" + GOOD, "yaml_directive", "2:1"),
    "tag directive": ("%TAG !! tag:x,2000:\n---\n" + GOOD, "yaml_directive", "2:1"),
    "unclosed bracket": ("tests: {cmds: ['true'\n", "yaml_syntax", "2:1"),
    "unclosed quote": ('tests:\n  cmd: "echo\n', "yaml_syntax", "2:8"),
    "reserved character": ("tests: {cmd: @x}\n", "yaml_syntax", "1:14"),
    "bad escape": ('tests: {cmd: "\\q"}\n', "yaml_syntax", "1:16"),
    "nested without end": ("[" * 10_000, "too_deep", "1:33"),
    "nested": (f"tests: {'[' * 200}{']' * 200}\n", "too_deep", "1:39"),
    "number as key": ("1: x\n", "bad_key", "1:1"),
    "list as key": ("? [a]\n: b\n", "bad_key", "1:3"),
    "null as key": ("~: x\n", "bad_key", "1:1"),
    "UTF-16": (GOOD.encode("utf-16"), "not_utf8", "1:1"),
    "UTF-16 big end first": ("\ufeff".encode("utf-16-be") + GOOD.encode("utf-16-be"), "not_utf8", "1:1"),
    "UTF-16 without mark": (GOOD.encode("utf-16-le"), "bad_character", "1:2"),
    "UTF-32": (GOOD.encode("utf-32"), "not_utf8", "1:1"),
    "Latin-1": (b"tests: {cmd: caf\xe9}\n", "not_utf8", "1:17"),
    "Latin-1 after CRLF": (b"version: 1\r\ntests: {cmd: caf\xe9}\r\n", "not_utf8", "2:17"),
    "overlong UTF-8": (b"tests: {cmd: \xc0\xaf}\n", "not_utf8", "1:14"),
    "surrogate in UTF-8": (b"tests: {cmd: \xed\xa0\x80}\n", "not_utf8", "1:14"),
    "NUL": (b"tests: {cmds: ['tr\0ue']}\n", "bad_character", "1:19"),
    "escape sequence": (b"tests: {cmd: '\x1b[2J'}\n", "bad_character", "1:15"),
    "two byte order marks": ("\ufeff\ufeff" + GOOD, "bad_character", "1:1"),
    "gzip": (b"\x1f\x8b\x08\x00", "not_utf8", "1:2"),
    "pickle": (b"\x80\x04\x95", "not_utf8", "1:1"),
    "one endless line": ("x: " + "a" * 100_000, "too_large", "1:1"),
    "too many lines": ("#\n" * 20_000, "too_large", "10001:1"),
    "workdir above": ("tests: {cmds: ['true'], workdir: ../x}\n", "path_escapes", "1:25"),
    "workdir above in disguise": ("tests: {cmds: ['true'], workdir: a/./../../b}\n", "path_escapes", "1:25"),
    "workdir absolute": ("tests: {cmds: ['true'], workdir: /}\n", "path_escapes", "1:25"),
    "workdir home": ("tests: {cmds: ['true'], workdir: '~'}\n", "path_escapes", "1:25"),
    "workdir of another system": ("tests: {cmds: ['true'], workdir: 'a\\..\\..'}\n", "path_escapes", "1:25"),
    "metrics_path absolute": ("evaluation: {metrics_path: /proc/self/environ}\n", "path_escapes", "1:14"),
    "metrics_path above": ("evaluation: {metrics_path: x/../../y}\n", "path_escapes", "1:14"),
    "out_dir above": ("artifacts: {out_dir: ..}\n", "path_escapes", "1:13"),
    "out_dir absolute": ("artifacts: {out_dir: /tmp}\n", "path_escapes", "1:13"),
}


@pytest.mark.parametrize(("contract", "code", "place"), REFUSED.values(), ids=REFUSED)
def test_unusable_contract_is_refused_at_its_place(
    project: Make, home: Path, contract: str | bytes, code: str, place: str
) -> None:
    """B021 to B025, RT056, RT058: a code, line and column, a hint, within a second; nothing is run or written."""
    made = project()
    path = made.root / "pipeline.yml"
    path.write_bytes(contract if isinstance(contract, bytes) else contract.encode())
    started = time.process_time()
    with pytest.raises(ContractError) as caught:
        made.setup()
    assert time.process_time() - started < 1
    finding = caught.value.findings[0]
    assert (finding.code, str(finding.where)) == (code, f"pipeline.yml:{place}")
    assert finding.hint
    assert finding in lint(made.root)
    _is_for_people(str(caught.value))
    assert [entry.name for entry in made.root.iterdir()] in (
        [".aider_fsm", "pipeline.yml"],
        ["pipeline.yml", ".aider_fsm"],
    )
    assert not (home / "runs").exists()


def _is_for_people(message: str) -> None:
    """No traceback, no names of the inside, no control characters, not a whole file."""
    for word in (
        "Traceback",
        "object at 0x",
        "<class",
        "pydantic",
        "ruamel",
        "Errno",
        "input_value",
        "None",
        "'NoneType'",
    ):
        assert word not in message
    assert message.isprintable()
    assert len(message) < 500


ACCEPTED: Mapping[str, str | bytes] = {
    "plain": GOOD,
    "byte order mark": "\ufeff" + GOOD,
    "CRLF": GOOD.replace("\n", "\r\n"),
    "CR": GOOD.replace("\n", "\r"),
    "byte order mark and CRLF": ("\ufeff" + GOOD).replace("\n", "\r\n"),
    "no last line end": GOOD.rstrip(),
    "document markers": "---\n" + GOOD + "...\n",
    "YAML 1.2": "%YAML 1.2\n---\n" + GOOD,
    "comment in another language": "# 评测 é\n" + GOOD,
    "honest alias": GOOD + "tests: {cmds: &c ['true']}\nauth: {cmds: *c}\n",
    "str tag": GOOD + "tests: {cmd: !!str true}\n",
    "block text": GOOD + "tests:\n  cmd: |\n    true\n    \ttrue\n",
    "emoji": GOOD + "tests: {cmds: ['true 🎉'], env: {X: 🎉}}\n",
    "null section": GOOD + "tests:\n",
    "JSON": json.dumps(
        {
            "version": 1,
            "evaluation": {
                "run_cmds": ["""printf '{"ok": true, "score": 0.5}' > .aider_fsm/metrics.json"""],
                "metrics_path": ".aider_fsm/metrics.json",
            },
        }
    ),
}


@pytest.mark.parametrize("contract", ACCEPTED.values(), ids=ACCEPTED)
def test_unusual_but_honest_contract_runs(project: Make, contract: str | bytes) -> None:
    """RT058: byte order mark, any line end, any language: no false alarm."""
    made = project()
    (made.root / "pipeline.yml").write_bytes(contract if isinstance(contract, bytes) else contract.encode())
    result = made.evaluate()
    assert (result.verdict, result.score) == (Verdict.PASSED, 0.5), result.findings


@pytest.mark.parametrize("section", ["tests", "auth"])
def test_single_command_is_a_list_of_one(project: Make, section: str, scored: Make) -> None:
    """B022: `cmd` with one text."""
    made = project(**{section: {"cmd": "touch ran"}}, evaluation=scored())
    assert made.evaluate().ok
    assert made.exists("ran")


def test_every_problem_is_reported_at_once(project: Make) -> None:
    """A person corrects the file once: all problems, in file order."""
    text = "version: 2\ntests: {cmd: '', retires: 1}\nevalution: {}\n"
    with pytest.raises(ContractError) as caught:
        project(pipeline=text).setup()
    assert [str(found.where) for found in caught.value.findings] == [
        "pipeline.yml:1:1",
        "pipeline.yml:2:9",
        "pipeline.yml:2:18",
        "pipeline.yml:3:1",
    ]
    assert "(and 3 more)" in str(caught.value)


def test_missing_contract_says_how_to_begin(project: Make) -> None:
    """Missing is not empty: FileNotFoundError, and what writes one."""
    made = project()
    (made.root / "pipeline.yml").unlink()
    with pytest.raises(ContractMissing) as caught:
        made.setup()
    assert isinstance(caught.value, FileNotFoundError)
    assert "runner-env init" in str(caught.value)
    assert [finding.code for finding in lint(made.root)] == ["contract_missing"]


def _replace(path: Path, kind: str) -> None:
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "FIFO":
        os.mkfifo(path)
    else:
        path.symlink_to(kind)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("folder", "not_a_file"),
        ("FIFO", "not_a_file"),
        ("/dev/zero", "link_escapes"),
        ("../outside.yml", "link_escapes"),
        ("nothing.yml", "broken_link"),
        ("pipeline.yml", "unreadable"),
    ],
)
def test_contract_must_be_a_plain_file_inside(project: Make, kind: str, code: str) -> None:
    """A contract is never read through a link that leaves, and never waited for."""
    made = project(pipeline=GOOD)
    (made.root.parent / "outside.yml").write_text(GOOD)
    _replace(made.root / "pipeline.yml", kind)
    with pytest.raises(ContractError) as caught:
        made.setup()
    assert (caught.value.code, bool(caught.value.hint)) == (code, True)


@pytest.mark.parametrize("rel", ["../pipeline.yml", "/etc/hostname", "~/pipeline.yml", "", "a\0b"])
def test_contract_path_stays_inside(project: Make, rel: str) -> None:
    """`pipeline_rel` names a file of the repository."""
    with pytest.raises(RunnerEnvError):
        project(pipeline=GOOD).setup(pipeline_rel=rel)


@pytest.mark.parametrize("name", ["bootstrap.yml", "actions.yml"])
@pytest.mark.parametrize(
    "content", ["", "version: 2\n", "version: [\n", "cmd: x\n", "version: 1\n\tcmds: []\n", "\0", "- a\n"]
)
def test_bad_file_beside_the_contract_fails_its_stage(project: Make, name: str, content: str) -> None:
    """B021, B056: a broken bootstrap.yml or actions.yml stops the run before anything else, with its place."""
    made = project(pipeline=GOOD, files={f".aider_fsm/{name}": content})
    result = made.evaluate(repair_iters=0)
    assert (result.ok, result.failed_stage, result.metrics) == (False, name.removesuffix(".yml"), None)
    assert str(result.findings[0].where).startswith(f".aider_fsm/{name}:")
    assert result.findings[0] in lint(made.root)


WORKDIRS: Mapping[str, str] = {
    "link": "out",
    "link in a folder": "sub/out",
    "below a link": "out/deeper",
    "through a link and back": "out/../target",
}


@pytest.mark.parametrize("workdir", WORKDIRS.values(), ids=WORKDIRS)
@pytest.mark.parametrize("absolute", [True, False])
def test_workdir_behind_a_link_that_leaves_is_not_entered(project: Make, workdir: str, absolute: bool) -> None:
    """B040, RT016: nothing is executed, and the message names the link."""
    made = project(tests={"cmds": ["touch pwned"], "workdir": workdir})
    outside = made.root.parent / "outside"
    (outside / "deeper").mkdir(parents=True)
    (made.root / "sub").mkdir()
    (made.root / "out").symlink_to(outside if absolute else "../outside")
    (made.root / "sub/out").symlink_to(outside if absolute else "../../outside")
    result = made.evaluate(repair_iters=0)
    assert (result.ok, result.failed_stage, result.findings[0].code) == (False, "tests", "workdir_unusable")
    link = "sub/out" if workdir.startswith("sub") else "out"
    assert f"`{link}` is a link to" in result.findings[0].message
    assert not list(made.root.parent.rglob("pwned"))
    assert (Path(result.artifacts_dir) / "tests_workdir_error.txt").exists()


@pytest.mark.parametrize("workdir", ["missing", "pipeline.yml", "loop"])
def test_workdir_that_is_none_is_refused(project: Make, workdir: str) -> None:
    """B040: missing, a file, or links in circles."""
    made = project(tests={"cmds": ["touch pwned"], "workdir": workdir})
    (made.root / "loop").symlink_to("loop")
    result = made.evaluate(repair_iters=0)
    assert (result.failed_stage, result.findings[0].code) == ("tests", "workdir_unusable")
    assert result.findings[0].hint
    assert not made.exists("pwned")


def test_workdir_swapped_by_an_earlier_stage_is_not_entered(project: Make, scored: Make) -> None:
    """RT022: what was a folder when the contract was checked may be a link when the stage begins."""
    made = project(
        tests={"cmds": ["rmdir sub && ln -s ../outside sub"]}, evaluation=scored("touch pwned", workdir="sub")
    )
    (made.root / "sub").mkdir()
    (made.root.parent / "outside").mkdir()
    assert [finding.code for finding in lint(made.root)] == []
    result = made.evaluate(repair_iters=0)
    assert (result.failed_stage, result.findings[0].code) == ("evaluation", "workdir_unusable")
    assert not list(made.root.parent.rglob("pwned"))


@pytest.mark.parametrize("link", [".aider_fsm", ".aider_fsm/artifacts"])
def test_folder_of_ours_that_is_a_link_is_refused(project: Make, link: str) -> None:
    """Part II E: evidence is never written outside through a link."""
    made = project(pipeline=GOOD)
    outside = made.root.parent / "outside"
    outside.mkdir()
    if link == ".aider_fsm":
        (made.root / link).rmdir()
    (made.root / link).symlink_to(outside)
    with pytest.raises(TargetError) as caught:
        made.evaluate()
    assert (caught.value.code, bool(caught.value.hint)) == ("workspace_link", True)
    assert not list(outside.iterdir())


def test_folder_of_ours_that_a_stage_makes_a_link_is_refused(project: Make, scored: Make) -> None:
    """RT022: the same in the middle of a run: unscored, and nothing is written outside."""
    swap = "rm -rf .aider_fsm/artifacts && ln -s ../../outside .aider_fsm/artifacts"
    made = project(tests={"cmds": [swap]}, evaluation=scored())
    outside = made.root.parent / "outside"
    outside.mkdir()
    result = made.evaluate(repair_iters=0)
    assert (result.verdict, result.score) == (Verdict.UNSCORED, None)
    assert not list(outside.iterdir())
    assert json.loads((result.run_dir / "record.json").read_bytes())["verdict"] == "unscored"


@pytest.fixture
def no_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A PATH with a shell and what the stages use, and no git."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "touch", "printf"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(tools))


@pytest.mark.usefixtures("no_git")
def test_directory_works_without_git(project: Make, scored: Make) -> None:
    """No git: a local path runs all the same, even if it is a repository's."""
    made = project(evaluation=scored())
    (made.root / ".git").mkdir()
    assert made.evaluate().score == 0.5


@pytest.mark.usefixtures("no_git")
@pytest.mark.parametrize("target", ["https://127.0.0.1:9/a/b.git", "file:///nowhere/b.git", "git@127.0.0.1:a/b.git"])
def test_url_without_git_says_so(target: str, tmp_path: Path) -> None:
    """No git: a URL gets an error that names it."""
    with pytest.raises(TargetError) as caught:
        runner_env.setup(target, clones_dir=tmp_path / "clones")
    assert caught.value.code == "git_missing"
    assert "git" in caught.value.message
    assert caught.value.hint


def test_port_taken_is_a_failure_that_shows_why(tmp_path: Path) -> None:
    """examples/service with its port taken: deploy_setup fails, the evidence has the words, nothing is left running."""
    source = Path(__file__).resolve().parents[2] / "examples/service"
    ignored = shutil.ignore_patterns("artifacts", "__pycache__", "service", "*.json", "*.sqlite3*")
    repo = tmp_path / "service"
    shutil.copytree(source, repo, ignore=lambda folder, names: set(ignored(folder, names)) - {".aider_fsm"})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with runner_env.setup(repo) as session:
            overrides = {"PORT": str(taken.getsockname()[1])}
            result = session.evaluate("m", env_overrides=overrides, repair_iters=0)
    assert (result.ok, result.failed_stage, result.findings[0].code) == (False, "deploy_setup", "command_failed")
    setup = result.verify.deploy_setup
    assert setup is not None
    assert "in use" in setup.results[-1].stderr
    assert result.findings[0].evidence
    assert not (repo / ".aider_fsm/service").exists()
    with runner_env.setup(repo) as session:
        assert session.evaluate("m", repair_iters=0).ok


def test_second_run_is_refused_and_names_the_first(project: Make, scored: Make) -> None:
    """RT074: two runs in one workspace: the second is refused, naming the first, which is not disturbed."""
    made = project(evaluation=scored("while [ ! -e go ]; do sleep 0.02; done; " + GOOD_METRICS))
    results: list[Any] = []
    first = threading.Thread(target=lambda: results.append(made.evaluate()))
    first.start()
    try:
        deadline = time.monotonic() + 20
        while not (made.root / ".aider_fsm/artifacts").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        with pytest.raises(WorkspaceBusy) as caught:
            made.evaluate()
    finally:
        (made.root / "go").touch()
        first.join()
    assert results[0].score == 0.5
    assert results[0].run_id in str(caught.value)
    assert str(os.getpid()) in str(caught.value)


def test_alias_bomb_takes_no_memory(project: Make) -> None:
    """RT056: the error comes before the expansion: less than 50 MiB more than an honest contract."""
    program = (
        "import sys, runner_env\n"
        "from runner_env.errors import ContractError\n"
        "try: runner_env.setup(sys.argv[1])\n"
        "except ContractError as error: print(error.code, end=' ')\n"
        "print(int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]))\n"
    )
    sizes = []
    for contract in (GOOD, BOMB):
        argv = [sys.executable, "-c", program, str(project(pipeline=contract).root)]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30)
        sizes.append(int(done.stdout.split()[-1]))
    assert "too_many_values" in done.stdout
    assert sizes[1] - sizes[0] < 50 * 1024


def test_errors_read_well(project: Make, snapshot: SnapshotAssertion) -> None:
    """Twenty bad inputs, as a newcomer sees them."""
    names = [
        "empty", "list", "web page", "version 2", "section is text", "mapping as command", "text for a list",
        "teardown_policy", "timeout with a unit", "retries huge", "env name", "pattern", "tab", "duplicate key",
        "alias bomb", "glob taken for an alias", "merge key", "Python object", "unclosed bracket", "UTF-16",
        "workdir above", "workdir of another system", "metrics_path absolute",
    ]  # fmt: skip
    said = {}
    for name in names:
        contract = REFUSED[name][0]
        made = project()
        (made.root / "pipeline.yml").write_bytes(contract if isinstance(contract, bytes) else contract.encode())
        said[name] = [str(finding) for finding in lint(made.root)]
    assert said == snapshot


def test_refusals_of_artifacts_read_well(project: Make, scored: Make, snapshot: SnapshotAssertion) -> None:
    """What a stage handed in, and why it does not count, as a newcomer sees it."""
    handed_in = {
        "nothing": None,
        "empty": "",
        "NaN": '{"ok": true,\n "score": NaN}',
        "twice": '{"ok": true, "score": 0.5, "score": 0.9}',
        "text": '{"ok": "True", "score": "99%"}',
        "nested": '{"ok": true, "score": {"value": null}}',
        "percent": '{"ok": true, "score": 93}',
        "Python": "{'ok': True}",
        "no score": '{"ok": true}',
    }
    said = {}
    for name, content in handed_in.items():
        made = project(evaluation=scored("cp made .aider_fsm/metrics.json || true"))
        (made.root / "made").unlink(missing_ok=True)
        if content is not None:
            made.write({"made": content})
        said[name] = [str(finding) for finding in made.evaluate(repair_iters=0).findings]
    assert said == snapshot
