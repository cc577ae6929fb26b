"""A space judged by classes: words that it never learned as such, and a linear probe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.read_as import read_as
from plait.data.rules import is_missing
from plait.data.split import make_split
from plait.data.table import Table
from plait.errors import ConfigError, TableError, did_you_mean
from plait.evaluate.probe import Probe, probe
from plait.evaluate.zero_shot import ZeroShot, told_apart
from plait.progress import Progress
from plait.spaces.space import Space

SHOTS = (1, 2, 4, 8, 16)
"""Examples a class (Radford et al., ICML 2021, figure 6)."""


def zero_shot(
    space: Space,
    table: Any,
    labels: Sequence[str] = (),
    templates: Sequence[str] = ("{}",),
    truth: str | None = None,
    progress: Progress | None = None,
) -> ZeroShot:
    """Return the classes of rows by words; see `Space.classify`.

    A row that cannot be read counts as wrong.

    Args:
        space: with one group that is a column of text.
        table: of n rows.
        labels: words; by default all that the truth holds.
        templates: sentences with {} in the place of the label.
        truth: a column to compare with.
        progress: where to show it.

    Raises:
        ConfigError: for no labels, one that is named twice, or what `Space.classify` refuses.
        TableError: when no row's truth is one of the labels.
    """
    table, ledger = read_as(table, space.sources), Ledger()
    told = None if truth is None else _names(table, truth)
    labels = list(labels) or sorted({name for name in told or [] if name is not None})
    if len(set(labels)) < max(len(labels), 2):
        raise ConfigError(f"At least two different labels are needed, found {labels}.")
    scores = space.classify(table, labels, templates, progress, ledger)
    accuracy, judged = None, 0
    if told is not None:
        accuracy, judged = told_apart(scores, labels, told, space.config.seed)
    return ZeroShot(tuple(labels), scores, accuracy, judged, ledger)


def probe_space(
    space: Space,
    table: Any,
    target: str,
    group: str | None = None,
    split: str | None = None,
    shots: Sequence[int] = SHOTS,
    draws: int = 10,
    seed: int = 0,
    progress: Progress | None = None,
) -> Probe:
    """Return the accuracy of a linear classifier on the vectors of a group; see `Probe`.

    Args:
        space: whose vectors are judged; it stays as it is.
        table: with the target; rows that lack it, or the group, are left out.
        target: a column of classes.
        group: of columns; by default the first that the table has.
        split: as in `plait.fit`; by default one fifth of the rows is judged.
        shots: examples a class.
        draws: of examples, for each of these.
        seed: of everything random.
        progress: where to show it.

    Raises:
        ConfigError: for a group that is not there, or shots or draws under 1.
        ColumnError: for a column that is not there.
        TableError: when there is too little to learn from.
    """
    if draws < 1 or any(count < 1 for count in shots):
        raise ConfigError(f"Shots and draws must be 1 or more, found {list(shots)} and {draws}.")
    table = read(table)
    names = _names(table, target)
    vectors = space.vectors(table, group or _first(space, table), progress)
    kept = np.array([name is not None for name in names]) & ~np.isnan(vectors).any(axis=1)
    if kept.sum() < 4:
        raise TableError(f"{kept.sum()} rows have both the group and {target!r}; 4 are needed.")
    table, vectors = table.take(kept), vectors[kept]
    numbers = np.unique([str(n) for n, own in zip(names, kept, strict=True) if own],
                        return_inverse=True)[1]  # fmt: skip
    made = make_split(table, split, 1, numbers, seed)
    learning, held, _ = made.once
    return probe(vectors, numbers, learning, held, made.groups, shots, draws, seed)


def _first(space: Space, table: Table) -> str:
    """Return the first group of which the table has a column."""
    for name, own in space.groups.items():
        if any(column.stored in table for source in own for column in source.columns):
            return name
    raise TableError(
        f"The table has no column of any group of the space ({', '.join(space.groups)})."
        f"{did_you_mean(next(iter(space.groups)), table.columns)}"
    )


def _names(table: Table, column: str) -> list[str | None]:
    """Return the classes of all rows as text."""
    return [None if is_missing(v) else str(v).strip() for v in table.values(column)]
