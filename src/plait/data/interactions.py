"""Interactions: who chose what, and when; and what each of them knew at that time."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from operator import eq, ge, gt, le, lt, ne
from typing import Any

import numpy as np

from plait.data.date import read_date
from plait.data.number import read_number
from plait.data.quality import Ledger
from plait.data.reference import key_of
from plait.data.rules import is_missing
from plait.data.table import Table
from plait.errors import CellError, ConfigError, TableError

SIGNS = {">=": ge, "<=": le, "!=": ne, "==": eq, "=": eq, ">": gt, "<": lt}

_POSITIVE = re.compile(r"\s*(?P<column>.+?)\s*(?P<sign>>=|<=|!=|==|=|>|<)\s*(?P<value>.+?)\s*")


@dataclass(frozen=True)
class Positive:
    """Which rows are choices: those of which `column sign value` holds.

    Attributes:
        column: of the interactions, a rating for example.
        sign: one of `SIGNS`.
        value: a number, or with = and != a word too.
    """

    column: str
    sign: str
    value: str

    @classmethod
    def parse(cls, words: str) -> Positive:
        """Return what `rating >= 4` says.

        Raises:
            ConfigError: when it is not written so.
        """
        found = _POSITIVE.fullmatch(words)
        if found is None:
            raise ConfigError(
                f"Positive {words!r} is not known; write COLUMN SIGN VALUE with a sign of "
                f"{', '.join(SIGNS)}, as in 'rating >= 4'."
            )
        positive = cls(**found.groupdict())
        if positive.sign not in ("=", "==", "!="):
            positive.number()
        return positive

    def number(self) -> float:
        """Return the value as a number.

        Raises:
            ConfigError: when it is none.
        """
        try:
            return read_number(self.value)
        except CellError as error:
            raise ConfigError(
                f"Positive '{self.column} {self.sign} {self.value}' needs a number: {error}."
            ) from error

    def holds(self, value: Any) -> bool:
        """Return whether a cell is one of a choice.

        Raises:
            CellError: when it is missing, or not a number where one is needed.
        """
        if is_missing(value):
            raise CellError("it is missing, so the row is no choice")
        try:
            return bool(SIGNS[self.sign](read_number(value), read_number(self.value)))
        except CellError:
            if self.sign not in ("=", "==", "!="):
                raise
            return bool(SIGNS[self.sign](str(value).strip(), self.value))


@dataclass(frozen=True)
class Interactions:
    """Choices in the order of time: each user chose each item once.

    Attributes:
        user: (n) numbers of users.
        item: (n) numbers of items.
        time: (n) when, in seconds or whatever the table counts in.
        users: keys of users, by number.
        items: keys of items, by number.
        facts: rows that were read, and why others are no choices.
    """

    user: np.ndarray
    item: np.ndarray
    time: np.ndarray
    users: tuple[str, ...]
    items: tuple[str, ...]
    facts: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: np.ndarray) -> Interactions:
        """Return the given rows, (k) numbers in order, or (n) booleans, of the same users."""
        return Interactions(
            self.user[rows], self.item[rows], self.time[rows], self.users, self.items, self.facts
        )

    def histories(
        self, users: np.ndarray, times: np.ndarray, longest: int | None = None
    ) -> list[np.ndarray]:
        """Return (q) what each user had chosen strictly before a time, the newest last.

        What was chosen at the same moment is not known yet.

        Args:
            users: (q) numbers.
            times: (q).
            longest: how many of the newest are kept; None keeps all.
        """
        order = np.argsort(self.user, kind="stable")  # of each user in the order of time
        starts = np.searchsorted(self.user[order], np.arange(len(self.users) + 1))
        item, time = self.item[order], self.time[order]
        found = []
        for user, when in zip(users.tolist(), times.tolist(), strict=True):
            begin, end = starts[user], starts[user + 1]
            end = begin + int(np.searchsorted(time[begin:end], when, side="left"))
            found.append(item[begin if longest is None else max(begin, end - longest) : end])
        return found


def read_interactions(
    table: Table, user: str, item: str, time: str, positive: Positive | None, ledger: Ledger
) -> Interactions:
    """Return the choices of a table.

    Of a user and an item that come together again, the first is kept. Users and items are those of
    the tables that the columns refer to, or the distinct values of the columns.

    Args:
        table: of interactions, a row each.
        user: column of who.
        item: column of what.
        time: column of when: numbers or dates.
        positive: which rows are choices; None is all.
        ledger: is told of rows that lack one of these.

    Raises:
        ColumnError: for a column that is not there.
        TableError: when no row is a choice.
    """
    for name in (user, item, time, *([positive.column] if positive else [])):
        table.require(name)
    (users, asks), (items, chosen), times = _cells(table, user, item, time, ledger)
    kept, counts = (asks >= 0) & (chosen >= 0) & ~np.isnan(times), {"rows": len(table)}
    counts["not positive"] = 0
    for row in np.flatnonzero(kept).tolist() if positive is not None else ():
        assert positive is not None
        try:
            kept[row] = positive.holds(table.cell(positive.column, row))
            counts["not positive"] += not kept[row]
        except CellError as error:
            kept[row] = False
            ledger.add(table.row_number(row), positive.column, str(error))
    counts["unusable"] = len(table) - int(kept.sum()) - counts["not positive"]
    rows = np.flatnonzero(kept)
    if not len(rows):
        wanted = f" ({positive.column} {positive.sign} {positive.value})" if positive else ""
        raise TableError(
            f"No row of {len(table)} is a choice{wanted}: {counts['not positive']} are not "
            f"positive, {counts['unusable']} lack a known user, item, or time."
        )
    rows = rows[np.argsort(times[rows], kind="stable")]
    pairs = asks[rows] * len(items) + chosen[rows]
    first = np.sort(np.unique(pairs, return_index=True)[1])
    counts["repeated"] = len(rows) - len(first)
    rows = rows[first]
    return Interactions(asks[rows], chosen[rows], times[rows], users, items, counts)


def histories_of_rows(
    table: Table, user: str, item: str, time: str, longest: int, ledger: Ledger
) -> tuple[tuple[str, ...], list[np.ndarray]]:
    """Return the keys of items, and (n) which of them each row's user had strictly before its time.

    All rows count, in the order of time, and an item that comes again counts again. A row without
    a user or a time has no history; one without a known item is in none.

    Args:
        table: of n rows.
        user: column of who.
        item: column of what.
        time: column of when: numbers or dates.
        longest: how many of the newest are kept.
        ledger: is told of rows that lack one of these.
    """
    (users, asks), (items, chosen), times = _cells(table, user, item, time, ledger)
    rows = np.flatnonzero((asks >= 0) & (chosen >= 0) & ~np.isnan(times))
    rows = rows[np.argsort(times[rows], kind="stable")]
    known = Interactions(asks[rows], chosen[rows], times[rows], users, items)
    found = [np.zeros(0, dtype=np.int64)] * len(table)
    asked = np.flatnonzero((asks >= 0) & ~np.isnan(times))
    for row, own in zip(asked, known.histories(asks[asked], times[asked], longest), strict=True):
        found[row] = own
    return items, found


def _entities(table: Table, column: str) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the keys of users or items, and (n) which of them each row has; -1 is none."""
    if column in table.references:
        reference = table.references[column]
        keys = [key_of(value) for value in reference.table.values(reference.key)]
        return tuple(key or "" for key in keys), reference.places[table.rows]
    values = [key_of(value) for value in table.values(column)]
    numbers = {key: n for n, key in enumerate(dict.fromkeys(v for v in values if v is not None))}
    found = [-1 if value is None else numbers[value] for value in values]
    return tuple(numbers), np.array(found, dtype=np.int64)


def _cells(
    table: Table, user: str, item: str, time: str, ledger: Ledger
) -> tuple[tuple[tuple[str, ...], np.ndarray], tuple[tuple[str, ...], np.ndarray], np.ndarray]:
    """Return keys and (n) numbers of users, the same of items, and (n) times.

    What cannot be used is -1, or NaN for a time, and the ledger is told.
    """
    users, items = _entities(table, user), _entities(table, item)
    times = np.full(len(table), np.nan)

    for column, (_, numbers) in ((user, users), (item, items)):
        for row in np.flatnonzero(numbers < 0).tolist():
            number, missing = table.row_number(row), is_missing(table.cell(column, row))
            if (number, column) not in ledger.entries:  # a reference to nothing was told before
                reason = "it is missing" if missing else "it is not in its table"
                ledger.add(number, column, reason)
    for row in range(len(table)):
        try:
            times[row] = _read_time(table.cell(time, row))
        except CellError as error:
            ledger.add(table.row_number(row), time, str(error))
    return users, items, times


def _read_time(value: Any) -> float:
    if is_missing(value):
        raise CellError("it is missing")
    with suppress(CellError):
        return read_date(value)
    try:
        return read_number(value)
    except CellError as error:
        raise CellError(f"neither a date nor a number: {str(value)[:40]!r}") from error
