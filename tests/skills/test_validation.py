"""`skill validate`: the reference tool's findings, and the limits of agentskills.io as warnings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.errors import DefinitionError
from runner_env.skills.validation import ValidationReport, validate_skills

Folder = Callable[..., str]
GOOD = "description: Greets people by name, politely.\n---\nGreet.\n"


def _report(tmp_path: Path, *paths: str, strict: bool = False) -> ValidationReport:
    return validate_skills(paths, tmp_path, strict=strict)


def test_a_good_skill(tmp_path: Path, skill_folder: Folder) -> None:
    """A skill without faults is valid, by its own path and by the directory above."""
    path = skill_folder()
    assert _report(tmp_path, path, "skills") == ValidationReport(valid=True, findings=())


def test_a_file_is_refused(tmp_path: Path, skill_folder: Folder) -> None:
    """A skill is named by its directory, not by its file."""
    path = skill_folder()
    with pytest.raises(DefinitionError, match="Not a directory"):
        _report(tmp_path, f"{path}/SKILL.md")


def test_a_path_without_a_name(tmp_path: Path, skill_folder: Folder) -> None:
    """`.` has no name that the skill's could differ from."""
    assert _report(tmp_path / skill_folder(), ".").valid


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# Greeter\n", ["no YAML frontmatter"]),
        ("---\nname: greeter\n", ["is missing)"]),
        (f"\ufeff---\nname: greeter\n{GOOD}", ["byte order mark"]),
        (f"---\n{GOOD}", ["missing a non-empty `name`"]),
        (f"---\nname: other\n{GOOD}", ["`name` (other) does not match the directory name (greeter)"]),
        ("---\nname: greeter\n---\nb", ["missing a non-empty `description`"]),
        ("---\nname: greeter\ndescription: fifteen chars..\n---\nb", ["too short to be useful (< 16 chars)"]),
        ("---\nname: greeter\ndescription: sixteen chars...\n---\n \n", ["no instruction body"]),
        ("---\ndescription: short\n---\n", ["`name`", "too short", "no instruction body"]),
        ("---\nname: [\n---\nb", ["cannot be read"]),
    ],
)
def test_faults(tmp_path: Path, skill_folder: Folder, text: str, said: list[str]) -> None:
    """What makes a skill unusable or useless is a finding; several are told in a fixed order."""
    report = _report(tmp_path, skill_folder("greeter", text))
    assert not report.valid
    assert len(report.findings) == len(said)
    assert all(part in finding.message for part, finding in zip(said, report.findings, strict=True))


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("Greeter", "", "lowercase"),
        ("greet_er", "", "lowercase"),
        ("-greeter", "", "hyphen"),
        ("gre--eter", "", "hyphen"),
        ("g" * 65, "", "65 characters, more than 64"),
        ("greeter", "version: '1'\n", "`version` is not a key"),
        ("greeter", "model: opus\n", "Claude Code"),
        ("greeter", f"compatibility: {'x' * 501}\n", "`compatibility` must have 1 to 500"),
        ("greeter", "license: 2\n", "`license` must be text"),
        ("greeter", "allowed-tools: [Bash]\n", "`allowed-tools` must be text"),
        ("greeter", "metadata: {version: 1.0}\n", "`metadata` must map"),
        ("greeter", "metadata: x\n", "`metadata` must map"),
    ],
)
def test_departures(tmp_path: Path, skill_folder: Folder, name: str, line: str, said: str) -> None:
    """What the specification forbids is a warning, and a finding if one asks for strictness."""
    path = skill_folder(name, f"---\nname: {name}\n{line}{GOOD}")
    report = _report(tmp_path, path)
    assert report.valid
    assert [said in warning.message for warning in report.warnings] == [True]
    strict = _report(tmp_path, path, strict=True)
    assert (strict.valid, strict.findings, strict.warnings) == (False, report.warnings, ())


def test_names_in_other_scripts(tmp_path: Path, skill_folder: Folder) -> None:
    """Lowercase letters of any script may be in a name."""
    assert _report(tmp_path, skill_folder("grüßer", f"---\nname: grüßer\n{GOOD}"), strict=True).valid


def test_a_long_description(tmp_path: Path, skill_folder: Folder) -> None:
    """More than 1024 characters of description are too many, 1024 are not."""
    for count, warnings in ((1024, 0), (1025, 1)):
        path = skill_folder("a", f"---\nname: a\ndescription: {'x' * count}\n---\nb")
        assert len(_report(tmp_path, path).warnings) == warnings


def test_a_directory_of_skills(tmp_path: Path, skill_folder: Folder) -> None:
    """Immediate children are checked in the order of their names; what is deeper is not."""
    for name in ("b", "a", "deep/c"):
        skill_folder(name, "x")
    assert [finding.skill for finding in _report(tmp_path, "skills/").findings] == ["skills/a", "skills/b"]
    assert [finding.message[:15] for finding in _report(tmp_path, ".").findings] == ["no skills found"]


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    """A missing path is bad input and no finding."""
    with pytest.raises(DefinitionError) as caught:
        _report(tmp_path, "nope")
    assert caught.value.where is not None
    assert caught.value.where.file == "nope"
