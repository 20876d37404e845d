"""What is hidden, and what is shown again."""

from __future__ import annotations

import sys
from pathlib import Path

from runner_env.execution.levels.hidden import hidden_places, secret_places
from runner_env.execution.levels.visible import visible_places


def tree(root: Path, *names: str) -> None:
    """Make files, folders above them included."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_toolchains_in_a_home_are_shown_and_nothing_else(tmp_path: Path) -> None:
    """A version manager, a tool's own folder on the PATH, what links in ~/.local/bin lead to; never the home itself."""
    home = tmp_path / "home"
    tree(home, ".pyenv/shims/python", ".ssh/id", "tool/bin/run", "notes", ".local/share/pipx/venvs/a/bin/a", "bin/mine")
    tree(home, ".local/share/keyrings/login", "apps/b/bin/b")
    (home / ".local/bin").mkdir()
    (home / ".local/bin/b").symlink_to(home / "apps/b/bin/b")
    path = f"{home}/tool/bin:{home}/.local/bin:{home}/bin:/usr/bin"
    environ = {"HOME": str(home), "PATH": path}
    shown = visible_places(environ, (home,))
    mine = {str(place.relative_to(home)) for place in shown if place.is_relative_to(home)}
    assert mine == {".pyenv", "tool", ".local/bin", ".local/share/pipx", "bin", "apps/b"}


def test_the_interpreter_in_use_is_shown_wherever_it_is() -> None:
    """With every folder above it hidden, its own prefixes are there."""
    hidden = tuple({Path(sys.prefix).parent, Path(sys.base_prefix).parent})
    shown = visible_places({}, hidden)
    for prefix in (sys.prefix, sys.base_prefix):
        assert any(Path(prefix).is_relative_to(place) for place in shown)


def test_what_contains_a_hidden_folder_is_never_shown(tmp_path: Path) -> None:
    """A PATH entry that is a home or temporary folder shows its programs only, or nothing."""
    (tmp_path / "bin").mkdir()
    shown = visible_places({"PATH": f"{tmp_path}:{tmp_path}/bin:/", "HOME": str(tmp_path)}, (tmp_path,))
    assert tmp_path not in shown
    assert Path("/") not in shown
    assert tmp_path / "bin" in shown


def test_credentials_are_hidden_wherever_variables_say_they_are(tmp_path: Path) -> None:
    """Those of a home, and those that a variable names, unless the operator grants the variable."""
    tree(tmp_path, ".ssh/id", ".netrc", "kube/config", "hf/token", "hf/hub/model")
    environ = {"HOME": str(tmp_path), "KUBECONFIG": f"{tmp_path}/kube/config", "HF_HOME": f"{tmp_path}/hf"}
    names = {str(p.relative_to(tmp_path)) for p in secret_places(environ) if p.is_relative_to(tmp_path)}
    assert names == {".ssh", ".netrc", "kube/config", "hf/token"}
    granted = secret_places(environ, frozenset({"KUBECONFIG"}))
    assert tmp_path / "kube/config" not in granted


def test_evidence_and_shared_folders_are_hidden(tmp_path: Path) -> None:
    """Runs, homes, temporary files of others, and where engines listen."""
    hidden = hidden_places({"HOME": str(tmp_path)}, tmp_path / "missing")
    assert tmp_path in hidden
    assert {Path("/tmp"), Path("/run")} <= set(hidden)
