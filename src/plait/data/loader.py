"""From table cells to samples: what each source of a row is, read and prepared in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from plait.data.category import read_categories, read_category
from plait.data.date import read_date
from plait.data.image import read_pictures
from plait.data.number import read_number
from plait.data.quality import Ledger
from plait.data.rules import is_missing
from plait.data.spool import Spool
from plait.data.table import Table
from plait.data.text import read_text
from plait.errors import CellError
from plait.types import TABULAR, Column, Modality, Sample, Schema

DECODE_SIDE = 512
"""Pictures are decoded no larger than needed for this longest side, where the format allows it."""

ROWS_A_BLOCK = 256
"""Rows that are prepared at a time."""


@dataclass(frozen=True)
class Source:
    """What one encoder reads: a picture or text column, or all tabular columns together.

    `kind` is the modality, or `table` for the tabular columns.
    """

    name: str
    kind: str
    columns: tuple[Column, ...]


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
        if column.name not in self.table:
            return None
        value = self.table.cell(column.name, row)
        if is_missing(value):
            return None
        try:
            decoded = decode(value, column.modality, self.table)
        except CellError as error:
            self.ledger.add(self.table.row_number(row), column.name, str(error))
            return None
        return None if decoded in ("", ()) else decoded

    def value(self, source: Source, row: int) -> Any:
        """Return a row's value of a source: a decoded cell, or a tuple of them for tables."""
        if source.kind != "table":
            return self.cell(source.columns[0], row)
        cells = tuple(self.cell(column, row) for column in source.columns)
        return None if all(cell is None for cell in cells) else cells


def decode(value: Any, modality: Modality, table: Table) -> Any:
    """Return a cell as pictures, a text, a number, a label, labels, or seconds since 1970.

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
    raise CellError(f"{modality.value} cells are not read yet")


class LazySamples(Sequence[Sample | None]):
    """Samples that are prepared whenever they are asked for: for what costs little to prepare."""

    def __init__(self, reader: Reader, source: Source, preprocess: Callable[[Any], Sample]):
        self._reader, self._source, self._preprocess = reader, source, preprocess

    def __len__(self) -> int:
        return len(self._reader.table)

    def __getitem__(self, row):  # type: ignore[no-untyped-def]  # one sample; slices not needed
        value = self._reader.value(self._source, row)
        return None if value is None else self._preprocess(value)


class View(Sequence[Sample | None]):
    """Some rows of the samples, in a given order."""

    def __init__(self, samples: Sequence[Sample | None], rows: np.ndarray):
        self._samples, self._rows = samples, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row):  # type: ignore[no-untyped-def]  # one sample; slices not needed
        return self._samples[int(self._rows[row])]


def spool(
    reader: Reader,
    source: Source,
    preprocess: Callable[[Any], Sample],
    advance: Callable[[int], None],
) -> Spool:
    """Prepare every row once, on all cores, into a file.

    Args:
        reader: of the table.
        source: what is read.
        preprocess: the encoder's; it must be safe in threads.
        advance: is told the number of rows done.
    """

    def prepare(row: int) -> Sample | None:
        value = reader.value(source, row)
        return None if value is None else preprocess(value)

    prepared = Spool()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for block in blocks(range(len(reader.table))):
            for sample in pool.map(prepare, block):
                prepared.append(sample)
            advance(len(block))
    return prepared


def blocks(rows: Sequence[int], size: int = ROWS_A_BLOCK) -> Iterator[list[int]]:
    """Yield the rows in lists of at most `size`."""
    iterator = iter(rows)
    while block := list(islice(iterator, size)):
        yield block
