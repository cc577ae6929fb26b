"""Which rows are of the same thing: several texts of one picture are several references."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plait.data.loader import Reader, Source
from plait.grouping import components, content_keys
from plait.types import MEDIA, Column


def keys_of(reader: Reader, sources: Sequence[Source]) -> tuple[np.ndarray, np.ndarray]:
    """Return what tells rows apart, and what brings them together.

    Returns:
        (n) numbers of rows with the same inputs, NaN where there is none; and (n) numbers of rows
        that have a picture, sound or video in common, or all inputs where there are no such media.
    """
    keys = content_keys(reader, {source.name: (source,) for source in sources})
    rows = np.unique(np.nan_to_num(keys, nan=-1.0), axis=0, return_inverse=True)[1]
    whole = np.where(np.isnan(keys).all(axis=1), np.nan, rows.reshape(-1))
    media = [source.kind in MEDIA for source in sources]
    return whole, components(keys[:, media] if any(media) else whole[:, None])


def values_of(reader: Reader, columns: Sequence[Column]) -> list[tuple[Any, ...]]:
    """Return (n) the values of some columns in each row; None where one is not known."""
    rows = range(len(reader.table))
    cells = [[reader.cell(column, row) for row in rows] for column in columns]
    return list(zip(*cells, strict=True))


def references_of(
    keys: np.ndarray, rows: np.ndarray, texts: Sequence[str]
) -> tuple[np.ndarray, list[list[str]]]:
    """Return the first of the given rows for each input, and the texts of all that have it.

    Args:
        keys: (n) numbers of rows with the same inputs.
        rows: (k) that are meant.
        texts: (n).
    """
    found: dict[float, list[int]] = {}
    for row in rows.tolist():
        found.setdefault(float(keys[row]), []).append(row)
    first = np.array([own[0] for own in found.values()], dtype=np.int64)
    return first, [[texts[row] for row in own] for own in found.values()]
