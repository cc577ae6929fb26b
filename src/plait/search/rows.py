"""From a table's rows to those of an index: plain cells, words, thumbnails, vectors."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from plait.data.image import read_pictures
from plait.data.loader import Reader
from plait.data.quality import Ledger
from plait.data.table import Table
from plait.errors import CellError, TableError, did_you_mean
from plait.progress import Progress
from plait.search.facts import OWN, TEXT, THUMBNAIL, VECTOR, Facts
from plait.spaces.space import Space
from plait.types import Column, Modality, Schema

ROWS_A_BLOCK = 4096
"""Rows that are encoded and written at a time."""

SIDE = 128
"""Longest side of a thumbnail, in pixels."""

WORDS = (Modality.TEXT, Modality.CATEGORY, Modality.CATEGORIES)

TYPED = (
    pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_temporal,
    pa.types.is_decimal,
)  # fmt: skip
"""Types that columns keep; what is text or a category becomes text."""

TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_dictionary)


def plain_columns(table: Table, schema: Schema) -> dict[str, pa.DataType]:
    """Return the columns that an index keeps as they are, and their types.

    Numbers are numbers, so that they can be compared; dates and all else stay the text they are.

    Raises:
        TableError: when a name belongs to the index, or has a dot, which a filter takes for a part.
    """
    kept = {}
    for column in schema.columns:
        kind = _type_of(table, column)
        if kind is None:
            continue
        if column.name in OWN or "." in column.name:
            raise TableError(
                f"Column {column.name!r} cannot be kept in an index, which needs {list(OWN)} "
                "itself and takes a dot for a part of a column; rename it."
            )
        kept[column.name] = kind
    return kept


def _type_of(table: Table, column: Column) -> pa.DataType | None:
    if column.name not in table:  # the sound of a video
        return None
    stored = table.data[column.name]
    if isinstance(stored, pa.ChunkedArray):
        if any(test(stored.type) for test in TYPED):
            return stored.type
        plain = any(test(stored.type) for test in TEXTS)
    else:
        cells = [cell for cell in table.take(np.arange(min(len(table), 1000))).values(column.name)
                 if cell is not None]  # fmt: skip
        plain = all(isinstance(cell, (str, int, float, bool)) for cell in cells)
    if not plain:
        return None
    return pa.float64() if column.modality == Modality.NUMBER else pa.string()


PRIMARY = {"lance-schema:unenforced-primary-key": "true"}
"""Makes Lance find out that two writers added the same key, so that one of them tries again."""


def arrow_schema(columns: dict[str, pa.DataType], width: int, key: str | None) -> pa.Schema:
    """Return the schema of an index's rows."""
    own = [
        pa.field(TEXT, pa.string()),
        pa.field(THUMBNAIL, pa.binary()),
        pa.field(VECTOR, pa.list_(pa.float32(), width)),
    ]
    plain = [
        pa.field(name, kind, name != key, PRIMARY if name == key else None)
        for name, kind in columns.items()
    ]
    return pa.schema(plain + own)


def batches(
    table: Table, space: Space, facts: Facts, schema: pa.Schema, progress: Progress
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of an index, a block at a time, so that memory does not grow with them.

    Args:
        table: with columns of the group.
        space: that makes the vectors.
        facts: of the index.
        schema: of its rows.
        progress: where to show it.
    """
    table = space.with_histories(table)
    with progress.stage("Indexing", len(table)) as advance:
        for start in range(0, len(table), ROWS_A_BLOCK):
            part = table.take(np.arange(start, min(start + ROWS_A_BLOCK, len(table))))
            vectors = space.vectors(part, facts.group, Progress(show=False))
            arrays = [_array(part, field, facts, vectors) for field in schema]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)
            advance(len(part))


def require_columns(table: Table, facts: Facts) -> None:
    """Refuse a table of which the index would lose a column.

    Raises:
        TableError: when it has a plain column that the index does not have, or lacks its key.
    """
    if facts.key is not None and facts.key not in table:
        raise TableError(f"The table has no column {facts.key!r}, the key that tells rows apart.")
    if facts.key is not None:
        require_key(table, facts.key)
    for name in table.columns:
        if name not in facts.columns:
            raise TableError(
                f"Column {name!r} is not in the index, which holds {list(facts.columns)}."
                f"{did_you_mean(name, facts.columns)} Drop it, or build the index again."
            )


def require_key(table: Table, key: str) -> None:
    """Refuse a key that does not tell rows apart.

    Raises:
        TableError: when a value is missing or there twice.
        ColumnError: when there is no such column.
    """
    values = table.values(key)
    if None in values or len(set(values)) < len(values):
        raise TableError(
            f"Column {key!r} cannot be the key: its values are missing or repeat "
            f"({len(set(values)):,} different ones in {len(values):,} rows)."
        )


def _array(part: Table, field: pa.Field, facts: Facts, vectors: np.ndarray) -> pa.Array:
    if field.name == VECTOR:
        missing = pa.array(~np.isfinite(vectors).all(axis=1))
        flat = pa.array(np.ascontiguousarray(vectors, np.float32).reshape(-1))
        return pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1], mask=missing)
    if field.name == TEXT:
        return pa.array(_texts(part, [name for name in facts.text if name in part]), pa.string())
    if field.name == THUMBNAIL:
        kept = facts.picture is not None and facts.picture in part
        small = [thumbnail(part, str(facts.picture), row) if kept else None
                 for row in range(len(part))]  # fmt: skip
        return pa.array(small, pa.binary())
    if field.name not in part:
        return pa.nulls(len(part), field.type)
    return _cells(part, field, Modality(facts.columns[field.name]))


def _cells(part: Table, field: pa.Field, modality: Modality) -> pa.Array:
    values = part.values(field.name)
    if field.type == pa.float64() and modality == Modality.NUMBER:
        reader, column = Reader(part, Ledger()), Column(field.name, modality, 1.0, "")
        values = [reader.cell(column, row) for row in range(len(part))]
    elif pa.types.is_string(field.type):
        values = [None if value is None else str(value) for value in values]
    try:
        return pa.array(values, field.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise TableError(
            f"Column {field.name!r} holds {field.type} in the index, and the table has something "
            f"else: {error}"
        ) from error


def _texts(part: Table, names: Sequence[str]) -> list[str | None]:
    columns = [part.values(name) for name in names]
    rows = zip(*columns, strict=True) if columns else ((),) * len(part)
    joined = ("\n".join(str(cell) for cell in row if cell is not None) for row in rows)
    return [text or None for text in joined]


def thumbnail(table: Table, column: str, row: int) -> bytes | None:
    """Return a cell's first picture as a small WebP file; None where it cannot be read."""
    cell: Any = table.cell(column, row)
    if cell is None:
        return None
    try:
        pictures = read_pictures(cell, table.folder, table.allow_outside, SIDE)
    except CellError:
        return None
    small = Image.fromarray(pictures[0])
    small.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    small.save(file, "WEBP", quality=80)
    return file.getvalue()
