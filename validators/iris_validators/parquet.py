"""Parquet twins: the samples behind a scorecard, and the scorecard itself.

The bytes depend on the content alone: rows are sorted, the schema is fixed, and no index, date or
pandas metadata is stored.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from iris_contract.atomic import replace_file
from iris_contract.errors import InputError
from iris_contract.scorecard import Scorecard, ScoreRow
from iris_validators.sample import Sample

__all__ = ["read_samples", "write_samples", "write_scorecard_table"]

_TYPES: dict[str, Any] = {
    "str": pa.string(),
    "int": pa.int64(),
    "int | None": pa.int64(),
    "float": pa.float64(),
    "float | None": pa.float64(),
    "bool | None": pa.bool_(),
    "tuple[str, ...]": pa.list_(pa.string()),
}


def _schema(kind: type) -> Any:
    return pa.schema([(f.name, _TYPES[str(f.type)]) for f in fields(kind)])


def _write(path: str | Path, kind: type, rows: Iterable[Any]) -> None:
    table = pa.Table.from_pylist([asdict(row) for row in rows], schema=_schema(kind))
    with replace_file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", version="2.6", store_schema=False)


def write_samples(path: str | Path, samples: Iterable[Sample]) -> None:
    """Write samples atomically, sorted by metric, condition and night."""
    _write(path, Sample, sorted(samples, key=lambda sample: sample.order))


def read_samples(path: str | Path) -> list[Sample]:
    """Read samples; raises InputError where the file is missing, broken or of another layout."""
    try:
        table = pq.read_table(path, memory_map=False)
        return [Sample(**row) for row in table.to_pylist()]
    except (OSError, pa.ArrowException, TypeError, ValueError) as error:
        raise InputError(f"not readable as samples: {error}", file=path) from None


def write_scorecard_table(path: str | Path, scorecard: Scorecard) -> None:
    """Write the rows of a scorecard atomically, in their order."""
    _write(path, ScoreRow, scorecard.rows)
