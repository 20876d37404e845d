"""Parquet as JSON lines, so that nothing in a target needs a reader of parquet."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from runner_env.errors import TargetError

if TYPE_CHECKING:
    from pathlib import Path

_ROWS = 1000


def to_jsonl(parquet: Path, lines: Path) -> int:
    """Write each row of a parquet file as one JSON object, in order.

    Numbers, texts, truth values, lists and structures stay what they are; a moment becomes ISO 8601, a duration
    seconds, a decimal its digits as text, bytes base64; NaN and infinities, which JSON does not have, become null.

    Args:
        parquet: the file; read in pieces of 1000 rows.
        lines: what to write; must not exist.

    Returns:
        How many rows it has.

    Raises:
        TargetError: `extra_missing` without pyarrow; `parquet_unreadable`.
    """
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        hint = "Install it with: pip install 'runner-env[hf]'"
        raise TargetError("extra_missing", f"{parquet.name} is parquet, and pyarrow is missing.", hint=hint) from error
    count = 0
    try:
        with ParquetFile(parquet) as file, lines.open("x", encoding="utf-8") as output:
            for batch in file.iter_batches(batch_size=_ROWS):
                for row in batch.to_pylist():
                    output.write(json.dumps(_plain(row), ensure_ascii=False, allow_nan=False) + "\n")
                    count += 1
    except (pa.ArrowException, OSError, ValueError) as error:
        message = f"{parquet.name} cannot be read as parquet: {error}"
        raise TargetError(
            "parquet_unreadable", message, hint="Is the dataset whole? Take the snapshot again."
        ) from error
    return count


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a cell holds
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    convert = next((convert for kind, convert in _CONVERSIONS if isinstance(value, kind)), None)
    return convert(value) if convert else value


_CONVERSIONS: tuple[tuple[tuple[type, ...], Callable[[Any], object]], ...] = (
    ((bytes,), lambda value: base64.b64encode(value).decode("ascii")),
    ((datetime, date, time), lambda value: value.isoformat()),
    ((timedelta,), lambda value: value.total_seconds()),
    ((Decimal,), str),
)
