"""The types of fields in skill testing's files: what each accepts, and how a refusal reads."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from runner_env.contract.places import shown
from runner_env.skills.patterns import compiled_pattern
from runner_env.skills.reading import WrittenInt

_TEXT_SCHEMA = {"type": "string"}
_NON_BLANK_SCHEMA = {"type": "string", "pattern": r"\S"}


class Strict(BaseModel):
    """A mapping without unknown keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


def refuse(code: str, message: str) -> PydanticCustomError:
    """A refusal whose message goes on after the field's name."""
    # The message is a template to pydantic; what comes from the file goes in as a value.
    return PydanticCustomError(code, "{text}", {"text": message})


def _written(value: object) -> object:
    return value.text if isinstance(value, WrittenInt) else value


def _label(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else _written(value)


def _non_blank(value: str) -> str:
    if not value.strip():
        raise refuse("empty_value", "must not be empty")
    return value


def _non_empty(value: str) -> str:
    if not value:
        raise refuse("empty_value", "must not be empty: that would match everything")
    return value


def _pattern(value: str) -> str:
    try:
        compiled_pattern(value)
    except ValueError as error:
        raise refuse("bad_pattern", f"is not a valid regular expression: {shown(value)}: {error}") from error
    return value


def _number(value: object) -> object:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


Text = Annotated[str, BeforeValidator(_written), WithJsonSchema(_TEXT_SCHEMA)]
"""Text; a whole number without quotes is taken as it is written."""
NonBlank = Annotated[str, BeforeValidator(_written), AfterValidator(_non_blank), WithJsonSchema(_NON_BLANK_SCHEMA)]
Label = Annotated[str | None, BeforeValidator(_label), WithJsonSchema({"type": ["string", "null"]})]
"""Text; a blank one is none."""
Exact = Annotated[str, AfterValidator(_non_blank), WithJsonSchema(_NON_BLANK_SCHEMA)]
"""Text that is not blank, and no number."""
Pattern = Annotated[
    str, AfterValidator(_non_empty), AfterValidator(_pattern), WithJsonSchema({"type": "string", "format": "regex"})
]
Positive = Annotated[int, Field(ge=1, le=1_000_000_000)]
Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Amount = Annotated[float, BeforeValidator(_number), Field(gt=0, allow_inf_nan=False)]
Price = Annotated[float, BeforeValidator(_number), Field(ge=0, allow_inf_nan=False)]
NonEmpty = Annotated[str, AfterValidator(_non_empty)]
