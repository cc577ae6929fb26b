"""What shows that a column holds masks, though its name does not say so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from plait.data.image import open_picture
from plait.data.mask import evenness, is_code, read_mask
from plait.data.media import read_bytes
from plait.data.table import Table
from plait.errors import CellError
from plait.types import Column, Modality

OPENED = 12
"""Files of a column that are opened, evenly spaced."""

FEW, EVEN = 64, 0.7
"""The most values that masks have in all, and the least share of equal neighbours in each."""

WRONG = 0.25
"""Share of files that may be otherwise: broken, of another size, or a photo by mistake."""

ONE_CHANNEL = ("1", "L", "P", "I", "I;16", "I;16B", "I;16L")
"""Modes of Pillow's pictures that may be masks."""


def holds_codes(values: Sequence[Any]) -> bool:
    """Return whether all cells that are looked at are run-length codes of COCO, or their JSON."""
    return all(_is_code_cell(value) for value in values[:50])


def _is_code_cell(value: Any) -> bool:
    if isinstance(value, str):
        if not value.lstrip().startswith(("{", "[{")) or '"counts"' not in value:
            return False
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            return False
    several = value if isinstance(value, list) else [value]
    return bool(several) and all(is_code(one) and "size" in one for one in several)


def masks_among(table: Table, columns: Sequence[Column]) -> dict[str, str]:
    """Return the evidence by name for columns of pictures that are masks of another one's pictures.

    Their files have one channel, few values in all, and large even parts; and each has the size of
    the picture in its row, in a column of which this is not true. Grey photos have more values,
    scanned digits are less even and stand alone, drawings are transparent.

    Args:
        table: the table.
        columns: of pictures, all of the table's own.
    """
    if len(columns) < 2:
        return {}
    rows = np.linspace(0, len(table) - 1, min(len(table), OPENED)).astype(int).tolist()
    counts = {column.name: _values_of(table, column.name, rows) for column in columns}
    found = {}
    for name, count in counts.items():
        pictures = [other for other, values in counts.items() if values is None]
        beside = next((o for o in pictures if _same_sizes(table, name, o, rows)), None)
        if count is not None and beside is not None:
            found[name] = (
                f"one channel with {count} values in all, and the sizes of the pictures in "
                f"{beside!r} (say {name}:{Modality.IMAGE.value} if they are pictures)"
            )
    return found


def _values_of(table: Table, name: str, rows: Sequence[int]) -> int | None:
    """Return how many values a column's masks have in all; None where they are no masks."""
    values: set[int] = set()
    cells = [cell for cell in (table.cell(name, row) for row in rows) if cell is not None]
    others = 0
    for cell in cells:
        own = _values_in(cell, table)
        values.update(own)
        others += not own
        if len(values) > FEW or others > WRONG * len(cells):
            return None
    return len(values) if len(values) > 1 else None


def _values_in(cell: Any, table: Table) -> set[int]:
    """Return the values of a cell that looks like a mask; none of any other."""
    try:
        if not _has_one_channel(cell, table):
            return set()
        mask = read_mask(cell, table.folder, table.allow_outside)
    except CellError:
        return set()
    return set(np.unique(mask).tolist()) if evenness(mask) >= EVEN else set()


def _has_one_channel(cell: Any, table: Table) -> bool:
    if isinstance(cell, np.ndarray):
        return cell.ndim == 2
    if isinstance(cell, list):
        return False
    with open_picture(_content(cell, table)) as picture:
        return picture.mode in ONE_CHANNEL and not (
            picture.format == "JPEG" or "transparency" in picture.info
        )


def _same_sizes(table: Table, one: str, other: str, rows: Sequence[int]) -> bool:
    """Return whether the pictures of two columns have the same sizes, where a row has both."""
    sizes = [(_size(table, one, row), _size(table, other, row)) for row in rows]
    both = [(first, second) for first, second in sizes if first and second]
    return bool(both) and sum(one != two for one, two in both) <= WRONG * len(both)


def _size(table: Table, name: str, row: int) -> tuple[int, int] | None:
    """Return the width and height of a picture; None where there is none."""
    cell = table.cell(name, row)
    if isinstance(cell, np.ndarray):
        return cell.shape[1], cell.shape[0]
    try:
        with open_picture(_content(cell, table)) as picture:
            return picture.size
    except CellError:
        return None


def _content(cell: Any, table: Table) -> bytes | Image.Image:
    if isinstance(cell, Image.Image):
        return cell
    return read_bytes(cell, table.folder, table.allow_outside)
