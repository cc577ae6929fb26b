"""The sides of pairs as a space sees them: which strangers are near, and how alike a pair is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch.nn.functional import normalize

from plait.data.mining import Pairs, nearest_strangers
from plait.data.quality import Ledger
from plait.data.table import Table
from plait.errors import TableError
from plait.evaluate.sides import Side, Vectors
from plait.progress import Progress
from plait.spaces.apart import sides_apart
from plait.spaces.space import Space


@dataclass(frozen=True)
class Seen:
    """Some rows of a table, by one space.

    Attributes:
        rows: (k) of the table.
        left: k rows of one group.
        right: of the other.
    """

    rows: np.ndarray
    left: Side
    right: Side

    def nearest(self, together: np.ndarray, blocks: np.ndarray, count: int) -> Pairs:
        """Return so many of each row's nearest strangers; see `nearest_strangers`.

        Args:
            together: (n), of all rows of the table.
            blocks: (n), likewise.
            count: of each row.
        """
        own, left, right = self.rows, _vectors(self.left), _vectors(self.right)
        found: Pairs = own[nearest_strangers(left, right, together[own], blocks[own], count)]
        return found


def seen_by(
    space: Space,
    table: Table,
    groups: tuple[str, str],
    parts: np.ndarray | None,
    key: str | None,
    ledger: Ledger,
    progress: Progress,
) -> list[Seen]:
    """Return the rows of a table as the space sees rows that are new to it.

    Args:
        space: which is learned again without each part, where there are parts.
        table: of n rows.
        groups: the left and the right one.
        parts: (n) numbers; None where the rows are new to the space.
        key: column of what a row is of.
        ledger: where cells that cannot be read are noted.
        progress: where to show it.

    Raises:
        TableError: when all rows are in one part.
    """
    if parts is None or space.config.as_is:  # a joint model's own space has learned from no rows
        left, right = (space.side(table, group, progress, ledger) for group in groups)
        return [Seen(np.arange(len(table)), left, right)]
    if len(np.unique(parts)) < 2:
        raise TableError(
            f"{len(table)} rows are too few to learn the space again without some of them, which "
            "tells how alike it finds what it has not learned from. If these rows are new to it, "
            "say unseen=True (--unseen)."
        )
    found = sides_apart(space, table, groups, parts, key, ledger, progress)
    return [Seen(rows, left, right) for rows, (left, right) in found]


def similarity_of(seen: list[Seen], pairs: Pairs) -> list[float | None]:
    """Return (p) how alike the sides of pairs are, each of rows seen by one space."""
    count = sum(len(part.rows) for part in seen)
    which, places = np.empty(count, np.int64), np.empty(count, np.int64)
    for number, part in enumerate(seen):
        which[part.rows], places[part.rows] = number, np.arange(len(part.rows))
    found: list[float | None] = [None] * len(pairs)
    for number, part in enumerate(seen):
        own = np.flatnonzero(which[pairs[:, 0]] == number)
        scores = similarities(part.left, part.right, places[pairs[own]])
        for place, score in zip(own, scores, strict=True):
            found[place] = score
    return found


def similarities(left: Side, right: Side, pairs: np.ndarray) -> list[float | None]:
    """Return (p) how alike the sides of pairs are; None where one is missing.

    Args:
        left: n rows.
        right: k rows, of the same space.
        pairs: (p 2), a row of the left and one of the right each.
    """
    found: list[float | None] = [None] * len(pairs)
    ready = ~(left.missing[pairs[:, 0]] | right.missing[pairs[:, 1]])
    order = np.flatnonzero(ready)[np.argsort(pairs[ready, 0], kind="stable")]
    starts = np.flatnonzero(np.diff(pairs[order, 0], prepend=-1))
    for places in np.split(order, starts[1:]) if len(order) else []:
        own, others = left.take(pairs[places[:1], 0]), right.take(pairs[places, 1])
        for place, score in zip(places, own.scores(others)[0], strict=True):  # type: ignore[arg-type]
            found[place] = float(score)
    return found


def _vectors(side: Side) -> np.ndarray:
    """Return (n d) one vector of length 1 a row; rows of NaN are missing."""
    if isinstance(side, Vectors):
        return side.values
    pooled = normalize(side.features.pooled, dim=-1).numpy()
    return np.where(side.missing[:, None], np.nan, pooled)
