"""From a question to a page of rows: orders by vectors and words, joined, varied, and counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from plait.config import check_range
from plait.errors import ColumnError, ConfigError, did_you_mean, unknown
from plait.search.facts import OWN, ROW, Facts
from plait.search.found import Found, Hit, Order
from plait.search.late import late_order
from plait.search.query import Query, joined, vector_of
from plait.search.rank import count_values, diversify, fuse
from plait.search.snapshot import Snapshot
from plait.search.store import Store
from plait.spaces.space import Space

POOL = 1000
"""Rows that are ranked where orders are joined, varied or counted; pages end with them."""

Mode = Literal["hybrid", "vector", "text"]

VARIED = 100
"""Rows that are put in an order without rows alike; far ones are unlike, and not what is sought."""

MODES = ("hybrid", "vector", "text")


@dataclass(frozen=True)
class Ask:
    """How to look for something; see `Index.search`."""

    where: str | None = None
    k: int = 10
    page: int = 1
    mode: Mode = "hybrid"
    diverse: float = 0.0
    rerank: bool = False
    facets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_range(self, "k", 1, POOL)
        check_range(self, "page", 1, POOL)
        check_range(self, "diverse", 0.0, 1.0)
        if self.mode not in MODES:
            raise ConfigError(unknown("Mode of search", self.mode, MODES))
        if self.k * self.page > POOL:
            raise ConfigError(
                f"Page {self.page} of {self.k} rows is beyond the first {POOL:,}, which pages end "
                "with; narrow the search with a filter."
            )


def answer(
    store: Store,
    facts: Facts,
    space: Space,
    snapshot: Snapshot,
    query: Query,
    ask: Ask,
    has_words: bool,
) -> Found:
    """Return a page of the rows found; see `Index.search`."""
    query.require()
    for column in ask.facets:
        _require_column(store, column)
    if ask.mode == "text":
        _require_words(query, has_words)
    allowed = None if ask.where is None else store.rows(ask.where)
    by_words = has_words and bool(query.words) and ask.mode != "vector"
    pooled = by_words or ask.diverse > 0 or ask.rerank or bool(ask.facets)
    depth = (POOL if pooled else ask.k * ask.page) + len(query.rows)
    orders, notes = [], []
    vector = None if ask.mode == "text" else _vector(store, space, query)
    if vector is not None:
        orders.append(Order(*snapshot.search(vector, depth, allowed), "cosine"))
    elif ask.mode != "text":
        instead = "only words were looked for" if by_words else "nothing was looked for"
        notes.append(f"The space makes nothing of this query, so {instead}.")
    if by_words:
        orders.append(Order(*store.words(query.words, depth, ask.where), "BM25"))
    order = _one(orders).but(query.rows)
    if ask.rerank:
        order = late_order(store, facts, space, query, order)
    if ask.diverse:
        order = _varied(store, order, ask.diverse)
    return _page(store, order, ask, snapshot.version, tuple(notes))


def _vector(store: Store, space: Space, query: Query) -> np.ndarray | None:
    vectors = [
        store.vectors_of(store.require(term.value))[0] if term.kind == "like"
        else vector_of(space, term)
        for term in query.terms
    ]  # fmt: skip
    return joined(vectors, [term.weight for term in query.terms])


def _one(orders: list[Order]) -> Order:
    """Return one order of all."""
    if not orders:
        return Order(np.zeros(0, np.int64), np.zeros(0), "cosine")
    if len(orders) == 1:
        return orders[0]
    return Order(*fuse([order.rows for order in orders]), "reciprocal ranks")


def _varied(store: Store, order: Order, share: float) -> Order:
    """Return the best rows in an order that avoids rows alike, and the others after them."""
    scores = order.scores[:VARIED]
    # Cosines stand as they are; other scores are brought to at most 1, as cosines are.
    relevance = scores if order.kind == "cosine" else scores / max(scores.max(initial=0), 1e-12)
    vectors = store.vectors_of(order.rows[:VARIED])
    chosen = diversify(relevance, vectors, share, len(scores))
    places = np.concatenate([chosen, np.arange(len(scores), len(order.rows))])
    return Order(order.rows[places], order.scores[places], order.kind)


def _page(store: Store, order: Order, ask: Ask, version: int, notes: tuple[str, ...]) -> Found:
    shown = [name for name in store.schema.names if name not in OWN]
    start = (ask.page - 1) * ask.k
    scores = dict(zip(order.rows.tolist(), order.scores.tolist(), strict=True))
    cells = store.take(order.rows[start : start + ask.k], shown).to_pylist()
    hits = (Hit(row := cell.pop(ROW), scores[row], cell) for cell in cells)
    counted = store.take(order.rows, ask.facets) if ask.facets else None
    facets = {} if counted is None else {
        name: count_values(counted[name].to_pylist()) for name in ask.facets
    }  # fmt: skip
    return Found(tuple(hits), order.kind, ask.page, len(order.rows), facets, version, notes)


def _require_column(store: Store, name: str) -> None:
    columns = [column for column in store.schema.names if column not in OWN]
    if name not in columns:
        raise ColumnError(
            f"Column {name!r} is not in the index, so it cannot be counted."
            f"{did_you_mean(name, columns)}"
        )


def _require_words(query: Query, has_words: bool) -> None:
    if not query.words:
        raise ConfigError("Only words can be found by words; give some, or leave out mode='text'.")
    if not has_words:
        raise ConfigError(
            "The index has no column of words to look in; build it with text=[...] (--text)."
        )
