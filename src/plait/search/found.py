"""What a search gives: rows with their scores, counts of values, and what is to be known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Order:
    """Rows in an order: their numbers, and scores that fall."""

    rows: np.ndarray
    scores: np.ndarray
    kind: str

    def but(self, rows: list[int]) -> Order:
        """Return the order without some rows."""
        kept = ~np.isin(self.rows, rows)
        return Order(self.rows[kept], self.scores[kept], self.kind)


@dataclass(frozen=True)
class Hit:
    """A row that was found.

    Attributes:
        row: its number, which it keeps for good.
        score: cosine, BM25, or the sum of reciprocal ranks, by how it was found; larger is better.
        cells: by column.
    """

    row: int
    score: float
    cells: dict[str, Any]


@dataclass(frozen=True)
class Found:
    """A page of results.

    Attributes:
        hits: the best first.
        score: what their scores are: `cosine`, `BM25`, `reciprocal ranks` or `late interaction`.
        page: from 1.
        pool: rows that were ranked, of which facets are counted.
        facets: how often each value of a column is there in the pool, the most frequent first.
        version: of the index.
        notes: what a person should know.
    """

    hits: tuple[Hit, ...]
    score: str
    page: int
    pool: int
    facets: dict[str, dict[Any, int]]
    version: int
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)
