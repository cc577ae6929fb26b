"""Negatives for pairs: strangers, drawn at random or the nearest, within blocks of rows."""

from __future__ import annotations

import numpy as np

AT_ONCE = 512
"""Rows whose neighbours are ordered together."""

Pairs = np.ndarray
"""(p 2): the row of the left side and the row of the right side of each pair."""


def blocks_of(together: np.ndarray, most: int, least: int, seed: int) -> np.ndarray:
    """Return (n) numbers of blocks: what belongs together is in one, and they are alike in size.

    A negative ties two things together. Were it drawn from all rows, a split that keeps the pairs
    of a thing on one side would find all of them tied; from within blocks, blocks can be split.

    Args:
        together: (n) number of what each row is of.
        most: blocks.
        least: things in each, as far as that goes.
        seed: of who is with whom.
    """
    things, which = np.unique(together, return_inverse=True)
    count = max(min(most, len(things) // least), 1)
    of_things: np.ndarray = np.arange(len(things)) % count
    np.random.default_rng(seed).shuffle(of_things)
    found: np.ndarray = of_things[which]
    return found


def random_strangers(
    together: np.ndarray, blocks: np.ndarray, count: int, random: np.random.Generator
) -> Pairs:
    """Return so many pairs of each row with rows of its block that are of other things.

    Args:
        together: (n).
        blocks: (n).
        count: of each row; fewer where its block has fewer other things.
        random: draws.
    """
    pairs = []
    for row in range(len(together)):
        others = np.flatnonzero((blocks == blocks[row]) & (together != together[row]))
        pairs += [(row, int(other)) for other in _one_a_thing(random.permutation(others), together,
                                                              count)]  # fmt: skip
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def nearest_strangers(
    left: np.ndarray, right: np.ndarray, together: np.ndarray, blocks: np.ndarray, count: int
) -> Pairs:
    """Return the nearest pairs of each row with rows of its block that are of other things.

    Hard negatives, as for image-text matching (Li et al., ALBEF, NeurIPS 2021, section 3.2), which
    draws them by the same similarity.

    Args:
        left: (n d) vectors of length 1, that ask; rows of NaN get none.
        right: (n d), that are searched; rows of NaN are not found.
        together: (n).
        blocks: (n).
        count: of each row.
    """
    pairs = []
    known = ~np.isnan(right).any(axis=1)
    for rows in np.array_split(np.arange(len(left)), -(-len(left) // AT_ONCE)):
        scores = left[rows] @ right.T
        strangers = (blocks[rows, None] == blocks) & (together[rows, None] != together) & known
        for row, own, allowed in zip(rows, scores, strangers, strict=True):
            if np.isnan(left[row]).any():
                continue
            others = np.flatnonzero(allowed)
            nearest = others[np.argsort(-own[others], kind="stable")]
            pairs += [(int(row), int(other)) for other in _one_a_thing(nearest, together, count)]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _one_a_thing(rows: np.ndarray, together: np.ndarray, count: int) -> np.ndarray:
    """Return the first rows of different things."""
    _, first = np.unique(together[rows], return_index=True)
    chosen: np.ndarray = rows[np.sort(first)[:count]]
    return chosen
