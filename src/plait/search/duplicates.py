"""Rows that are nearly the same, by their vectors."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from plait.search.sidecar import Sidecar

NEIGHBOURS = 16
"""Nearest vectors that each vector is compared with."""

ROWS_A_BLOCK = 512


def alike(base: Sidecar, least: float) -> list[list[int]]:
    """Return groups of rows whose vectors have at least some cosine, the largest first.

    Each vector is compared with its 16 nearest, and rows that are alike to a third are of one
    group. Equal vectors count as one, so any number of equal rows is found.

    Args:
        base: the vectors.
        least: cosine, 0..1.
    """
    vectors = base.vectors
    links = [np.zeros((2, 0), np.int64)]
    for start in range(0, len(vectors), ROWS_A_BLOCK):
        block = vectors[start : start + ROWS_A_BLOCK]
        places, scores = base.engine.neighbours(block, min(NEIGHBOURS, len(vectors)))
        near, rank = np.nonzero(scores >= least)
        links.append(np.stack((start + near, places[near, rank])))
    pairs = np.concatenate(links, axis=1)
    size = (len(vectors), len(vectors))
    graph = coo_matrix((np.ones(pairs.shape[1]), tuple(pairs)), shape=size)
    label = connected_components(graph, directed=False)[1][base.places]
    order = np.argsort(label, kind="stable")
    groups = np.split(base.numbers[order], np.flatnonzero(np.diff(label[order])) + 1)
    several = [sorted(group.tolist()) for group in groups if len(group) > 1]
    return sorted(several, key=lambda group: (-len(group), group))
