"""From `llm=` to a model."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_env.core import ModelKind, ModelRef
from runner_env.errors import ModelNotADirectory, ModelNotFound, OptionError
from runner_env.runs.model import resolve_model


def test_a_path_is_a_directory_on_this_machine(tmp_path: Path) -> None:
    """Links are resolved, and the name is that of what they lead to."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert resolve_model(tmp_path / "link") == ModelRef(ModelKind.LOCAL_HF, "real", tmp_path / "real")


@pytest.mark.parametrize("text", ["./m", "../here/m", "m", "~/m"])
def test_text_that_names_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """However it is spelled, an existing directory is a local model."""
    here = tmp_path / "here"
    (here / "m").mkdir(parents=True)
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(here))
    assert resolve_model(text).path == here / "m"


@pytest.mark.parametrize("text", ["vendor/model", "m", "gpt-x:free", "x" * 5000, "a model", "模型"])
def test_other_text_is_a_model_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """What names no directory is a model id, unchanged."""
    monkeypatch.chdir(tmp_path)
    assert resolve_model(f" {text}\n") == ModelRef(ModelKind.REMOTE, text)


@pytest.mark.parametrize(
    "text", ["./missing", "/missing", "../missing", "~/missing", "~nobody-here/m", "./" + "x" * 5000]
)
def test_a_spelled_path_must_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """What is spelled as a path is never taken for a model id."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ModelNotFound) as caught:
        resolve_model(text)
    assert caught.value.code == "llm_path_not_found"


def test_a_file_is_no_model(tmp_path: Path) -> None:
    """A file is refused in its own words."""
    (tmp_path / "weights.bin").touch()
    with pytest.raises(ModelNotADirectory) as caught:
        resolve_model(str(tmp_path / "weights.bin"))
    assert caught.value.code == "llm_not_directory"


@given(st.one_of(st.text(), st.none(), st.integers(), st.binary()))
def test_nothing_else_is_raised(llm: object) -> None:
    """Whatever is handed in, the answer is a model or an error of the input."""
    try:
        model = resolve_model(llm)  # type: ignore[arg-type]
    except (OptionError, ModelNotFound, ModelNotADirectory):
        return
    assert model.name.isprintable()
