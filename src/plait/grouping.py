"""Groups of columns that share a space: what is read of each, and which rows hold the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from plait.data.content import content
from plait.data.loader import Reader, Source, sources_of
from plait.data.reference import joined_name
from plait.errors import ColumnError, did_you_mean
from plait.types import Modality, Schema

Groups = Mapping[str, tuple[Source, ...]]
"""What is read of each group of columns; a group is named by its columns."""


def group_sources(schema: Schema, groups: Sequence[str]) -> Groups:
    """Return what is read of each group of columns.

    Args:
        schema: of the table.
        groups: names of columns with commas between them, which is also the name of the group; a
            reference stands for all columns that it joins, and a joined column that is the only one
            of its name needs no reference before it.

    Raises:
        ColumnError: for a column that is not there or cannot be read, or that is in two groups.
    """
    found: dict[str, tuple[Source, ...]] = {}
    taken: set[str] = set()
    for group in groups:
        names = [own for name in group.split(",") for own in _columns_of(schema, name.strip())]
        for name in names:
            _require_column(schema, name, taken)
            taken.add(name)
        own = sources_of(Schema(tuple(c for c in schema.inputs if c.name in names)))
        found[group] = tuple(
            replace(source, name=f"{group} (table)") if source.kind == "table" else source
            for source in own
        )
    return found


def _columns_of(schema: Schema, name: str) -> list[str]:
    """Return the columns that a name stands for."""
    if name not in schema:
        references = [c.name for c in schema.columns if c.modality is Modality.REFERENCE]
        near = [joined_name(r, name) for r in references if joined_name(r, name) in schema]
        return near if len(near) == 1 else [name]
    if schema[name].modality is not Modality.REFERENCE:
        return [name]
    joined = [c.name for c in schema.inputs if c.name.startswith(joined_name(name, ""))]
    if not joined:
        raise ColumnError(
            f"Column {name!r} is a reference, and none of the columns that it joins is read."
        )
    return joined


def _require_column(schema: Schema, name: str, taken: set[str]) -> None:
    if name not in schema:
        near = did_you_mean(name, [column.name for column in schema.columns])
        raise ColumnError(f"Column {name!r} is not in the table.{near}")
    if schema[name].left_out:
        raise ColumnError(
            f"Column {name!r} is not read ({schema[name].left_out}). Say what it holds "
            f"(modalities={{{name!r}: 'text'}}, --text {name}) to read it all the same."
        )
    if name in taken:
        raise ColumnError(f"Column {name!r} is named twice; a column is of one group, once.")


def numbered(values: Sequence[str | None]) -> np.ndarray:
    """Return (n): equal values have the same number, in the order that they come; None is NaN."""
    seen = {value: number for number, value in enumerate(dict.fromkeys(values))}
    return np.array([np.nan if value is None else float(seen[value]) for value in values])


def content_keys(reader: Reader, groups: Groups) -> np.ndarray:
    """Return (n m): rows with the same number have the same cells in a group; NaN is missing."""
    numbers = np.full((len(reader.table), len(groups)), np.nan)
    for place, own in enumerate(groups.values()):
        seen: dict[tuple[bytes | None, ...], int] = {}
        for row in range(len(numbers)):
            key = tuple(_key(reader, source, row) for source in own)
            if any(part is not None for part in key):
                numbers[row, place] = seen.setdefault(key, len(seen))
    return numbers


def _key(reader: Reader, source: Source, row: int) -> bytes | None:
    if source.kind != "table":
        return content(reader, source, row)
    value = reader.value(source, row)
    return None if value is None else repr(value).encode()


def components(keys: np.ndarray) -> np.ndarray:
    """Return (n) numbers: rows that share a key, or share one with a third, have the same."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    rows, places = np.nonzero(~np.isnan(keys))
    values = keys[rows, places].astype(np.int64)
    # Rows first, then the keys of each group after those of the one before.
    most = int(values.max(initial=0)) + 1
    nodes = len(keys) + places * most + values
    size = len(keys) + keys.shape[1] * most
    links = coo_matrix((np.ones(len(rows)), (rows, nodes)), shape=(size, size))
    found: np.ndarray = connected_components(links, directed=False)[1][: len(keys)]
    return found
