"""`runner_env.targets.submodules`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner_env.errors import TargetError
from runner_env.settings import Settings
from runner_env.targets import fetch

MakeCheckout = Callable[..., Path]
GitCommand = Callable[..., str]


def entry(name: str = "x", **values: str) -> str:
    """One section of a `.gitmodules` file."""
    return "\n".join([f'[submodule "{name}"]', *(f"\t{key} = {value}" for key, value in values.items()), ""])


@pytest.mark.parametrize(
    "text",
    [
        entry("../../x", path="x", url="file:///etc"),
        entry("..\\\\..\\\\x", path="x", url="https://host/x"),
        entry(path="x", url="file:///etc"),
        entry(path="x", url="ext::sh -c true"),
        entry(path="x", url="-u./payload"),
        entry(path="../x", url="https://host/x"),
        entry(path="-x", url="https://host/x"),
        entry(path="x", url="https://host/x", update="!true"),
    ],
)
def test_hostile_submodules_are_refused(text: str, tmp_path: Path, settings: Settings) -> None:
    """RT081: a `.gitmodules` that leads out of the repository, or to a program, is a clear error naming the file."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / ".gitmodules").write_text(text)
    with pytest.raises(TargetError) as caught:
        fetch(tmp_path / "work", settings=settings)
    assert caught.value.code == "submodule_unsafe"
    assert caught.value.where is not None
    assert caught.value.where.file == ".gitmodules"


@pytest.mark.parametrize("url", ["https://host/o/r.git", "git@host:o/r.git", "../sibling.git", "ssh://git@host/r"])
def test_honest_submodules(url: str, make_checkout: MakeCheckout, settings: Settings) -> None:
    """Ordinary submodules are no reason to refuse a repository; they are just not fetched."""
    root = make_checkout(files={".gitmodules": entry("lib/x", path="lib/x", url=url, branch="a..b")})
    assert fetch(root, settings=settings).revision.kind == "git"


def test_link_is_refused(tmp_path: Path, settings: Settings) -> None:
    """RT081: a `.gitmodules` that is a symbolic link is not followed."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / ".gitmodules").symlink_to("/etc/hostname")
    with pytest.raises(TargetError, match="not a regular file"):
        fetch(tmp_path / "work", settings=settings)


@pytest.mark.parametrize("name", ["../../x", "x"])
def test_hostile_submodules_in_a_clone(
    name: str, make_checkout: MakeCheckout, git: GitCommand, settings: Settings, tmp_path: Path
) -> None:
    """RT081: the same holds for what is cloned, whether git or this project notices first."""
    root = make_checkout(files={".gitmodules": entry(name, path="x", url="file:///etc")})
    git(tmp_path, "clone", "-q", "--bare", str(root), "bare.git")
    with pytest.raises(TargetError) as caught:
        fetch(str(tmp_path / "bare.git"), settings=settings)
    assert caught.value.code in {"clone_failed", "submodule_unsafe"}
    assert "gitmodules" in caught.value.message


def test_submodules_are_not_fetched(
    make_checkout: MakeCheckout, git: GitCommand, settings: Settings, tmp_path: Path
) -> None:
    """A clone's submodules stay empty directories."""
    root, inner = make_checkout(), make_checkout("inner")
    git(root, "submodule", "add", "-q", str(inner), "inner")
    (root / ".gitmodules").write_text(entry("inner", path="inner", url="../inner"))
    git(root, "commit", "-q", "-a", "-m", "submodule")
    git(tmp_path, "clone", "-q", "--bare", str(root), "outer.git")
    checkout = fetch(str(tmp_path / "outer.git"), settings=settings)
    assert list((checkout.root / "inner").iterdir()) == []
