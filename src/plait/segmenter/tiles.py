"""Large pictures in tiles that overlap, and their predictions put together again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plait.data.image import read_pictures, size_of
from plait.data.mask import read_mask
from plait.data.table import Table
from plait.errors import CellError

OVERLAP = 0.25
"""Share of a tile that it has in common with the next one."""


@dataclass(frozen=True)
class Box:
    """A part of a picture, in pixels."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, values: np.ndarray) -> np.ndarray:
        """Return the part of (h w ...)."""
        return values[self.top : self.top + self.height, self.left : self.left + self.width]


def boxes_of(height: int, width: int, tile: int) -> list[Box]:
    """Return the tiles of a picture: as few as overlap enough, at even distances.

    Args:
        height: of the picture, in pixels.
        width: of it.
        tile: side of a tile; 0 is the whole picture.
    """
    if not tile:
        return [Box(0, 0, height, width)]
    high, wide = min(tile, height), min(tile, width)
    return [Box(top, left, high, wide)
            for top in _starts(height, high) for left in _starts(width, wide)]  # fmt: skip


def _starts(length: int, tile: int) -> list[int]:
    if length <= tile:
        return [0]
    count = 1 + int(np.ceil((length - tile) / (tile * (1 - OVERLAP))))
    starts: list[int] = np.linspace(0, length - tile, count).round().astype(int).tolist()
    return starts


def put_together(
    parts: Iterable[np.ndarray], boxes: Sequence[Box], height: int, width: int
) -> np.ndarray:
    """Return (h w c) probabilities of a picture from those of its tiles.

    Where tiles overlap, each counts by how far a pixel is from the tile's edge: what a network
    sees half of, it knows less of.

    Args:
        parts: of each tile, (c s s).
        boxes: where the tiles are.
        height: of the picture, in pixels.
        width: of it.
    """
    import cv2

    total, weights = np.zeros(0), np.zeros((height, width, 1), np.float32)
    for part, box in zip(parts, boxes, strict=True):
        shares = np.ascontiguousarray(np.moveaxis(part, 0, 2), dtype=np.float32)
        own = cv2.resize(shares, (box.width, box.height), interpolation=cv2.INTER_LINEAR)
        own = own.reshape(box.height, box.width, -1)  # of one class there is no third axis
        if len(boxes) == 1:
            return own
        if not total.size:
            total = np.zeros((height, width, part.shape[0]), np.float32)
        weight = np.outer(_ramp(box.height), _ramp(box.width)).astype(np.float32)[:, :, None]
        box.cut(total)[...] += own * weight
        box.cut(weights)[...] += weight
    return total / weights


def _ramp(length: int) -> np.ndarray:
    """Return (length) weights: rising from an edge to the middle."""
    place = np.arange(length) + 0.5
    return np.minimum(place, length - place) / length


@dataclass(frozen=True)
class Tiles:
    """Rows of a table, of which each tile of a picture is one.

    Attributes:
        table: with a row for every tile.
        of: the table that was cut.
        origin: (k) the row of it that each tile is of.
        boxes: the tiles of each of its rows; None where there is no picture.
    """

    table: Table
    of: Table
    origin: np.ndarray
    boxes: Sequence[Sequence[Box] | None]

    def row_number(self, row: int) -> int:
        """Return the number, in what was read, of the row that a tile's number stands for."""
        return self.of.row_number(int(self.origin[row])) if self.table is not self.of else row


def tiled(
    table: Table, picture: str, boxes: Sequence[Sequence[Box] | None], mask: str = ""
) -> Tiles:
    """Return a table with a row for every tile; the table itself where no picture has several.

    Args:
        table: that is cut.
        picture: the column of pictures.
        boxes: the tiles of each row; None where there is no picture.
        mask: a column of masks, which are cut alike.
    """
    counts = [len(own or (None,)) for own in boxes]
    origin = np.repeat(np.arange(len(table)), counts)
    if len(origin) == len(table):
        return Tiles(table, table, origin, boxes)
    each = [box for own in boxes for box in own or (None,)]
    long = table.take(origin)
    data: dict[str, Sequence[Any]] = {name: long.values(name) for name in table.columns}
    data[picture] = Cut(table, picture, origin, each, _picture)
    if mask:
        data[mask] = Cut(table, mask, origin, each, _mask)
    return Tiles(Table.of(data, table.folder, table.allow_outside), table, origin, boxes)


class Cut(Sequence[Any]):
    """Tiles of the cells of a column, read when asked for; a cell that cannot be read as it is."""

    def __init__(
        self, table: Table, column: str, origin: np.ndarray, boxes: Sequence[Box | None], read: Any
    ) -> None:
        self.table, self.column, self.origin = table, column, origin
        self.boxes, self.read = boxes, read
        self._last: tuple[int, Any] = (-1, None)

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, row):  # type: ignore[no-untyped-def]  # one cell; slices not needed
        origin, box = int(self.origin[row]), self.boxes[row]
        if box is None:
            return self.table.cell(self.column, origin)
        number, whole = self._last
        if number != origin:  # the tiles of one picture come one after the other
            whole = self.read(self.table, self.column, origin)
            self._last = (origin, whole)
        return np.ascontiguousarray(box.cut(whole)) if isinstance(whole, np.ndarray) else whole


def _picture(table: Table, column: str, row: int) -> Any:
    value = table.cell(column, row)
    try:
        return read_pictures(value, table.folder, table.allow_outside)[0]
    except CellError:
        return value


def _mask(table: Table, column: str, row: int) -> Any:
    value = table.cell(column, row)
    try:
        return read_mask(value, table.folder, table.allow_outside)
    except CellError:
        return value


def size_of_cell(table: Table, column: str, row: int) -> tuple[int, int] | None:
    """Return (h, w) of the picture in a cell; None where there is none that can be read."""
    if column not in table:
        return None
    try:
        return size_of(table.cell(column, row), table.folder, table.allow_outside)
    except CellError:
        return None
