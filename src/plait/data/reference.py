"""References: a column whose values are keys of another table, whose columns are read through it.

A joined column is looked up cell by cell and never copied: a poster that a thousand ratings refer
to is stored once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from plait.data.media import Placed
from plait.data.rules import is_missing
from plait.data.table import Table, check_names
from plait.errors import ColumnError, TableError, did_you_mean

SHOWN = 3
"""Values that an error shows."""


@dataclass(frozen=True)
class Reference:
    """A table that a column refers to.

    Attributes:
        table: that is referred to.
        key: its column that the references name.
        name: of the table, for messages.
        places: (n) its row of each stored row of the table that refers; -1 where there is none.
        unknown: stored rows whose reference is not in it.
    """

    table: Table
    key: str
    name: str
    places: np.ndarray
    unknown: np.ndarray

    @property
    def columns(self) -> list[str]:
        """The columns that come in; the key stands in the table that refers already."""
        return [name for name in self.table.columns if name != self.key]


@dataclass(frozen=True)
class JoinedColumn(Sequence[Any]):
    """A column of another table, by the rows that refer to it.

    Attributes:
        reference: the table, and where.
        own: its name there.
    """

    reference: Reference
    own: str

    def __len__(self) -> int:
        return len(self.reference.places)

    def __getitem__(self, row):  # type: ignore[no-untyped-def]  # one cell; slices not needed
        place, table = int(self.reference.places[row]), self.reference.table
        return None if place < 0 else _placed(table.cell(self.own, place), table)


def joined_name(reference: str, column: str) -> str:
    """Return what a joined table's column is called: `user.age`."""
    return f"{reference}.{column}"


def join(table: Table, column: str, other: Table, key: str | None, name: str) -> Table:
    """Return the table with the columns of another, `column.x` for its column x.

    Args:
        table: that refers.
        column: whose values are keys of the other.
        other: the table that is referred to; each key stands in it once.
        key: its column of the keys; by default the one of the same name as `column`, or its first.
        name: of the other table, for messages.

    Raises:
        ColumnError: when one of the two columns is not there.
        TableError: when keys repeat, none of them is referred to, or names would collide.
    """
    table.require(column)
    key = _key_column(other, column, key, name)
    places = _places_of(other, key, name)
    stored = replace(table, rows=np.arange(len(next(iter(table.data.values())))))
    asked = [key_of(value) for value in stored.values(column)]
    found = np.array([-1 if ask is None else places.get(ask, -1) for ask in asked], dtype=np.int64)
    _require_some(found, asked, column, places, key, name)
    there = np.array([ask is not None for ask in asked])
    reference = Reference(other, key, name, found, np.flatnonzero((found < 0) & there))
    data = {**table.data, **_columns(table, column, reference)}
    return replace(table, data=data, references={**table.references, column: reference})


def _columns(table: Table, column: str, reference: Reference) -> dict[str, JoinedColumn]:
    start = joined_name(column, "").casefold()
    for name in table.columns:
        if name.casefold().startswith(start):
            raise TableError(
                f"Column {name!r} looks like one that the join by {column!r} brings in; rename it."
            )
    found = {joined_name(column, own): JoinedColumn(reference, own) for own in reference.columns}
    check_names([*table.columns, *found])
    return found


def referred(table: Table, column: str) -> Table:
    """Return the table that a column refers to, a row each, its columns as the other calls them.

    So what reads the columns of a row reads those of what it refers to.
    """
    reference = table.references[column]
    count = len(reference.table)
    whole = replace(reference, places=np.arange(count), unknown=np.zeros(0, dtype=np.int64))
    keys = {column: reference.table.values(reference.key)}
    found = Table.of(keys, table.folder, table.allow_outside)
    data = {**found.data, **_columns(found, column, whole)}
    return replace(found, data=data, references={column: whole})


def cells_of(table: Table, column: str) -> int:
    """Return how many cells a column has: a joined one those that are referred to, each once."""
    stored = table.data.get(column)
    if not isinstance(stored, JoinedColumn):
        return len(table)
    places = stored.reference.places[table.rows]
    return len(np.unique(places[places >= 0]))


def noted(table: Table, column: str, row: int, reason: str) -> tuple[int, str]:
    """Return the row number and the reason to note of a cell, a joined one's in its own table."""
    stored = table.data.get(column)
    if not isinstance(stored, JoinedColumn):
        return table.row_number(row), reason
    reference = stored.reference
    place = int(reference.places[int(table.rows[row])])
    number, reason = noted(reference.table, stored.own, place, reason)
    return number, f"in {reference.name}: {reason}"


def key_of(value: Any) -> str | None:
    """Return a key as text, so that 7 of a Parquet file is '7' of a CSV; None where it is missing.

    '007' stays what it is: it is the name of another.
    """
    if is_missing(value):
        return None
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    return str(value).strip()


def _key_column(other: Table, column: str, key: str | None, name: str) -> str:
    if key is None:
        return column if column in other else other.columns[0]
    if key not in other:
        raise ColumnError(
            f"Key {key!r} is not a column of {name}, which {column!r} refers to."
            f"{did_you_mean(key, other.columns)}"
        )
    return key


def _places_of(other: Table, key: str, name: str) -> dict[str, int]:
    """Return the row of each key."""
    places: dict[str, int] = {}
    repeated: dict[str, None] = {}
    for row, value in enumerate(other.values(key)):
        found = key_of(value)
        if found is not None and places.setdefault(found, row) != row:
            repeated[found] = None
    if repeated:
        shown = ", ".join(map(repr, list(repeated)[:SHOWN])) + (
            ", …" if len(repeated) > SHOWN else ""
        )
        raise TableError(
            f"{len(repeated)} keys repeat in column {key!r} of {name} ({shown}), so a reference to "
            "them names no single row. Remove the repeats, or name another key."
        )
    return places


def _require_some(
    found: np.ndarray,
    asked: Sequence[str | None],
    column: str,
    places: Mapping[str, int],
    key: str,
    name: str,
) -> None:
    if (found >= 0).any():
        return
    there = [ask for ask in asked if ask is not None][:SHOWN]
    raise TableError(
        f"No value of column {column!r} ({', '.join(map(repr, there)) or 'all are missing'}) is in "
        f"column {key!r} of {name} ({', '.join(map(repr, list(places)[:SHOWN]))}). Name the key: "
        f"join={{{column!r}: ({name!r}, 'KEY')}}, --join {column}={name}:KEY."
    )


def parse_join(given: Sequence[str]) -> dict[str, tuple[str, str | None]]:
    """Return what `column=table` or `column=table:key` say, as `plait.read` takes it.

    Raises:
        TableError: when one is written otherwise.
    """
    found: dict[str, tuple[str, str | None]] = {}
    for item in given:
        column, mark, path = item.partition("=")
        if not (mark and column.strip() and path.strip()):
            raise TableError(
                f"Join {item!r} is not known; write column=table, or column=table:key, as in "
                "user=users.csv:user_id."
            )
        before, _, key = path.rpartition(":")
        # What follows a colon in a URI or on a drive goes on with a slash.
        named = before and not Path(path).exists() and not set(key) & {"/", "\\"}
        found[column.strip()] = (before, key) if named else (path, None)
    return found


def _placed(value: Any, table: Table) -> Any:
    """Return a cell, names of files in it bound to the folder of their own table."""
    if isinstance(value, str):
        return Placed.of(value, table.folder, table.allow_outside)
    if isinstance(value, list) and value and isinstance(value[0], str):
        return [_placed(item, table) for item in value]
    if isinstance(value, dict) and isinstance(value.get("path"), str):
        return {**value, "path": _placed(value["path"], table)}
    return value
