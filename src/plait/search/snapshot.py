"""The vectors of one version: those beside the table, less rows that are gone, and new ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plait.search.engine import Exact
from plait.search.rank import best_of
from plait.search.sidecar import Sidecar
from plait.search.store import Store

MOST_CHANGED = 0.1
"""Share of rows that may have changed before everything is built again."""


@dataclass(frozen=True)
class Snapshot:
    """What one version can be searched with.

    Attributes:
        version: of the table.
        base: vectors and engine of this version, or of an earlier one.
        alive: (n) True for rows of the base that are as they were; None where all are.
        fresh: (m) numbers of the rows that are new or changed.
        vectors: (m d), theirs.
    """

    version: int
    base: Sidecar
    alive: np.ndarray | None
    fresh: np.ndarray
    vectors: np.ndarray

    def search(
        self, query: np.ndarray, count: int, rows: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of the nearest rows and their cosines, falling.

        Args:
            query: (d) of length 1.
            count: how many, at most.
            rows: numbers of those that may be found; None allows all.
        """
        old = self._old(query, count, rows)
        allowed = None if rows is None else np.isin(self.fresh, rows)
        places, scores = Exact(self.vectors).search(query, count, allowed)
        numbers = np.concatenate([old[0], self.fresh[places]])
        scores = np.concatenate([old[1], scores])
        best = best_of(scores, count)
        return numbers[best], scores[best]

    def _old(
        self, query: np.ndarray, count: int, rows: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        base = self.base
        passing = self.alive
        if rows is not None:
            found = base.find(rows)
            passing = np.zeros(len(base.numbers), bool)
            passing[found[found >= 0]] = True
            passing = passing if self.alive is None else passing & self.alive
        allowed = None
        if passing is not None:
            allowed = np.zeros(len(base.vectors), bool)
            allowed[base.places[passing]] = True
        places, scores = base.engine.search(query, count, allowed)
        if len(base.vectors) == len(base.numbers):
            return base.numbers[places], scores
        return self._expanded(places, scores, count, passing)

    def _expanded(
        self, places: np.ndarray, scores: np.ndarray, count: int, passing: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows that have the vectors found, in the order of the vectors."""
        (rows, starts), own, theirs, total = self.base.members, [], [], 0
        for place, score in zip(places.tolist(), scores.tolist(), strict=True):
            some = rows[starts[place] : starts[place + 1]]
            some = (some if passing is None else some[passing[some]])[: count - total]
            own.append(self.base.numbers[some])
            theirs.append(np.full(len(some), score, np.float32))
            total += len(some)
            if total >= count:
                break
        return (
            np.concatenate([np.zeros(0, np.int64), *own]),
            np.concatenate([np.zeros(0, np.float32), *theirs]),
        )


def snapshot(store: Store, base: Sidecar, version: int) -> Snapshot | None:
    """Return a version seen from a base; None where too much has changed since."""
    numbers, stamps = store.stamps()
    found = base.find(numbers)
    same = found >= 0
    same[same] = base.stamps[found[same]] == stamps[same]
    kept = np.zeros(len(base.numbers), bool)
    kept[found[same]] = True
    fresh = numbers[~same]
    if len(fresh) + int((~kept).sum()) > MOST_CHANGED * max(len(base.numbers), 1):
        return None
    vectors = store.vectors_of(fresh)
    there = np.isfinite(vectors).all(axis=1)  # others have been removed meanwhile
    return Snapshot(version, base, None if kept.all() else kept, fresh[there], vectors[there])
