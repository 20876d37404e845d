"""A recipe as files that the contract's own reader understands."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from runner_env.authoring.model import Option, Recipe, Step
from runner_env.authoring.render import render
from runner_env.contract import lint, load_bootstrap, load_contract
from runner_env.contract.model import StageName

_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1).filter(str.strip)


def _write(root: Path, recipe: Recipe) -> None:
    for name, text in render(recipe).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_a_recipe_is_read_back_as_it_was(tmp_path: Path) -> None:
    """Commands, folder, variables and builds survive; the lint has nothing to say."""
    (tmp_path / "sub").mkdir()
    option = Option("pytest -q 'a: b'", "pytest", "README.md:1", "uv run pytest", workdir="sub", env={"A": "1.10"})
    recipe = Recipe(option, (Step('echo "x" # y', "why"),), ("make -j2",), {"PATH": ".aider_fsm/venv/bin:$PATH"})
    _write(tmp_path, recipe)
    stage = load_contract(tmp_path).stages[StageName.EVALUATION]
    bootstrap = load_bootstrap(tmp_path)
    assert stage.hint is not None
    assert stage.hint.text == option.command
    assert (stage.workdir, stage.env, [one.text for one in stage.commands]) == ("sub", {"A": "1.10"}, ["make -j2"])
    assert bootstrap is not None
    assert [one.text for one in bootstrap.commands] == ['echo "x" # y']
    assert bootstrap.env == recipe.boot_env
    assert bootstrap.workdir == "sub"
    assert lint(tmp_path) == ()


@given(command=_TEXT, stated=_TEXT)
def test_any_command_survives(command: str, stated: str) -> None:
    """What a repository states cannot break out of its place in the file."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        _write(Path(folder), Recipe(Option(command, "", "a:1", stated)))
        hint = load_contract(Path(folder)).stages[StageName.EVALUATION].hint
        assert hint is not None
        assert hint.text == command.strip()
