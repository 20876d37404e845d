"""`runner-env skill`: the group, its exit codes, and how errors are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Cli = Callable[..., Result]
CASE = "skill: skills/greeter\ninput: hi\nevals: [{type: boolean, criterion: a}]\n"
SKILL = "---\nname: greeter\ndescription: Greets people by name.\n---\nGreet.\n"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A directory with a case and its skill."""
    (tmp_path / "skills/greeter").mkdir(parents=True)
    (tmp_path / "skills/greeter/SKILL.md").write_text(SKILL)
    (tmp_path / "case.yaml").write_text(CASE)
    return tmp_path


def test_an_error_for_a_person(cli: Cli) -> None:
    """An error goes to standard error with its place and what to do; standard output stays empty."""
    result = cli("skill", "run", "nope.yaml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: nope.yaml: This path does not exist.\nhint: Check the spelling.\n"


def test_help_is_a_subcommand_too(cli: Cli) -> None:
    """`help` and `help run` show what `--help` and `run --help` show."""
    assert cli("skill", "help").stdout == cli("skill", "--help").stdout
    assert cli("skill", "help", "run").stdout == cli("skill", "run", "--help").stdout
    assert cli("skill", "help", "nope").exit_code == 2


def test_a_config_behind_the_subcommand(suite: Path, cli: Cli) -> None:
    """`--config` is read wherever it stands; the one behind the subcommand goes first."""
    (suite / "bad.yaml").write_text("modles: 1\n")
    (suite / "good.yaml").write_text("provider: {kind: scripted}\n")
    assert cli("skill", "run", "case.yaml", "--config", "bad.yaml").exit_code == 2
    assert cli("skill", "--config", "bad.yaml", "run", "case.yaml", "--config", "good.yaml").exit_code in {0, 1}
    assert cli("skill", "validate", "skills", "--config", "bad.yaml").exit_code == 0


def test_an_error_as_json(suite: Path, cli: Cli) -> None:
    """With `--format json` the error is an object on standard output, with every problem of the file."""
    (suite / "case.yaml").write_text(CASE + "a: 1\nb: 2\n")
    result = cli("skill", "run", "--format", "json", "case.yaml")
    error = json.loads(result.stdout)
    assert (result.exit_code, error["code"], set(error)) == (2, "usage", {"code", "message", "hint"})
    assert error["message"].splitlines() == [
        "case.yaml:4:1: `a` is not a key here.",
        "case.yaml:5:1: `b` is not a key here.",
    ]


def test_an_error_as_a_stream(cli: Cli) -> None:
    """With `--format json-stream` the error is the only line."""
    result = cli("skill", "run", "nope.yaml", "--format", "json-stream")
    (line,) = result.stdout.splitlines()
    assert json.loads(line)["type"] == "error"
    assert json.loads(line)["error"]["code"] == "usage"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "case.yaml", "--nope"], "--nope"),
        (["run", "--max-turns", "0", "case.yaml"], "--max-turns: `max_turns` must be at least 1, not 0."),
        (["run", "--timeout", "0", "case.yaml"], "--timeout: `provider.timeout_secs` must be at least 1"),
        (["run", "--set", "nope=1", "case.yaml"], "unknown config setting `nope`"),
        (["run"], "no test cases given"),
        (["--config", "nope.yaml", "run", "case.yaml"], "nope.yaml: This could not be read"),
        (["run", "--mocks", "nope.json", "case.yaml"], "nope.json: This could not be read"),
        (["run", "--mocks", "m.yaml", "--mocks", "m.yaml", "case.yaml"], "--mocks cannot be given twice"),
        (["run", "--judge-model", "a", "--judge-model", "b", "case.yaml"], "--judge-model cannot be given twice"),
        (["nope"], "nope"),
        (["schema", "nope"], "nope"),
    ],
)
@pytest.mark.usefixtures("suite")
def test_bad_input(cli: Cli, arguments: list[str], said: str) -> None:
    """Whatever cannot be used ends with 2 and names the flag or file it came from."""
    result = cli("skill", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_config_beside_the_cases_is_named(tmp_path: Path, cli: Cli) -> None:
    """It is not read from another directory, which is said, with the command that reads it."""
    assert cli("skill", "init", "made").exit_code == 0
    result = cli("skill", "run", "made/cases", "--oneharness-bin", str(tmp_path / "none"))
    assert result.exit_code == 3
    assert "note: made/skilltest.yaml is not used" in result.stderr
    named = cli("skill", "--config", "made/skilltest.yaml", "run", "made/cases")
    assert (named.exit_code, "not used" in named.stderr) == (0, False)


def test_hints_of_all_problems(suite: Path, cli: Cli) -> None:
    """A mistyped key is two problems, and what helps is the hint of the second."""
    (suite / "typo.yaml").write_text("skil: x\ninput: x\nevals: [{type: boolean, criterion: a}]\n")
    assert "Did you mean `skill`?" in cli("skill", "run", "typo.yaml").stderr


def test_validate(suite: Path, cli: Cli) -> None:
    """Valid skills end with 0; findings end with 1 and are told on standard error, or as JSON."""
    result = cli("skill", "validate", "skills")
    assert (result.exit_code, result.stdout) == (0, "OK    all skill definitions valid\n")
    (suite / "skills/greeter/SKILL.md").write_text("body")
    result = cli("skill", "validate", "skills")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("INVALID  skills/greeter: SKILL.md has no YAML frontmatter")
    report = json.loads(cli("skill", "validate", "skills", "--format", "json").stdout)
    assert (report["valid"], [finding["skill"] for finding in report["findings"]]) == (False, ["skills/greeter"])


def test_validate_strictly(suite: Path, cli: Cli) -> None:
    """What the specification forbids is a warning that changes no exit code, unless one asks for strictness."""
    (suite / "skills/greeter/SKILL.md").write_text(SKILL.replace("---\nGreet", "color: red\n---\nGreet"))
    result = cli("skill", "validate", "skills")
    assert result.exit_code == 0
    assert "WARNING  skills/greeter: frontmatter `color`" in result.stderr
    report = json.loads(cli("skill", "validate", "skills", "--format", "json").stdout)
    assert (report["findings"], len(report["warnings"])) == ([], 1)
    assert cli("skill", "validate", "skills", "--strict").exit_code == 1


def test_validate_a_missing_path(cli: Cli) -> None:
    """A missing path is bad input and no finding."""
    result = cli("skill", "validate", "nope", "--format", "json")
    assert (result.exit_code, json.loads(result.stdout)["code"]) == (2, "usage")


def test_init_and_validate(tmp_path: Path, cli: Cli) -> None:
    """What `init` writes is valid even strictly; a second `init` writes nothing and says so."""
    assert cli("skill", "init", "new").exit_code == 0
    assert sorted(str(p.relative_to(tmp_path / "new")) for p in (tmp_path / "new").rglob("*.*")) == [
        "cases/example.yaml",
        "skills/example/SKILL.md",
        "skilltest.yaml",
    ]
    assert cli("skill", "validate", "new/skills", "--strict").exit_code == 0
    (tmp_path / "new/cases/example.yaml").unlink()
    result = cli("skill", "init", "new")
    assert (result.exit_code, "skilltest.yaml, skills/example/SKILL.md" in result.stderr) == (2, True)
    assert not (tmp_path / "new/cases/example.yaml").exists()


def test_init_where_nothing_can_be_written(tmp_path: Path, cli: Cli) -> None:
    """A directory that cannot be made is bad input."""
    (tmp_path / "file").write_text("")
    result = cli("skill", "init", "file")
    assert (result.exit_code, "cannot be written" in result.stderr) == (2, True)


@pytest.mark.parametrize("name", ["config", "report", "validation", "case", "error"])
def test_schema(cli: Cli, name: str) -> None:
    """Each schema is printed, the same as `runner-env schema skill-<name>`."""
    result = cli("skill", "schema", name)
    assert json.loads(result.stdout)["$id"] == f"runner-env/skill-{name}@1"
    assert result.stdout == cli("schema", f"skill-{name}").stdout


def test_help(cli: Cli) -> None:
    """The group shows its subcommands."""
    result = cli("skill", "--help")
    assert result.exit_code == 0
    assert [name for name in ("run", "validate", "init", "schema") if f"  {name}" not in result.stdout] == []


def test_version(cli: Cli) -> None:
    """`-V` prints the version, as in the reference tool."""
    result = cli("skill", "-V")
    assert (result.exit_code, result.stdout) == (0, cli("--version").stdout)
