"""`.aider_fsm/bootstrap.yml` to `Bootstrap`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner_env.contract import load_bootstrap
from runner_env.core import Finding, Verdict
from runner_env.errors import ContractError

Repo = Callable[..., Path]
Refused = Callable[[Callable[[], object]], tuple[Finding, ...]]

FILE = ".aider_fsm/bootstrap.yml"


def test_the_documented_form_parses_without_notes(repo: Repo) -> None:
    """B050: version, env (raw), cmds, workdir, timeout_seconds and retries."""
    text = "version: 1\ncmds: [a, ' b ']\nenv: {A: $B, N: 1.10, E: }\nworkdir: w\ntimeout_seconds: 9\nretries: 2\n"
    bootstrap = load_bootstrap(repo({FILE: text}))
    assert bootstrap is not None
    assert [command.text for command in bootstrap.commands] == ["a", "b"]
    assert bootstrap.env == {"A": "$B", "N": "1.10", "E": ""}
    assert (bootstrap.workdir, bootstrap.timeout_s, bootstrap.retries, bootstrap.notes) == ("w", 9.0, 2, ())
    assert str(bootstrap.where) == f"{FILE}:2:1"


def test_no_file_is_none(repo: Repo) -> None:
    """A bootstrap is optional."""
    assert load_bootstrap(repo({})) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("version: 2\ncmds: [a]\n", "bad_version"),
        ("version: [\n", "yaml_syntax"),
        ("", "empty_contract"),
        ("- a\n", "wrong_type"),
        ("cmdz: [a]\n", "unknown_key"),
        ("cmds: [a]\nsteps: [b]\n", "ambiguous_keys"),
        ("workdir: a\ncwd: b\n", "ambiguous_keys"),
        ("cmds: [{run: a, name: b}]\n", "unknown_key"),
        ("cmds: [{name: b}]\n", "wrong_type"),
        ("cmds: [{run: ''}]\n", "empty_command"),
        ("boot: {cmds: [a]}\nenv: {A: b}\n", "unknown_key"),
        ("boot: {version: 1}\nversion: 1\n", "unknown_key"),
        ("timeout_seconds: 0\n", "bad_value"),
        ("retry: -1\n", "bad_value"),
        ("cwd: ../x\n", "path_escapes"),
        ("boot: [a]\n", "unknown_key"),
    ],
)
def test_what_is_refused(repo: Repo, refused: Refused, text: str, code: str) -> None:
    """B050, B056: version 2, broken YAML and typos are errors that belong to the stage bootstrap."""
    root = repo({FILE: text})
    (finding,) = refused(lambda: load_bootstrap(root))
    assert (finding.code, finding.stage, finding.where.file) == (code, "bootstrap", FILE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("boot: {cmds: [a], workdir: w, timeout_seconds: 9, retries: 2}\n", ["`boot`"]),
        ("version: 1\nboot: {cmds: [a], workdir: w, timeout_seconds: 9, retries: 2}\n", ["`boot`"]),
        ("steps: [a]\nworkdir: w\ntimeout_seconds: 9\nretries: 2\n", ["`steps`"]),
        ("cmds: [{run: a}]\ncwd: w\ntimeout: 9\nretry: 2\n", ["`run: …`", "`cwd`", "`timeout`", "`retry`"]),
        ("cmds: [{cmd: a}]\nworkdir: w\ntimeout: 9\nretries: 2\n", ["`cmd: …`", "`timeout`"]),
        ("cmds: [{command: a}]\nworkdir: w\ntimeout: 9\nretries: 2\n", ["`command: …`", "`timeout`"]),
    ],
)
def test_every_leniency_is_accepted_and_noted(repo: Repo, text: str, said: list[str]) -> None:
    """B051: boot, steps, run, cmd, command, cwd, timeout and retry mean the same, and each leaves a note."""
    bootstrap = load_bootstrap(repo({FILE: text}))
    assert bootstrap is not None
    assert [command.text for command in bootstrap.commands] == ["a"]
    assert (bootstrap.workdir, bootstrap.timeout_s, bootstrap.retries) == ("w", 9.0, 2)
    assert {(note.code, note.verdict) for note in bootstrap.notes} == {("bootstrap_alias", Verdict.PASSED)}
    assert [note.message.split(" as ")[0].split(" is ")[0].split(" around ")[0] for note in bootstrap.notes] == said


def test_a_reference_that_is_not_replaced_is_noted(repo: Repo) -> None:
    """`${A:-b}` stays as it is written, and that is said; `$${` is a written dollar sign."""
    bootstrap = load_bootstrap(repo({FILE: "env: {A: '${B:-c}', D: '$${x', E: '${F}'}\n"}))
    assert bootstrap is not None
    assert [(note.code, note.message.split(" ")[0]) for note in bootstrap.notes] == [("not_expanded", "`A`")]


@given(data=st.one_of(st.binary(max_size=60), st.text("boot: {cmds[]runenv\n-}'", max_size=60).map(str.encode)))
@settings(max_examples=100, deadline=None)
def test_any_bytes_load_or_are_refused(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """B056: nothing but `ContractError` is raised."""
    root = tmp_path_factory.mktemp("any")
    (root / ".aider_fsm").mkdir()
    (root / FILE).write_bytes(data)
    findings: tuple[Finding, ...] = ()
    try:
        load_bootstrap(root)
    except ContractError as error:
        findings = error.findings
    assert {found.stage for found in findings} <= {"bootstrap"}
