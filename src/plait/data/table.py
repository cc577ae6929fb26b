"""A table: named columns of equal length, read when needed.

Text formats are read as text and nothing is guessed at this point: what "007" or "1,234" means is
decided in `detect`, where the evidence can be shown. Columns are Arrow arrays, memory-mapped when
they come from a large file, or plain lists when they hold Python objects (pictures, arrays).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from plait.errors import ColumnError, TableError, did_you_mean

if TYPE_CHECKING:
    from plait.data.reference import Reference


@dataclass(frozen=True)
class Table:
    """Named columns of equal length; a view of some rows of them.

    Attributes:
        data: the stored columns by name.
        rows: (n) positions in the stored columns that this table shows.
        folder: where relative paths in cells start.
        allow_outside: whether cells may name files outside `folder`.
        problems: what could not be read as a row, as (row number, reason).
        left_out: numbers of rows that are not stored, for `row_number`.
        references: the tables that columns refer to, by these columns.
    """

    data: Mapping[str, pa.ChunkedArray | Sequence[Any]]
    rows: np.ndarray
    folder: Path
    allow_outside: bool = False
    problems: tuple[tuple[int, str], ...] = field(default=(), repr=False)
    left_out: tuple[int, ...] = field(default=(), repr=False)
    references: Mapping[str, Reference] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        data: Mapping[str, pa.ChunkedArray | Sequence[Any]],
        folder: Path | str = ".",
        allow_outside: bool = False,
        problems: tuple[tuple[int, str], ...] = (),
        left_out: tuple[int, ...] = (),
    ) -> Table:
        """Return a table of all rows of the given columns.

        Raises:
            TableError: when the columns differ in length, or two names differ in case only.
        """
        lengths = {name: len(values) for name, values in data.items()}
        if len(set(lengths.values())) > 1:
            raise TableError(f"All columns must have the same length, found {lengths}.")
        check_names(list(data))
        rows = np.arange(next(iter(lengths.values()), 0))
        return cls(data, rows, Path(folder).resolve(), allow_outside, problems, left_out)

    def __repr__(self) -> str:
        """Return its size and columns; the dataclass would print every cell."""
        return f"Table({len(self)} rows of {', '.join(self.columns)})"

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self.data)

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, column: object) -> bool:
        return column in self.data

    def require(self, column: str) -> str:
        """Return the column's name.

        Raises:
            ColumnError: when the table has no such column.
        """
        if column not in self.data:
            hint = did_you_mean(column, self.data)
            raise ColumnError(f"Column {column!r} is not in the table.{hint}")
        return column

    def cell(self, column: str, row: int) -> Any:
        """Return one value as a Python object; None where it is missing."""
        value = self.data[column][int(self.rows[row])]
        return value.as_py() if isinstance(value, pa.Scalar) else value

    def values(self, column: str) -> list[Any]:
        """Return a column's values as Python objects; None where missing."""
        stored = self.data[self.require(column)]
        if isinstance(stored, pa.ChunkedArray):
            whole = len(self.rows) == len(stored) and bool((np.diff(self.rows) == 1).all())
            return list((stored if whole else stored.take(pa.array(self.rows))).to_pylist())
        return [stored[int(row)] for row in self.rows]

    def row_number(self, index: int) -> int:
        """Return a row's number in what was read, where rows that were left out count too."""
        return self.stored_number(int(self.rows[index]))

    def stored_number(self, row: int) -> int:
        """Return the number in what was read of a row by its position in the stored columns."""
        return int(self._numbers[row])

    @cached_property
    def _numbers(self) -> np.ndarray:
        stored = len(next(iter(self.data.values())))
        return np.delete(np.arange(stored + len(self.left_out)), self.left_out)

    def row(self, index: int) -> Table:
        """Return a table of the one row."""
        return self.take([index])

    def take(self, rows: Sequence[int] | np.ndarray) -> Table:
        """Return a view of the given rows, in their order, or of those marked True."""
        wanted = np.asarray(rows)
        chosen = self.rows[wanted if wanted.dtype == bool else wanted.astype(np.int64)]
        return replace(self, rows=chosen)

    def drop(self, columns: Sequence[str]) -> Table:
        """Return the table without the given columns."""
        kept = {name: values for name, values in self.data.items() if name not in set(columns)}
        return replace(self, data=kept)

    def renamed(self, column: str, name: str) -> Table:
        """Return the table with one column under another name."""
        self.require(column)
        kept = {name if own == column else own: values for own, values in self.data.items()}
        check_names(list(kept))
        return replace(self, data=kept)

    def with_column(self, name: str, values: Sequence[Any]) -> Table:
        """Return a copy of the shown rows with one column added or replaced."""
        data: dict[str, Any] = {column: self.values(column) for column in self.columns}
        data[name] = list(values)
        return Table.of(data, self.folder, self.allow_outside, self.problems)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in range(len(self)):
            yield {name: self.cell(name, row) for name in self.columns}


def check_names(names: Sequence[str]) -> None:
    """Refuse names that are empty, repeat, or differ in case only.

    Raises:
        TableError: naming the columns and what to do.
    """
    folded: dict[str, str] = {}
    for name in names:
        if not name.strip():
            raise TableError("A column has no name; give every column a name in the first row.")
        other = folded.get(name.casefold())
        if other == name:
            raise TableError(f"Column {name!r} appears twice; rename one of them.")
        if other is not None:
            raise TableError(
                f"Columns {other!r} and {name!r} differ only in upper and lower case; "
                "rename one of them."
            )
        folded[name.casefold()] = name
