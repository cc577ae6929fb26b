"""The ledger: every cell and row that could not be used, with its number and the reason."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from plait.errors import TableError
from plait.writing import replacing

if TYPE_CHECKING:
    from plait.data.table import Table

WHOLE_ROW = "(row)"


@dataclass
class Ledger:
    """Counts what was left out or taken as missing; a cell is counted once however often read."""

    entries: dict[tuple[int, str], str] = field(default_factory=dict)

    def add(self, row: int, column: str, reason: str) -> None:
        """Note that a cell, or with `WHOLE_ROW` a row, cannot be used."""
        self.entries[row, column] = reason

    def add_table(self, table: Table) -> None:
        """Note rows that were left out while reading a table, and references to nothing."""
        for row, reason in table.problems:
            self.add(row, WHOLE_ROW, reason)
        for column, reference in table.references.items():
            for row in reference.unknown.tolist():
                value = table.data[column][row]
                self.add(table.stored_number(row), column, f"{value} is not in {reference.name}")
            for number, reason in reference.table.problems:
                self.add(number, f"{column} {WHOLE_ROW}", f"in {reference.name}: {reason}")

    def __len__(self) -> int:
        return len(self.entries)

    def counts(self) -> Counter[str]:
        """Return the number of entries by column."""
        return Counter(column for _, column in self.entries)

    def require_share(self, column: str, rows: int, limit: float) -> None:
        """Stop the run when too much of a column cannot be read.

        Args:
            column: the column.
            rows: cells that it has.
            limit: share of them, in 0..1, that may be unreadable.

        Raises:
            TableError: with the count, the limit and the first reasons.
        """
        bad = [(row, reason) for (row, name), reason in self.entries.items() if name == column]
        if len(bad) <= limit * rows:
            return
        first = "; ".join(f"row {row}: {reason}" for row, reason in sorted(bad)[:3])
        raise TableError(
            f"{len(bad)} of {rows} cells of column {column!r} cannot be read, more than the "
            f"{limit:.0%} that max_bad_share allows ({first}). Mend them, ignore the column, or "
            "raise max_bad_share."
        )

    def write(self, path: Path) -> None:
        """Write `row,column,reason` as CSV; rows count from 0 after the header."""
        with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["row", "column", "reason"])
            for (row, column), reason in sorted(self.entries.items()):
                writer.writerow([row, column, reason])
