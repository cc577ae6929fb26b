"""Pairs that are to be judged: what a space says of them, as a column beside them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.rules import is_missing
from plait.data.table import Table
from plait.pairs.sides import similarities
from plait.progress import Progress
from plait.spaces.space import Space
from plait.types import MEDIA

SIMILARITY = "similarity"
"""Column of the cosine of a pair's sides; in a space of FILIP, of their late cosine."""


def columns_of(group: str) -> list[str]:
    """Return the columns that a group is named by."""
    return [name.strip() for name in group.split(",")]


def with_similarity(
    table: Any,
    left: str,
    right: str,
    space: Space,
    *,
    folder: str | Path = ".",
    progress: Progress | None = None,
    ledger: Ledger | None = None,
) -> dict[str, list[Any]]:
    """Return pairs that are to be judged as `pair_rows` makes those that a matcher learns from.

    Args:
        table: a pair in each row, its columns called `caption` or `left.caption`; others are kept.
        left: a group of the space.
        right: the other.
        space: that `similarity` is by; it must not have learned from these rows.
        folder: where the pairs will be written: paths of files are rewritten to start there.
        progress: where to show it.
        ledger: where cells that cannot be read are noted.

    Raises:
        ConfigError: when the space lacks a group.
        ColumnError: when the table lacks a column of one.
    """
    table, ledger = read(table), Ledger() if ledger is None else ledger
    named = {}
    for side, group in (("left", left), ("right", right)):
        for name in columns_of(group):
            named[f"{side}.{name}"] = name
    plain = table
    for long, name in named.items():
        if long in plain:
            plain = plain.drop([name]).renamed(long, name)
        plain.require(name)
    sides = [space.side(plain, group, progress, ledger) for group in (left, right)]
    own = np.repeat(np.arange(len(plain))[:, None], 2, axis=1)
    files = [c.name for source in space.sources for c in source.columns if c.modality in MEDIA]
    columns = {long: moved(plain, name, Path(folder), files) for long, name in named.items()}
    for name in plain.columns:
        if name not in (*named.values(), SIMILARITY):
            columns[name] = plain.values(name)
    columns[SIMILARITY] = similarities(sides[0], sides[1], own)
    return columns


def moved(table: Table, name: str, folder: Path, files: list[str]) -> list[Any]:
    """Return a column's cells; paths in a column of files as they are written from a folder."""
    cells = table.values(name)
    if name not in files:
        return cells
    return [_moved(cell, table.folder, folder) for cell in cells]


def _moved(cell: Any, old: Path, new: Path) -> Any:
    """Return the path of a file as it is written from another folder; other cells as they are."""
    if not isinstance(cell, str) or is_missing(cell) or "://" in cell or not (old / cell).exists():
        return cell
    return Path(os.path.relpath(old / cell, new.resolve())).as_posix()
