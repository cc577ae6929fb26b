"""Folds: which rows learn and which are held out, so that neither has seen the other."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from plait.data.date import read_date
from plait.data.number import read_number
from plait.data.rules import is_missing
from plait.data.table import Table
from plait.errors import CellError, ConfigError, TableError

HOLD_OUT = 5
"""A single hold-out is one of so many folds."""

WAYS = ("stratified", "random", "group:COLUMN", "time:COLUMN", "column:COLUMN")

PART_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
}


@dataclass(frozen=True)
class Split:
    """How rows are divided.

    Attributes:
        folds: (learning rows, held-out rows), each sorted row numbers.
        test: rows kept apart until the end.
        groups: (n) number of the group of each row; all different when rows are independent.
    """

    folds: tuple[tuple[np.ndarray, np.ndarray], ...]
    test: np.ndarray
    groups: np.ndarray

    @property
    def once(self) -> tuple[np.ndarray, np.ndarray, bool]:
        """The rows to learn from, those to judge on once, and whether these are the test rows."""
        if len(self.test):
            return np.setdiff1d(np.arange(len(self.groups)), self.test), self.test, True
        return *self.folds[0], False


def parse_way(way: str | None, table: Table) -> tuple[str, str]:
    """Return the kind of split and its column, which is empty where it needs none.

    Raises:
        ConfigError: when the kind is not known.
        ColumnError: when the column is not in the table.
    """
    kind, _, column = (way or "stratified").partition(":")
    needs_column = kind in ("group", "time", "column")
    if (kind not in ("stratified", "random") and not needs_column) or needs_column != bool(column):
        raise ConfigError(f"Split {way!r} is not known; say one of {', '.join(WAYS)}.")
    return kind, table.require(column) if column else ""


def marking(way: str | None, table: Table) -> list[str]:
    """Return the column that says which part a row is of, which is no input, if there is one.

    Raises:
        ConfigError: when the kind of split is not known.
        ColumnError: when its column is not in the table.
    """
    kind, column = parse_way(way, table)
    return [column] if kind == "column" else []


def apart(order: np.ndarray, groups: np.ndarray | None, cuts: Sequence[int]) -> list[np.ndarray]:
    """Return rows in parts, with each group in one part alone.

    What is tuned on rows whose twins it learned from says nothing of strangers.

    Args:
        order: (k) row numbers, shuffled. The rows of a group are brought together, in the place of
            the one with the lowest number: a large group comes first no more often than a small.
        groups: (n) number of the group of each row; None where all rows are independent.
        cuts: where parts end; each is moved to the nearest end of a group. A group is cut after all
            where that would move the end by more than the first part is long.
    """
    if groups is None:
        return np.split(order, cuts)
    place = np.empty(len(groups), dtype=np.int64)
    place[order] = np.arange(len(order))
    lowest, group = np.unique(groups[np.sort(order)], return_index=True)
    first = dict(zip(lowest.tolist(), place[np.sort(order)[group]].tolist(), strict=True))
    order = order[np.argsort([first[g] for g in groups[order].tolist()], kind="stable")]
    ends = np.flatnonzero(np.diff(groups[order])) + 1
    moved: list[int] = [0]
    for cut in cuts:
        nearest = int(ends[np.abs(ends - cut).argmin()]) if len(ends) and cut else cut
        end = nearest if abs(nearest - cut) <= cuts[0] else cut
        moved.append(max(end, moved[-1]))
    return np.split(order, moved[1:])


def automatic_folds(rows: int) -> int:
    """Return how many folds a table of so many rows is judged on; 1 is a single hold-out."""
    return 5 if rows <= 3000 else 3 if rows <= 8000 else 1


def make_split(
    table: Table, way: str | None, folds: int, classes: np.ndarray | None, seed: int
) -> Split:
    """Divide the rows of a table.

    Args:
        table: of n rows.
        way: one of `WAYS`; None is stratified.
        folds: how many; 1 holds out one fifth, 0 chooses by the number of rows.
        classes: (n) class numbers to be spread evenly; None when there are none.
        seed: of the shuffling.

    Raises:
        TableError: when there are too few rows, groups or times, or a part has none.
    """
    kind, column = parse_way(way, table)
    rows = np.arange(len(table))
    if kind == "column":
        parts = _parts(table, column)
        given = np.flatnonzero(parts == "validation")
        learning, test = np.flatnonzero(parts == "train"), np.flatnonzero(parts == "test")
        if not len(learning):
            raise TableError(f"Column {column!r} marks no row as train.")
        if len(given):
            return Split(((learning, given),), test, rows)
        inner = _folds(learning, folds, None, classes, "stratified", seed)
        return Split(inner, test, rows)
    groups = _groups(table, column) if kind == "group" else rows
    if kind == "time":
        made = _by_time(_times(table, column), folds)
    else:
        made = _folds(rows, folds, groups if kind == "group" else None, classes, kind, seed)
    return Split(made, np.zeros(0, dtype=np.int64), groups)


def _folds(
    rows: np.ndarray,
    folds: int,
    groups: np.ndarray | None,
    classes: np.ndarray | None,
    kind: str,
    seed: int,
) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    from sklearn import model_selection as ms

    wanted = folds or automatic_folds(len(rows))
    units = len(rows) if groups is None else len(np.unique(groups))
    parts = min(HOLD_OUT if wanted == 1 else wanted, units)
    if parts < 2:
        what = "rows" if groups is None else "groups"
        raise TableError(f"Found {units} {what} to learn from; at least 2 are needed.")
    spread = None if classes is None or kind == "random" else classes[rows]
    if spread is not None and np.bincount(spread).max() < parts:
        spread = None  # every class is too small to be spread
    arguments = {"n_splits": parts, "shuffle": True, "random_state": seed}
    if groups is not None:
        splitter = ms.StratifiedGroupKFold(**arguments)
        spread = np.zeros(len(rows), dtype=np.int64) if spread is None else spread
    else:
        splitter = ms.KFold(**arguments) if spread is None else ms.StratifiedKFold(**arguments)
    with warnings.catch_warnings():  # rare classes are reported by `check`, not by scikit-learn
        warnings.simplefilter("ignore", UserWarning)
        made = list(splitter.split(rows, spread, groups))
    made = [(rows[learning], rows[held]) for learning, held in made if len(held)]
    return tuple(made[:1] if wanted == 1 else made)


def _by_time(times: np.ndarray, folds: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Return folds whose held-out rows are all later than those that learn; equal times stay whole.

    Rows without a time come first. There are fewer folds than asked for where the times repeat.
    """
    wanted = folds or automatic_folds(len(times))
    parts = HOLD_OUT if wanted == 1 else wanted + 1
    order = np.argsort(times, kind="stable")
    even = [len(times) * part // parts for part in range(1, parts)]
    moved = {int(np.searchsorted(times[order], times[order[cut]])) for cut in even}
    cuts = [*sorted(moved - {0}), len(times)]
    if len(times) < parts or len(cuts) < 2:
        different = len(np.unique(times))
        raise TableError(
            f"Found {len(times)} rows of {different} different times, too few for {parts} parts."
        )
    made = [(np.sort(order[:cut]), np.sort(order[cut:end])) for cut, end in pairwise(cuts)]
    return tuple(made[-1:] if wanted == 1 else made)


def _groups(table: Table, column: str) -> np.ndarray:
    values = [None if is_missing(v) else str(v).strip() for v in table.values(column)]
    numbers: dict[str, int] = {}
    # A row without a group is a group of its own.
    return np.array(
        [
            len(table) + row if value is None else numbers.setdefault(value, len(numbers))
            for row, value in enumerate(values)
        ]
    )


def _times(table: Table, column: str) -> np.ndarray:
    times = np.array([_time(value) for value in table.values(column)])
    if not np.isfinite(times).any():
        raise TableError(f"No cell of column {column!r} is a date or a number to order rows by.")
    return times


def _time(value: object) -> float:
    for read in (read_date, read_number):
        with suppress(CellError):
            return read(value)
    return -np.inf


def _parts(table: Table, column: str) -> np.ndarray:
    values: Sequence[object] = table.values(column)
    parts = np.array([PART_NAMES.get(str(value).strip().casefold(), "") for value in values])
    if (parts == "").any():
        wrong = next(v for v, part in zip(values, parts, strict=True) if not part)
        raise TableError(
            f"Split column {column!r} must hold train, validation or test; found {wrong!r}."
        )
    return parts
