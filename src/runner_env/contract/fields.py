"""The types of contract fields: what each accepts, the code of its refusal, and its JSON Schema."""

from __future__ import annotations

import re
import warnings
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from runner_env.contract.model import MIN_OPEN_FILES
from runner_env.contract.paths import path_problem
from runner_env.contract.places import shown

MAX_SECONDS = 31_622_400
"""A leap year; anything longer is a mistake."""
MAX_RETRIES = 100
MAX_AMOUNT = 999_999_999

MAX_TEXT_BYTES = 100_000
"""Linux refuses one argument or variable of 128 KiB; this leaves room."""
_MAX_PATTERN = 1_000
_ENV_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
_CONTRACT_FILES = frozenset({"pipeline.yml", ".aider_fsm/bootstrap.yml", ".aider_fsm/actions.yml"})
_PATH_SCHEMA = {"type": "string", "pattern": r"^(?![/~])(?!\.\.(/|$))[^\\]*\S[^\\]*$"}


def _refuse(code: str, message: str) -> PydanticCustomError:
    # The message is a template to pydantic; what comes from the file goes in as a value.
    return PydanticCustomError(code, "{text}", {"text": message})


def _version(value: object) -> int:
    if type(value) is not int or value != 1:
        raise _refuse("bad_version", "must be the whole number 1, the only version there is")
    return value


def _command(value: str) -> str:
    if not value.strip():
        raise _refuse("empty_command", "is an empty command")
    if len(value.encode()) > MAX_TEXT_BYTES:
        raise _refuse("too_long", f"is longer than {MAX_TEXT_BYTES} bytes; put the script in a file and run that")
    return value.strip()


def _text(value: str) -> str:
    if not value.strip():
        raise _refuse("bad_value", "must not be empty")
    return value


def _pattern(value: str) -> str:
    if not value.strip():
        raise _refuse("bad_pattern", "is an empty regular expression, which matches everything")
    if len(value) > _MAX_PATTERN:
        raise _refuse("bad_pattern", f"is a regular expression of more than {_MAX_PATTERN} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(value, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise _refuse("bad_pattern", f"is not a regular expression: {shown(value)}: {error}") from error
    return value


def _path(value: str) -> str:
    if problem := path_problem(value):
        raise _refuse("path_escapes", f"is {shown(value)}, which {problem}")
    return value


def _file_path(value: str) -> str:
    folded = [part for part in _path(value).casefold().split("/") if part not in {"", "."}]
    if not folded or value.endswith(("/", "/.", "/..")) or folded[-1] == "..":
        raise _refuse("bad_path", f"is {shown(value)}, which names a folder; name a file")
    if folded[0] == ".git" or "/".join(folded) in _CONTRACT_FILES:
        raise _refuse("bad_path", f"is {shown(value)}, which belongs to git or is the contract; name a new file")
    return value


def _env_name(value: str) -> str:
    if not re.fullmatch(_ENV_NAME, value):
        raise _refuse("bad_name", f"is {shown(value)}, which is not a variable name; use letters, digits and _")
    return value


def _env_value(value: object) -> object:
    if isinstance(value, list | dict):
        raise _refuse("wrong_type", "must be one value, not a list or a mapping")
    if isinstance(value, str) and len(value.encode()) > MAX_TEXT_BYTES:
        raise _refuse("too_long", f"is longer than {MAX_TEXT_BYTES} bytes")
    return value


def _score_range(value: list[float]) -> list[float]:
    if value[0] >= value[1]:
        raise _refuse("bad_value", "must have its smaller bound first: [lowest, highest]")
    return value


Version = Annotated[Literal[1], BeforeValidator(_version), WithJsonSchema({"const": 1})]
Command = Annotated[str, AfterValidator(_command), WithJsonSchema({"type": "string", "pattern": r"\S"})]
Text = Annotated[str, AfterValidator(_text), WithJsonSchema({"type": "string", "pattern": r"\S"})]
Pattern = Annotated[
    str, AfterValidator(_pattern), WithJsonSchema({"type": "string", "format": "regex", "minLength": 1})
]
RelativePath = Annotated[str, AfterValidator(_path), WithJsonSchema(_PATH_SCHEMA)]
FilePath = Annotated[str, AfterValidator(_file_path), WithJsonSchema(_PATH_SCHEMA)]
"""A relative path of a file that a stage writes."""
EnvName = Annotated[str, AfterValidator(_env_name), WithJsonSchema({"type": "string", "pattern": _ENV_NAME})]
EnvValue = Annotated[Any, AfterValidator(_env_value), WithJsonSchema({"type": ["string", "number", "boolean", "null"]})]
Env = Annotated[
    dict[EnvName, EnvValue],
    WithJsonSchema(
        {
            "type": "object",
            "propertyNames": {"pattern": _ENV_NAME},
            "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
        }
    ),
]
Seconds = Annotated[float, Field(gt=0, le=MAX_SECONDS, allow_inf_nan=False)]
SecondsOrNone = Annotated[float, Field(ge=0, le=MAX_SECONDS, allow_inf_nan=False)]
"""Zero means no limit."""
Amount = Annotated[int, Field(ge=1, le=MAX_AMOUNT)]
OpenFiles = Annotated[int, Field(ge=MIN_OPEN_FILES, le=MAX_AMOUNT)]
Retries = Annotated[int, Field(ge=0, le=MAX_RETRIES)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
ScoreRange = Annotated[list[Finite], Field(min_length=2, max_length=2), AfterValidator(_score_range)]
