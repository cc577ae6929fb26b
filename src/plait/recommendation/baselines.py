"""What a recommender must be better than: what everybody chooses, and neighbours of items."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix, diags

from plait.data.interactions import Interactions


def popularity(learned: Interactions) -> np.ndarray:
    """Return (n) how often each item was chosen."""
    return np.bincount(learned.item, minlength=len(learned.items)).astype(np.float64)


def item_neighbours(learned: Interactions, neighbours: int) -> csr_matrix:
    """Return (n n) cosines of items by who chose them; each row keeps its nearest.

        s_ij = |U_i and U_j| / sqrt(|U_i| |U_j|)

    Item-based top-N recommendation (Deshpande and Karypis, TOIS 2004, section 4),
    without its normalisation of a row's cosines to the sum 1.

    Args:
        learned: the choices.
        neighbours: k, that are kept of each item.
    """
    ones = np.ones(len(learned))
    shape = (len(learned.users), len(learned.items))
    chosen = csr_matrix((ones, (learned.user, learned.item)), shape=shape)
    lengths = np.sqrt(np.maximum(popularity(learned), 1))
    near = (chosen.T @ chosen).multiply(1 / lengths[:, None]).multiply(1 / lengths).tocsr()
    near = (near - diags(near.diagonal())).tocsr()
    near.eliminate_zeros()
    for row in range(near.shape[0]):
        values = near.data[near.indptr[row] : near.indptr[row + 1]]
        if len(values) > neighbours:
            values[np.argsort(-values, kind="stable")[neighbours:]] = 0
    near.eliminate_zeros()
    return near


def by_neighbours(
    near: csr_matrix, popular: np.ndarray, histories: Sequence[np.ndarray]
) -> np.ndarray:
    """Return (q n) scores: the sum of the cosines with what was chosen before.

    Where nothing is near, as for a new user, what is popular comes first.
    """
    lengths = [len(history) for history in histories]
    rows = np.repeat(np.arange(len(histories)), lengths)
    items = np.concatenate([*histories, np.zeros(0, dtype=np.int64)])
    baskets = csr_matrix((np.ones(len(rows)), (rows, items)), shape=(len(histories), len(popular)))
    found: np.ndarray = (baskets @ near).toarray()
    return found + 1e-6 * popular / max(popular.max(), 1)
