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
    """Samples by the rows that refer to them; None where the reference is to nothing."""

    def __init__(self, samples: Sequence[Sample | None], places: np.ndarray) -> None:
        self._samples, self._places = samples, places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, row):  # type: ignore[no-untyped-def]  # one sample; slices not needed
        place = int(self._places[row])
        return None if place < 0 else self._samples[place]


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
