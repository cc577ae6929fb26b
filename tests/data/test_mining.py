"""Strangers by hand: never of one thing, never from another block, the nearest first."""

from __future__ import annotations

import numpy as np

from plait.data.mining import blocks_of, nearest_strangers, random_strangers

TOGETHER = np.array([0, 0, 1, 2, 3, 4])
ONE = np.zeros(6, dtype=int)
ANGLES = np.radians([0.0, 1.0, 5.0, 30.0, 90.0, 200.0])
VECTORS = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)


def test_the_nearest_of_other_things_first() -> None:
    pairs = nearest_strangers(VECTORS, VECTORS, TOGETHER, ONE, 2).tolist()
    assert [pair for pair in pairs if pair[0] == 0] == [[0, 2], [0, 3]]
    # Rows 0 and 1 are of one thing, which is taken once: by the nearer of them.
    assert [pair for pair in pairs if pair[0] == 2] == [[2, 1], [2, 3]]


def test_blocks_and_missing_vectors_are_kept_to() -> None:
    blocks = np.array([0, 0, 1, 0, 1, 0])
    right = VECTORS.copy()
    right[3] = np.nan
    left = VECTORS.copy()
    left[5] = np.nan
    pairs = nearest_strangers(left, right, TOGETHER, blocks, 3).tolist()
    assert pairs == [[0, 5], [1, 5], [2, 4], [3, 1], [3, 5], [4, 2]]


def test_random_ones_are_other_things_of_the_block() -> None:
    blocks = np.array([0, 0, 1, 0, 1, 0])
    pairs = random_strangers(TOGETHER, blocks, 5, np.random.default_rng(0))
    found = {row: sorted(pairs[pairs[:, 0] == row, 1].tolist()) for row in range(6)}
    assert found[2] == [4]
    assert found[0] == [3, 5]
    assert len(found[3]) == 2  # one of rows 0 and 1, and row 5
    assert (TOGETHER[pairs[:, 0]] != TOGETHER[pairs[:, 1]]).all()
    few = random_strangers(TOGETHER, ONE, 1, np.random.default_rng(0))
    assert np.bincount(few[:, 0]).tolist() == [1] * 6


def test_blocks_hold_things_whole_and_are_alike_in_size() -> None:
    together = np.arange(400) // 2
    blocks = blocks_of(together, 20, 8, 0)
    assert (blocks[::2] == blocks[1::2]).all()
    assert np.bincount(blocks).tolist() == [20] * 20
    assert len(np.unique(blocks_of(np.arange(30), 20, 8, 0))) == 3
    assert len(np.unique(blocks_of(np.arange(5), 20, 8, 0))) == 1
    assert (blocks_of(together, 20, 8, 1) != blocks).any()
