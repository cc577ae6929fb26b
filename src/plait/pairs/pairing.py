"""Pairs of two sides: those that belong together, and strangers, for `plait fit` to tell apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from plait.data.detect import detect
from plait.data.loader import Reader
from plait.data.mining import blocks_of, random_strangers
from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.rules import is_missing
from plait.data.table import Table
from plait.errors import ConfigError, TableError
from plait.grouping import components, content_keys, group_sources, numbered
from plait.pairs.given import SIMILARITY, columns_of, moved
from plait.pairs.sides import seen_by, similarity_of
from plait.progress import Progress
from plait.spaces.space import Space
from plait.types import MEDIA, Schema

MATCH, PAIR_GROUP = "match", "pair_group"

BLOCKS = 20
"""That negatives are drawn within, at most: enough to be split into five parts."""

FOLDS = 5
"""Parts of the blocks that a space is learned again without."""

THINGS = 8
"""In a block, at least: those that a negative is chosen from."""


@dataclass(frozen=True)
class Paired:
    """Pairs as columns.

    Attributes:
        columns: `left.*`, `right.*`, `similarity` where a space was given, `match` (yes or no) and
            `pair_group`, which a split must keep whole.
        positives: pairs that belong together.
        mined: strangers that a space takes for near.
        drawn: strangers at random.
        left_out: rows that lack a side.
        skipped: cells that could not be read.
    """

    columns: dict[str, list[Any]] = field(repr=False)
    positives: int
    mined: int
    drawn: int
    left_out: int
    skipped: Ledger = field(repr=False)


def pair_rows(
    table: Any,
    left: str,
    right: str,
    *,
    space: Space | None = None,
    key: str | None = None,
    hard: int = 2,
    random: int = 1,
    unseen: bool = False,
    seed: int = 0,
    folder: str | Path = ".",
    progress: Progress | None = None,
) -> Paired:
    """Return pairs to learn matching from: of images and texts, of two descriptions of a thing.

    Each row of the table is a pair that belongs together. Its left side is paired with right sides
    of other rows too: the nearest in a space, and some at random. Rows that have a cell of one side
    in common, or the key, are of one thing and never strangers. With a space, a column tells how
    alike it finds both sides; `plait.pairs.given.with_similarity` adds the same to new pairs.

    Args:
        table: anything that `plait.read` takes.
        left: a column, or several with commas between them.
        right: likewise.
        space: with both as groups (`plait align`); without one all strangers are random.
        key: column of what a row is of.
        hard: nearest strangers of each row; none without a space.
        random: strangers of each row at random.
        unseen: the space has not learned from these rows, and says how alike their sides are as it
            is. Else it is learned again without each fifth of them, which is judged by that.
        seed: of everything random.
        folder: where the pairs will be written: paths of files are rewritten to start there.
        progress: where to show it.

    Raises:
        ConfigError: when there would be no negative, or the space lacks a group.
        ColumnError: for a column that is not there, is not read, or is named twice.
        TableError: when too few rows have both sides, all are of one thing, or there are too few
            things to learn the space again without some.
    """
    mined = hard if space is not None else 0
    if min(hard, random) < 0 or mined + random < 1:
        raise ConfigError(
            f"Each pair needs a stranger: found hard={hard}, random={random} and "
            f"{'a' if space else 'no'} space, which the hard ones are mined from."
        )
    table, ledger = read(table), Ledger()
    ledger.add_table(table)
    schema = detect(table, (), {})
    groups = group_sources(schema, (left, right))
    if space is not None:
        for group in (left, right):
            space.require(group)
    keys = content_keys(Reader(table, ledger), groups)
    whole = ~np.isnan(keys).any(axis=1)
    rows = np.flatnonzero(whole)
    pairs_of = table.take(rows)
    together = components(np.column_stack([keys[rows], _numbers(pairs_of, key)]))
    if len(np.unique(together)) < 2:
        raise TableError(
            f"{len(rows)} rows have both {left!r} and {right!r}, of "
            f"{len(np.unique(together))} different things; at least 2 are needed for strangers."
        )
    blocks = blocks_of(together, BLOCKS, THINGS, seed)
    drawn = random_strangers(together, blocks, random, np.random.default_rng(seed))
    seen, near = [], np.zeros((0, 2), dtype=np.int64)
    if space is not None:
        parts = None if unseen else blocks % FOLDS
        shown = progress or Progress()
        seen = seen_by(space, pairs_of, (left, right), parts, key, ledger, shown)
        if hard:
            near = np.concatenate([part.nearest(together, blocks, hard) for part in seen])
    own = np.repeat(np.arange(len(rows))[:, None], 2, axis=1)
    strangers = np.unique(np.concatenate([near, drawn]), axis=0)  # what was drawn twice, once
    both = np.concatenate([own, strangers])
    columns = _cells(pairs_of, (left, right), both, schema, Path(folder))
    if seen:
        columns[SIMILARITY] = similarity_of(seen, both)
    columns[MATCH] = ["yes"] * len(own) + ["no"] * len(strangers)
    columns[PAIR_GROUP] = [f"block {blocks[row]}" for row in both[:, 0]]
    return Paired(columns, len(own), len(near), len(strangers) - len(near),
                  int((~whole).sum()), ledger)  # fmt: skip


def _cells(
    table: Table, groups: tuple[str, str], pairs: np.ndarray, schema: Schema, folder: Path
) -> dict[str, list[Any]]:
    """Return the cells of both sides of pairs (p 2), by the side and the column's name."""
    media = [column.name for column in schema.columns if column.modality in MEDIA]
    columns: dict[str, list[Any]] = {}
    for place, (side, group) in enumerate(zip(("left", "right"), groups, strict=True)):
        for name in columns_of(group):
            cells = moved(table, name, folder, media)
            columns[f"{side}.{name}"] = [cells[row] for row in pairs[:, place]]
    return columns


def _numbers(table: Table, key: str | None) -> np.ndarray:
    """Return (n) a number of each row's key; NaN where it has none."""
    if key is None:
        return np.full(len(table), np.nan)
    values = [None if is_missing(value) else str(value) for value in table.values(key)]
    return numbered(values)
