"""Reading SKILL.md: what a run accepts, which is more than what `skill validate` does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.errors import DefinitionError
from runner_env.skills.skill import Skill, load_skill, skill_of

HEAD = "---\nname: greeter\ndescription: d\n---\n"


def _of(text: str) -> Skill:
    return skill_of(text, "skills/greeter", "skills/greeter/SKILL.md")


@pytest.mark.parametrize(
    ("text", "name", "instructions"),
    [
        (f"{HEAD}# Greeter\n\nGreet.\n", "greeter", "# Greeter\n\nGreet."),
        (f"{HEAD}before\n\n---\n\nafter\n", "greeter", "before\n\n---\n\nafter"),
        ("---  \nname: 'a b'\n---\t\nx", "a b", "x"),
        (HEAD, "greeter", ""),
        ("# Just a body\n", "", "# Just a body"),
        ("---\ndescription: d\n---\nbody\n", "", "body"),
        ("---\n---\nbody", "", "body"),
        ("---\n# nothing\n---\nbody", "", "body"),
        ("---\nname: a\ndescription: b\nbody\n", "", "---\nname: a\ndescription: b\nbody"),
        (f"\ufeff{HEAD}body", "", f"\ufeff{HEAD}body"),
        ("---- \nname: a\n---\nb", "", "---- \nname: a\n---\nb"),
        ("---\nname: 123\n---\nb", "123", "b"),
        ("", "", ""),
    ],
)
def test_name_and_instructions(text: str, name: str, instructions: str) -> None:
    """Frontmatter is what lies between two lines of three dashes at the very beginning; all else is instructions."""
    skill = _of(text)
    assert (skill.name, skill.instructions) == (name, instructions)


@pytest.mark.parametrize(
    ("text", "trouble"),
    [("---\nname: a\n", "missing"), (f"\ufeff{HEAD}", "byte order mark"), ("# body", ""), (HEAD, "")],
)
def test_what_looks_like_frontmatter(text: str, trouble: str) -> None:
    """Text that looks like frontmatter and is none says why, because its name goes missing (W15)."""
    assert trouble in _of(text).trouble
    assert bool(_of(text).trouble) is bool(trouble)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("---\nname: a\ndescription: use: it\n---\n", "skills/greeter/SKILL.md:3:17"),
        ("---\nname: [a]\n---\n", "skills/greeter/SKILL.md:2:1"),
        ("---\nname: a\nname: b\n---\n", "skills/greeter/SKILL.md:3:1"),
        ("---\n- a\n---\n", "skills/greeter/SKILL.md:2:1"),
    ],
)
def test_frontmatter_that_is_unusable(text: str, place: str) -> None:
    """Frontmatter that is no YAML mapping is refused, at its place in the file."""
    with pytest.raises(DefinitionError) as caught:
        _of(text)
    assert str(caught.value.where) == place


def test_windows_line_ends(write: Callable[[str, str], Path], tmp_path: Path) -> None:
    """Windows line ends are read; the instructions keep theirs, because nobody asked for others."""
    write("s/SKILL.md", f"{HEAD}body\nmore\n".replace("\n", "\r\n"))
    skill = load_skill(tmp_path / "s", "s")
    assert (skill.name, skill.instructions) == ("greeter", "body\r\nmore")


@pytest.mark.parametrize(("text", "said"), [(None, "could not be read"), ("\udcff", "not UTF-8")])
def test_a_file_that_cannot_be_read(
    write: Callable[[str, str], Path], tmp_path: Path, text: str | None, said: str
) -> None:
    """A missing SKILL.md and one that is no text are refused by name."""
    if text is not None:
        write("s/SKILL.md", text)
    with pytest.raises(DefinitionError, match=said) as caught:
        load_skill(tmp_path / "s", "a/../s")
    assert caught.value.where is not None
    assert caught.value.where.file == "a/../s/SKILL.md"


def test_a_large_skill() -> None:
    """Instructions of megabytes are read whole, and are not looked at as YAML."""
    body = "x: [\n" * 500_000
    assert _of(f"{HEAD}{body}").instructions == body.strip()


@given(st.text(alphabet="-\n a:[]{}'\"#&*!|>%@`\t", max_size=40))
def test_any_text(text: str) -> None:
    """Any text is a skill or is refused; nothing else happens."""
    try:
        skill = _of(f"---\n{text}\n---\nbody")
    except DefinitionError:
        return
    assert skill.instructions.endswith("body")
