"""Engines against a plain product: the same rows, with and without a filter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plait.search import engine
from plait.search.engine import Exact, Graph, build, opened, tune


def clustered(rows: int, width: int = 24, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    centres = random.normal(size=(40, width))
    vectors = centres[random.integers(0, 40, rows)] + 0.6 * random.normal(size=(rows, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def plain(vectors: np.ndarray, query: np.ndarray, count: int, allowed: np.ndarray | None) -> list:
    scores = [(-float(v @ query), place) for place, v in enumerate(vectors)
              if allowed is None or allowed[place]]  # fmt: skip
    return [place for _, place in sorted(scores)[:count]]


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return clustered(3000)


def test_exact(vectors: np.ndarray) -> None:
    draw = np.random.default_rng(1).random(3000)
    for mask in (None, draw < 0.01, draw < 0.9):
        found, scores = Exact(vectors).search(vectors[5], 10, mask)
        assert found.tolist() == plain(vectors, vectors[5], 10, mask)
        np.testing.assert_allclose(scores, vectors[found] @ vectors[5], atol=1e-6)
    assert len(Exact(vectors).search(vectors[5], 10, np.zeros(3000, bool))[0]) == 0
    most = np.arange(3000) < 2990
    assert sorted(Exact(vectors).search(vectors[5], 3000, most)[0]) == list(range(2990))


def test_neighbours_in_blocks(vectors: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "ROWS_A_BLOCK", 700)
    places, scores = Exact(vectors).neighbours(vectors[:20], 5)
    for query, found in zip(vectors[:20], places, strict=True):
        assert found.tolist() == plain(vectors, query, 5, None)
    assert (np.diff(scores, axis=1) <= 0).all()


def test_a_graph_finds_the_same(
    vectors: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = build(vectors, "graph", tmp_path / "graph")
    assert built.kind == "graph"
    assert built.recall >= 0.98
    monkeypatch.setattr(engine, "FILTERED_UP_TO", 100)
    random = np.random.default_rng(2)
    masks = [None, random.random(3000) < 0.5, random.random(3000) < 0.02]
    for graph in (built.engine, opened(vectors, tmp_path / "graph", built.expansion)):
        assert isinstance(graph, Graph)
        for mask in masks:
            shares = [
                len(set(graph.search(q, 10, mask)[0]) & set(plain(vectors, q, 10, mask))) / 10
                for q in clustered(30, seed=0)
            ]
            assert np.mean(shares) >= 0.95
            assert mask is None or mask[graph.search(vectors[0], 10, mask)[0]].all()


def test_a_filter_far_from_the_query_is_answered_in_full(
    vectors: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All rows near the query are forbidden, so the graph finds none of those that are allowed."""
    monkeypatch.setattr(engine, "FILTERED_UP_TO", 100)
    graph = build(vectors, "graph", tmp_path / "graph").engine
    far = vectors @ vectors[0] < np.quantile(vectors @ vectors[0], 0.2)
    found, _ = graph.search(vectors[0], 10, far)
    assert found.tolist() == plain(vectors, vectors[0], 10, far)


def test_the_size_and_the_recall_choose(
    vectors: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert build(vectors, "auto", tmp_path / "none").kind == "exact"
    assert not (tmp_path / "none").exists()
    monkeypatch.setattr(engine, "EXACT_UP_TO", 1000)
    assert build(vectors, "auto", tmp_path / "graph").kind == "graph"
    monkeypatch.setattr(engine, "tune", lambda graph: (1024, 0.5))
    built = build(vectors, "auto", tmp_path / "poor")
    assert (built.kind, built.recall) == ("exact", 1.0)


def test_the_recall_is_that_of_a_plain_count(tmp_path: Path) -> None:
    vectors = clustered(400)
    graph = build(vectors, "graph", tmp_path / "graph").engine
    assert isinstance(graph, Graph)
    _, recall = tune(graph)
    probes = np.sort(np.random.default_rng(0).choice(400, 200, replace=False))
    shares = []
    for probe in probes:
        true = plain(vectors, vectors[probe], 11, None)[1:]
        keys = graph.index.search(vectors[probe], 11).keys.tolist()
        shares.append(len(set(true) & {key for key in keys if key != probe}) / 10)
    assert recall == pytest.approx(np.mean(shares))
