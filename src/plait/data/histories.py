"""History columns: what came before each row, as keys of a joined table, the newest last."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from plait.data.category import split_labels
from plait.data.interactions import histories_of_rows
from plait.data.quality import Ledger
from plait.data.reference import key_of
from plait.data.rules import is_missing
from plait.data.table import Table
from plait.errors import CellError, ColumnError, ConfigError

_WRITTEN = re.compile(
    r"\s*(?P<name>[^=]+?)\s*=\s*(?P<items>.+?)(?:\s+of\s+(?P<who>.+?)\s+by\s+(?P<when>.+?))?\s*"
)


@dataclass(frozen=True)
class HistoryColumn:
    """A column of what somebody chose, saw or did before.

    Attributes:
        name: of the column.
        items: the column that refers to the table of what it holds.
        who: the column of whose history it is, where it is made of the rows; None where the table
            holds it.
        when: the column of time, likewise.
    """

    name: str
    items: str
    who: str | None = None
    when: str | None = None

    @classmethod
    def parse(cls, words: str) -> HistoryColumn:
        """Return what `history=film of user by timestamp`, or `history=film`, says.

        Raises:
            ConfigError: when it is not written so.
        """
        found = _WRITTEN.fullmatch(words)
        if found is None:
            raise ConfigError(
                f"History {words!r} is not known; write NAME=ITEM of USER by TIME for one that is "
                "made of the rows before, as in 'history=film of user by timestamp', or NAME=ITEM "
                "for a column of keys."
            )
        return cls(**found.groupdict())

    @property
    def made_of(self) -> tuple[str, str, str] | None:
        """Who, what and when: the columns that it is made of; None where the table holds it."""
        if self.who is None or self.when is None:
            return None
        return self.who, self.items, self.when

    def require(self, table: Table) -> None:
        """Refuse a table that is lacking what is needed to learn from such a history.

        Raises:
            ColumnError: for a column that is not there, or there already, or refers to nothing.
        """
        for column in self.made_of or (self.name,):
            table.require(column)
        if table.require(self.items) not in table.references:
            raise ColumnError(
                f"Column {self.items!r} refers to no table, so the items of history {self.name!r} "
                f"are not known. Join one: join={{{self.items!r}: 'items.csv'}}, "
                f"--join {self.items}=items.csv."
            )
        if self.made_of and self.name in table:
            raise ColumnError(
                f"Column {self.name!r} is in the table already. To read the keys in it say "
                f"'{self.name}={self.items}'; for a history that is made of the rows take another "
                "name."
            )


@dataclass(frozen=True)
class HistoryCells(Sequence[Any]):
    """Cells of a history that was made: lists of keys, looked up when they are asked for.

    Attributes:
        keys: of all items.
        numbers: (n) which of them each stored row has, the newest last.
    """

    keys: Sequence[str]
    numbers: Sequence[np.ndarray]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, row):  # type: ignore[no-untyped-def]  # one cell; slices not needed
        return [self.keys[item] for item in self.numbers[row].tolist()]


def with_histories(
    table: Table, columns: Sequence[HistoryColumn], longest: int, ledger: Ledger
) -> Table:
    """Return the table with those histories that can be made of its rows, and are not there.

    Each is what the row's `who` had strictly before its `when`, by the shown rows alone.

    Args:
        table: with the columns that they are made of.
        columns: the histories.
        longest: items that are kept, the newest.
        ledger: is told of rows without `who`, `when` or a known item.
    """
    for column in columns:
        made_of = column.made_of
        if made_of is None or column.name in table or any(name not in table for name in made_of):
            continue
        keys, shown = histories_of_rows(table, *made_of, longest, ledger)
        stored = len(next(iter(table.data.values())))
        numbers = [np.zeros(0, dtype=np.int64)] * stored
        for row, own in zip(table.rows.tolist(), shown, strict=True):
            numbers[row] = own
        table = replace(table, data={**table.data, column.name: HistoryCells(keys, numbers)})
    return table


def read_keys(value: Any) -> tuple[str, ...]:
    """Return the keys that a cell holds, in its order.

    Args:
        value: a list, a JSON list, a text with keys separated by `|`, `;` or `,`, or a single key.

    Raises:
        CellError: when it is none of these.
    """
    if isinstance(value, (bytes, dict)):
        raise CellError(f"expected keys, found {type(value).__name__}")
    if isinstance(value, (int, float)):  # one key of a column that was read as numbers
        value = key_of(value)
    found = [] if is_missing(value) else [key_of(part) for part in split_labels(value)]
    return tuple(key for key in found if key)


def known_items(
    keys: Sequence[str], numbers: Mapping[str, int]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the numbers of those keys that have one, (t) in their order, and the other keys."""
    found = [numbers[key] for key in keys if key in numbers]
    return np.array(found, dtype=np.int64), tuple(key for key in keys if key not in numbers)
