"""From table cells to samples: what each source of a row is, read and prepared in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from plait.data.audio import read_sound, read_track
from plait.data.category import read_categories, read_category
from plait.data.date import read_date
from plait.data.histories import read_keys
from plait.data.image import read_pictures
from plait.data.mask import read_mask
from plait.data.number import read_number
from plait.data.quality import Ledger
from plait.data.reference import cells_of, noted
from plait.data.rules import is_missing
from plait.data.series import read_series, read_vector
from plait.data.table import Table
from plait.data.text import read_text
from plait.data.video import read_video
from plait.errors import CellError, ConfigError, unknown
from plait.types import MEDIA, TABULAR, Column, Modality, Sample, Schema

DECODE_SIDE = 512
"""Pictures are decoded no larger than needed for this longest side, where the format allows it."""

ROWS_A_BLOCK = 256
"""Rows that are prepared at a time."""


@dataclass(frozen=True)
class Source:
    """What one encoder reads: a column of pictures, texts, sounds..., or all tabular ones together.

    `kind` is the modality, or `table` for the tabular columns.
    """

    name: str
    kind: str
    columns: tuple[Column, ...]


def media_source(
    sources: Iterable[Source], column: str | None, unclear: Callable[[list[str]], str]
) -> Source:
    """Return the source of pictures, sounds or videos that is meant.

    Args:
        sources: of which one is meant.
        column: its name; None where there is only one.
        unclear: what to say where it is not named and there is not one, of those that there are.

    Raises:
        ConfigError: when there is none of that name, or it is unclear which is meant.
    """
    media = {source.name: source for source in sources if source.kind in MEDIA}
    if column is not None and column not in media:
        raise ConfigError(unknown("Column of pictures, sounds or videos", column, media))
    if column is None and len(media) != 1:
        raise ConfigError(unclear(list(media)))
    return media[column or next(iter(media))]


def sources_of(schema: Schema) -> tuple[Source, ...]:
    """Return the sources of a schema's used columns in the table's order, the tabular last."""
    tabular = tuple(c for c in schema.inputs if c.modality in TABULAR)
    others = [c for c in schema.inputs if c.modality not in TABULAR]
    found = [Source(c.name, c.modality.value, (c,)) for c in others]
    if tabular:
        name = "table"
        while any(c.name == name for c in others):
            name += " columns"
        found.append(Source(name, "table", tabular))
    return tuple(found)


@dataclass(frozen=True)
class Reader:
    """Reads the cells of a table; what cannot be read is noted in the ledger and is missing."""

    table: Table
    ledger: Ledger

    def cell(self, column: Column, row: int) -> Any:
        """Return a decoded cell; None where it is missing, unreadable or the column is absent."""
        if column.stored not in self.table:
            return None
        value = self.table.cell(column.stored, row)
        if is_missing(value):
            return None
        decoded = self.guarded(column, row, lambda: _decode_cell(value, column, self.table))
        return None if isinstance(decoded, (str, tuple)) and not decoded else decoded

    def guarded(self, column: Column, row: int, read: Callable[[], Any]) -> Any:
        """Return what `read` gives; where it cannot be read, note why, and return None."""
        try:
            return read()
        except CellError as error:
            row, reason = noted(self.table, column.stored, row, str(error))
            self.ledger.add(row, column.stored, reason)
            return None

    def require_readable(self, source: Source, limit: float) -> None:
        """Stop the run when too many cells of a source are known to be unreadable.

        Args:
            source: that was read.
            limit: share of a column's cells, in 0..1; a cell that many rows refer to counts once.

        Raises:
            TableError: when there are more.
        """
        for column in source.columns:
            cells = cells_of(self.table, column.stored)
            self.ledger.require_share(column.stored, cells, limit)

    def value(self, source: Source, row: int) -> Any:
        """Return a row's value of a source: a decoded cell, or a tuple of them for tables."""
        if source.kind != "table":
            return self.cell(source.columns[0], row)
        cells = tuple(self.cell(column, row) for column in source.columns)
        return None if all(cell is None for cell in cells) else cells

    def sample(
        self, source: Source, row: int, preprocess: Callable[[Any], Sample]
    ) -> Sample | None:
        """Return a row's prepared value; a video shows only now whether it is whole."""
        value = self.value(source, row)
        if value is None:
            return None
        return self.guarded(source.columns[0], row, lambda: preprocess(value))


def _decode_cell(value: Any, column: Column, table: Table) -> Any:
    if column.of:  # the sound of a video
        return read_track(value, table.folder, table.allow_outside)
    return decode(value, column.modality, table, column.size)


def decode(value: Any, modality: Modality, table: Table, size: int = 0) -> Any:
    """Return a cell as pictures, a text, a number, labels, seconds since 1970, a sound, a mask...

    Args:
        value: of the cell.
        modality: what it is to be read as.
        table: that it stands in.
        size: numbers in a vector, or in one step of a series; 0 is any.

    Raises:
        CellError: when it cannot be read as that.
    """
    match modality:
        case Modality.IMAGE:
            return read_pictures(value, table.folder, table.allow_outside, DECODE_SIDE)
        case Modality.TEXT:
            return read_text(value)
        case Modality.NUMBER:
            return read_number(value)
        case Modality.CATEGORY:
            return read_category(value)
        case Modality.CATEGORIES:
            return read_categories(value)
        case Modality.DATE:
            return read_date(value)
        case Modality.AUDIO:
            return read_sound(value, table.folder, table.allow_outside)
        case Modality.VIDEO:
            return read_video(value, table.folder, table.allow_outside)
        case Modality.SERIES:
            return read_series(value, size)
        case Modality.VECTOR:
            return read_vector(value, size)
        case Modality.MASK:
            return read_mask(value, table.folder, table.allow_outside)
        case Modality.HISTORY:
            return read_keys(value)
    raise CellError(f"{modality.value} cells are not read yet")


class LazySamples(Sequence[Sample | None]):
    """Samples that are prepared whenever they are asked for: for what costs little to prepare."""

    def __init__(self, reader: Reader, source: Source, preprocess: Callable[[Any], Sample]):
        self._reader, self._source, self._preprocess = reader, source, preprocess

    def __len__(self) -> int:
        return len(self._reader.table)

    def __getitem__(self, row):  # type: ignore[no-untyped-def]  # one sample; slices not needed
        return self._reader.sample(self._source, row, self._preprocess)


class View(Sequence[Sample | None]):
    """Some rows of the samples, in a given order."""

    def __init__(self, samples: Sequence[Sample | None], rows: np.ndarray):
        self._samples, self._rows = samples, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row):  # type: ignore[no-untyped-def]  # one sample; slices not needed
        return self._samples[int(self._rows[row])]


def blocks(rows: Sequence[int], size: int = ROWS_A_BLOCK) -> Iterator[list[int]]:
    """Yield the rows in lists of at most `size`."""
    iterator = iter(rows)
    while block := list(islice(iterator, size)):
        yield block
