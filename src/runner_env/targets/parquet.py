"""Parquet as JSON lines, so that nothing in a target needs a reader of parquet."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any

from runner_env.errors import TargetError
from runner_env.targets.unpack import MAX_BYTES_NAME

if TYPE_CHECKING:
    from pathlib import Path

_ROWS = 100


def to_jsonl(parquet: Path, lines: Path, most_bytes: int) -> int:
    """Write each row of a parquet file as one JSON object, in order.

    Numbers, texts, truth values, lists and structures stay what they are; a moment becomes ISO 8601, a duration
    seconds, a decimal its digits as text, bytes base64; NaN and infinities, which JSON does not have, become null.

    Args:
        parquet: the file; read in pieces of 100 rows.
        lines: what to write; must not exist.
        most_bytes: that it may become: what is written once in parquet can stand in every row.

    Returns:
        How many rows it has.

    Raises:
        TargetError: `extra_missing` without pyarrow; `parquet_unreadable`; `parquet_too_large`.
    """
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        hint = "Install it with: pip install 'runner-env[hf]'"
        raise TargetError("extra_missing", f"{parquet.name} is parquet, and pyarrow is missing.", hint=hint) from error
    try:
        with ParquetFile(parquet) as file, lines.open("xb") as output:
            rows = (row for batch in file.iter_batches(batch_size=_ROWS) for row in batch.to_pylist())
            count = _written(rows, output, most_bytes)
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, TargetError):
            raise
        message = f"{parquet.name} cannot be read as parquet: {error}"
        raise TargetError(
            "parquet_unreadable", message, hint="Is the dataset whole? Take the snapshot again."
        ) from error
    return count


def _written(rows: Iterable[object], output: IO[bytes], most_bytes: int) -> int:
    """How many rows were written; raises `TargetError` where they are too much."""
    count = 0
    for row in rows:
        output.write(json.dumps(_plain(row), ensure_ascii=False, allow_nan=False).encode() + b"\n")
        count += 1
        if output.tell() > most_bytes:
            message = f"A parquet file would become more than {most_bytes:,} bytes."
            raise TargetError("parquet_too_large", message, hint=f"Set {MAX_BYTES_NAME} if that is right.")
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
