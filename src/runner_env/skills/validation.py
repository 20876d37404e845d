"""What is wrong with a skill before anything is run: what agents need, and the limits of agentskills.io."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from runner_env.core import Where
from runner_env.errors import DefinitionError
from runner_env.skills.reading import refusal
from runner_env.skills.skill import Skill, load_skill

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MIN_DESCRIPTION = 16
_MAX_NAME = 64
_MAX_DESCRIPTION = 1024
_MAX_COMPATIBILITY = 500
_KEYS = frozenset({"name", "description", "license", "compatibility", "metadata", "allowed-tools"})
"""Every key of the specification, https://agentskills.io/specification."""
_CLAUDE_CODE_KEYS = frozenset(
    {
        "agent",
        "argument-hint",
        "arguments",
        "context",
        "disable-model-invocation",
        "disallowed-tools",
        "effort",
        "hooks",
        "model",
        "paths",
        "shell",
        "user-invocable",
        "when_to_use",
    }
)
"""Keys that Claude Code adds, https://code.claude.com/docs/en/skills#frontmatter-reference."""


@dataclass(frozen=True, slots=True)
class SkillFinding:
    """Something wrong with a skill; `skill` is its directory as given."""

    skill: str
    message: str


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """What became of `skill validate`: format and field names are those of the reference tool, plus `warnings`.

    Attributes:
        valid: whether there are no findings.
        findings: what makes a skill unusable or useless to agents.
        warnings: what other tools may refuse; with `strict` these are findings too.
    """

    valid: bool
    findings: tuple[SkillFinding, ...]
    warnings: tuple[SkillFinding, ...] = ()


def validate_skills(paths: Iterable[str], cwd: Path, *, strict: bool = False) -> ValidationReport:
    """Check each of `paths`: a skill's directory, or a directory whose immediate children are skills.

    Raises:
        DefinitionError: a path does not exist or cannot be read.
    """
    findings: list[SkillFinding] = []
    warnings: list[SkillFinding] = []
    for path in paths:
        directories = _skills_below(path, cwd)
        if not directories:
            message = "no skills found (expected a SKILL.md here or in an immediate subdirectory)"
            findings.append(SkillFinding(path, message))
        for directory in directories:
            _check(directory, cwd, findings, warnings)
    if strict:
        findings, warnings = findings + warnings, []
    return ValidationReport(not findings, tuple(findings), tuple(warnings))


def _skills_below(path: str, cwd: Path) -> list[str]:
    full = cwd / path
    try:
        names = sorted(entry.name for entry in os.scandir(full) if entry.is_dir())
    except OSError as error:
        hint = "Name a skill's directory, or a directory of skills."
        raise refusal("unreadable", f"This could not be read: {error.strerror}.", Where(path), hint) from error
    if _has_skill(full):
        return [path]
    return [f"{path.rstrip('/')}/{name}" for name in names if _has_skill(full / name)]


def _has_skill(directory: Path) -> bool:
    return (directory / "SKILL.md").is_file()


def _check(path: str, cwd: Path, findings: list[SkillFinding], warnings: list[SkillFinding]) -> None:
    try:
        skill = load_skill(cwd / path, path)
    except DefinitionError as error:
        findings += [SkillFinding(path, f"frontmatter cannot be read: {finding}") for finding in error.findings]
        return
    findings += [SkillFinding(path, message) for message in _faults(skill, PurePath(path).name)]
    warnings += [SkillFinding(path, message) for message in _departures(skill)]


def _faults(skill: Skill, directory: str) -> Iterator[str]:
    if skill.frontmatter is None:
        why = f": {skill.trouble}" if skill.trouble else ""
        yield f"SKILL.md has no YAML frontmatter (expected a leading `---` fenced block{why})"
        return
    if not skill.name:
        yield "frontmatter is missing a non-empty `name`"
    elif directory not in ("", "..") and _normal(skill.name) != _normal(directory):
        yield f"frontmatter `name` ({skill.name}) does not match the directory name ({directory})"
    if not skill.description:
        yield "frontmatter is missing a non-empty `description`"
    elif len(skill.description) < _MIN_DESCRIPTION:
        yield f"frontmatter `description` is too short to be useful (< {_MIN_DESCRIPTION} chars)"
    if not skill.instructions:
        yield "SKILL.md has no instruction body after the frontmatter"


def _departures(skill: Skill) -> Iterator[str]:
    """What the specification forbids although the skill would work here."""
    given = skill.frontmatter or {}
    if skill.name:
        yield from _name_departures(_normal(skill.name))
    if len(skill.description) > _MAX_DESCRIPTION:
        yield f"frontmatter `description` has {len(skill.description)} characters, more than {_MAX_DESCRIPTION}"
    compatibility = given.get("compatibility")
    if isinstance(compatibility, str) and not 0 < len(compatibility) <= _MAX_COMPATIBILITY:
        yield f"frontmatter `compatibility` must have 1 to {_MAX_COMPATIBILITY} characters, not {len(compatibility)}"
    for key in ("name", "description", "license", "compatibility", "allowed-tools"):
        if key in given and not isinstance(given[key], str):
            yield f"frontmatter `{key}` must be text; put it in quotes"
    metadata = given.get("metadata", {})
    if not isinstance(metadata, Mapping) or not all(isinstance(value, str) for value in metadata.values()):
        yield "frontmatter `metadata` must map keys to text; put numbers and the like in quotes"
    for key in given:
        if key in _CLAUDE_CODE_KEYS:
            yield f"frontmatter `{key}` is a key that Claude Code adds; other agents ignore or refuse it"
        elif key not in _KEYS:
            yield f"frontmatter `{key}` is not a key of the specification; put it under `metadata`"


def _name_departures(name: str) -> Iterator[str]:
    if len(name) > _MAX_NAME:
        yield f"frontmatter `name` has {len(name)} characters, more than {_MAX_NAME}"
    if name != name.lower() or not all(c.isalnum() or c == "-" for c in name):
        yield "frontmatter `name` may have lowercase letters, digits and hyphens only"
    if name.startswith("-") or name.endswith("-") or "--" in name:
        yield "frontmatter `name` must not begin or end with a hyphen, nor have two in a row"


def _normal(name: str) -> str:
    return unicodedata.normalize("NFKC", name)
