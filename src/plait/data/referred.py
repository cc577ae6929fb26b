"""Sources that lie behind a reference: prepared once a row of their own table, then looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from plait.data.loader import Reader, Source
from plait.data.quality import Ledger
from plait.data.reference import JoinedColumn, Reference
from plait.types import Sample


@dataclass(frozen=True)
class Behind:
    """A source as it stands in the table that is referred to.

    Attributes:
        reader: of the rows that are referred to, with a ledger of its own.
        source: with the columns' own names.
        column: that is read, as the table that refers calls it.
        reference: through which it is reached.
        places: (n) row of the reader's table of each row that refers; -1 where there is none.
    """

    reader: Reader
    source: Source
    column: str
    reference: Reference
    places: np.ndarray

    def refer(self, samples: Sequence[Sample | None], ledger: Ledger) -> Sequence[Sample | None]:
        """Return the samples of the rows that refer, and tell a ledger what could not be read."""
        for (row, _), reason in self.reader.ledger.entries.items():
            reason = f"in {self.reference.name}: {reason}"
            ledger.add(row, self.column, reason)
        return Referred(samples, self.places)


class Referred(Sequence["Sample | None"]):
    """Samples by the rows that refer to them; None where the reference is to nothing.

    Args:
        samples: k of them; they may refer to others themselves.
        places: (n) which of these each row has; -1 for none.
    """

    samples: Sequence[Sample | None]
    places: np.ndarray

    def __init__(self, samples: Sequence[Sample | None], places: np.ndarray) -> None:
        if isinstance(samples, Referred):
            self.samples = samples.samples
            self.places = np.where(places < 0, -1, samples.places[places])
        else:
            self.samples, self.places = samples, places

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, row):  # type: ignore[no-untyped-def]  # one sample; slices not needed
        place = int(self.places[row])
        return None if place < 0 else self.samples[place]


def contents_of(samples: Sequence[Sample | None], rows: np.ndarray) -> np.ndarray:
    """Return (k) numbers of some rows' samples, the same where they are known to be the same.

    That is where rows refer to one sample, or hold one text; -1 where a row has none. Each sample
    is looked at once, and none is kept.
    """
    if isinstance(samples, Referred):
        found: np.ndarray = samples.places[rows]
        return found
    numbers: dict[object, int] = {}

    def number(row: int) -> int:
        sample = samples[row]
        if sample is None:
            return -1
        return numbers.setdefault(sample if isinstance(sample, str) else (row,), len(numbers))

    return np.array([number(row) for row in rows.tolist()], dtype=np.int64)


def behind(reader: Reader, source: Source) -> Behind | None:
    """Return where a source of one joined column is read; None for one of the table's own."""
    stored = reader.table.data.get(source.columns[0].stored)
    if len(source.columns) > 1 or not isinstance(stored, JoinedColumn):
        return None
    asked = stored.reference.places[reader.table.rows]
    rows = np.unique(asked[asked >= 0])
    if not len(rows):
        return None
    places = np.where(asked < 0, -1, np.searchsorted(rows, asked))
    own, column = stored.own, source.columns[0]
    named = replace(column, of=own) if column.of else replace(column, name=own)
    own_rows = Reader(stored.reference.table.take(rows), Ledger())
    own_source = replace(source, columns=(named,))
    return Behind(own_rows, own_source, column.stored, stored.reference, places)
