"""Engines that find the nearest vectors: an exact product, or a graph above some size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from plait.errors import MissingExtraError
from plait.search.rank import best_of, overlap

Kind = Literal["auto", "exact", "graph"]

KINDS: tuple[Kind, ...] = ("auto", "exact", "graph")

EXACT_UP_TO = 50_000
"""Vectors that are searched exactly: 10 ms for 512 numbers each, and nothing has to be built."""

FILTERED_UP_TO = 20_000
"""Vectors passing a filter that are searched exactly, whatever the engine."""

COPIED = 0.25
"""Share of the vectors up to which those that pass a filter are copied, and not all multiplied."""

CONNECTIVITY, EXPANSION = 16, 128
"""Of the graph: neighbours of a vector, and candidates looked at when it is built."""

EXPANSIONS = (64, 128, 256, 512, 1024)
"""Candidates looked at in a search: the first that reaches the recall asked for."""

RECALL, PROBES, NEAREST = 0.98, 200, 10
"""The recall asked for; own vectors that it is measured with, and how many neighbours of each."""

ROWS_A_BLOCK = 65_536


class Engine(Protocol):
    """What finds those of the vectors (n d), all of length 1, that are nearest to one."""

    @property
    def vectors(self) -> np.ndarray:
        """All of them."""

    def search(
        self, query: np.ndarray, count: int, allowed: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the places and cosines of the nearest vectors, falling.

        Args:
            query: (d) of length 1.
            count: how many, at most.
            allowed: (n) True where a vector may be found; None allows all.
        """

    def neighbours(self, queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the places and cosines (q k) of the nearest vectors of each query, falling."""


@dataclass(frozen=True)
class Exact:
    """The product of the query with all vectors (n d), which may be a memory map."""

    vectors: np.ndarray

    def search(
        self, query: np.ndarray, count: int, allowed: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `Engine`."""
        if allowed is None:
            allowed = np.ones(len(self.vectors), bool)
        places = np.flatnonzero(allowed)
        if len(places) <= COPIED * len(self.vectors):
            scores = self.vectors[places] @ query
            best = best_of(scores, count)
            return places[best], scores[best]
        scores = np.where(allowed, self.vectors @ query, -np.inf)
        best = best_of(scores, min(count, len(places)))
        return best, scores[best]

    def neighbours(self, queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Engine`; a block of vectors at a time."""
        places: np.ndarray = np.zeros((len(queries), 0), np.int64)
        scores: np.ndarray = np.zeros((len(queries), 0), np.float32)
        for start in range(0, len(self.vectors), ROWS_A_BLOCK):
            block = queries @ self.vectors[start : start + ROWS_A_BLOCK].T
            own = np.broadcast_to(np.arange(start, start + block.shape[1]), block.shape)
            scores, places = np.hstack((scores, block)), np.hstack((places, own))
            kept = np.argpartition(-scores, min(count, scores.shape[1]) - 1, axis=1)[:, :count]
            scores = np.take_along_axis(scores, kept, axis=1)
            places = np.take_along_axis(places, kept, axis=1)
        best = np.argsort(-scores, axis=1, kind="stable")
        return np.take_along_axis(places, best, axis=1), np.take_along_axis(scores, best, axis=1)


@dataclass(frozen=True)
class Graph:
    """HNSW in half precision (Malkov and Yashunin, TPAMI 2020), its finds ordered exactly.

    Few rows that pass a filter are compared exactly; of many, so many are looked up that enough
    should pass, and all are compared where they do not.
    """

    vectors: np.ndarray
    index: Any

    def search(
        self, query: np.ndarray, count: int, allowed: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `Engine`."""
        passing = len(self.vectors) if allowed is None else int(allowed.sum())
        if passing <= FILTERED_UP_TO:
            return Exact(self.vectors).search(query, count, allowed)
        wanted = min(math.ceil(1.5 * count * len(self.vectors) / passing), len(self.vectors))
        keys = self.index.search(query, count if allowed is None else wanted).keys.astype(np.int64)
        places = np.sort(keys if allowed is None else keys[allowed[keys]])
        if len(places) < min(count, passing):
            return Exact(self.vectors).search(query, count, allowed)
        scores = self.vectors[places] @ query
        best = best_of(scores, count)
        return places[best], scores[best]

    def neighbours(self, queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Engine`."""
        found = self.index.search(np.ascontiguousarray(queries), count)
        return found.keys.astype(np.int64), 1 - found.distances


@dataclass(frozen=True)
class Built:
    """An engine and what was measured of it.

    Attributes:
        engine: that answers.
        kind: which it is.
        recall: at 10, on vectors of its own that are left out of what they find; 1 when exact.
        expansion: candidates looked at in a search; 0 when exact.
    """

    engine: Engine
    kind: Literal["exact", "graph"]
    recall: float
    expansion: int


def build(vectors: np.ndarray, kind: Kind, path: Path) -> Built:
    """Return the engine for vectors (n d), no two of them equal.

    Args:
        vectors: of length 1.
        kind: `auto` chooses by their number, and takes no graph that misses the recall.
        path: where a graph is written.

    Raises:
        MissingExtraError: when a graph is needed and usearch is not there.
    """
    few = len(vectors) <= (EXACT_UP_TO if kind == "auto" else 0)
    if kind == "exact" or few:
        return Built(Exact(vectors), "exact", 1.0, 0)
    index = _empty(vectors.shape[1])
    for start in range(0, len(vectors), ROWS_A_BLOCK):
        block = vectors[start : start + ROWS_A_BLOCK]
        index.add(np.arange(start, start + len(block), dtype=np.uint64), np.asarray(block))
    graph = Graph(vectors, index)
    expansion, recall = tune(graph)
    if kind == "auto" and recall < RECALL:
        return Built(Exact(vectors), "exact", 1.0, 0)
    index.save(str(path))
    return Built(graph, "graph", recall, expansion)


def tune(graph: Graph) -> tuple[int, float]:
    """Return the least expansion whose recall is enough, and the recall; the graph is set to it."""
    count = len(graph.vectors)
    random = np.random.default_rng(0)
    probes = np.sort(random.choice(count, min(PROBES, count), replace=False))
    true = _others(Exact(graph.vectors), probes)
    for expansion in EXPANSIONS:
        graph.index.expansion_search = expansion
        recall = overlap(_others(graph, probes), true)
        if recall >= RECALL:
            break
    return expansion, recall


def _others(engine: Engine, probes: np.ndarray) -> list[np.ndarray]:
    """Return the places of the nearest vectors of each probe, which is left out itself."""
    vectors = engine.vectors[probes]
    places, _ = engine.neighbours(vectors, NEAREST + 1)
    return [row[row != own][:NEAREST] for row, own in zip(places, probes, strict=True)]


def opened(vectors: np.ndarray, path: Path, expansion: int) -> Graph:
    """Return a graph that was written, without reading it whole."""
    index = _empty(vectors.shape[1])
    index.view(str(path))
    index.expansion_search = expansion
    return Graph(vectors, index)


def _empty(width: int) -> Any:
    try:
        from usearch.index import Index
    except ImportError as error:
        raise MissingExtraError(
            "An index of this size needs the package usearch: pip install 'plait[search]'"
        ) from error
    return Index(
        ndim=width, metric="ip", dtype="f16", connectivity=CONNECTIVITY, expansion_add=EXPANSION,
        enable_key_lookups=False,
    )  # fmt: skip
