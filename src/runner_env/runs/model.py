"""From `llm=` to a model: an id at an endpoint, or a directory on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from runner_env.core import ModelKind, ModelRef
from runner_env.errors import ModelNotADirectory, ModelNotFound, OptionError

_PATH_STARTS = ("/", "./", "../", "~")


def resolve_model(llm: str | Path) -> ModelRef:
    """Find out what `llm` names.

    A `Path`, and text that begins with `/`, `./`, `../` or `~`, is a model directory, and so is text that names an
    existing directory; every other text is a model id.

    Raises:
        OptionError: empty text, text that no variable can hold, or neither text nor path.
        ModelNotFound: a path that does not exist.
        ModelNotADirectory: a path that is not a directory.
    """
    if isinstance(llm, Path):
        return _directory(llm)
    text = llm.strip() if isinstance(llm, str) else ""
    if not text:
        raise OptionError("empty_llm", f"llm is {llm!r}", hint="Name a model id or a model directory.")
    if not text.isprintable():
        raise OptionError("bad_llm", f"llm is {llm!r}, which has characters that cannot be printed")
    if text in {".", ".."} or text.startswith(_PATH_STARTS) or os.path.isdir(text):  # noqa: PTH112 - never raises
        return _directory(Path(text))
    return ModelRef(ModelKind.REMOTE, text)


def _directory(path: Path) -> ModelRef:
    found = Path(os.path.expanduser(path))  # noqa: PTH111 - leaves the home of nobody as it is
    if not os.path.exists(found):  # noqa: PTH110 - never raises
        raise ModelNotFound("llm_path_not_found", f"llm names the path {found}, and nothing is there")
    if not found.is_dir():
        raise ModelNotADirectory("llm_not_directory", f"llm names {found}, which is not a directory")
    found = found.resolve()
    return ModelRef(ModelKind.LOCAL_HF, found.name, found)
