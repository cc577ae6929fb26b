"""Samples on disk come back as they were."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from plait.data.spool import Arrays, Spool

SAMPLES: list[Arrays | None] = [
    (np.arange(6, dtype=np.float32).reshape(2, 3),),
    None,
    (np.zeros((0, 128), dtype=np.float32), np.array([1, 2], dtype=np.uint8)),
    (np.array(5.0), np.array([True, False]), np.array(["ab", "红"])),
    (),
    (np.arange(12).reshape(3, 4)[:, ::2], np.arange(4, dtype=">i2"), np.float16([1, np.nan])),
    (np.zeros((2, 0, 3), dtype=np.int64),),
]


def same(left: Arrays | None, right: Arrays | None) -> None:
    if left is None or right is None:
        assert left is right
        return
    assert len(left) == len(right)
    for a, b in zip(left, right, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        np.testing.assert_array_equal(a, b)


def test_round_trip_in_any_order() -> None:
    spool = Spool()
    for sample in SAMPLES:
        spool.append(sample)
    assert len(spool) == len(SAMPLES)
    for row in [*range(len(SAMPLES)), 3, 0, 5, -1]:
        same(spool[row], SAMPLES[row])
    for read, sample in zip(spool, SAMPLES, strict=True):
        same(read, sample)


def test_reading_between_writes() -> None:
    spool = Spool()
    for number in range(20):
        spool.append((np.full(3, number),))
        same(spool[number // 2], (np.full(3, number // 2),))


def test_many_rows() -> None:
    spool, rng = Spool(), np.random.default_rng(0)
    sizes = rng.integers(0, 20, 3000)
    for row, size in enumerate(sizes):
        spool.append((np.full((size, 4), row, dtype=np.float32),))
    for row in rng.permutation(3000)[:500]:
        same(spool[row], (np.full((sizes[row], 4), row, dtype=np.float32),))


def test_what_is_read_can_be_changed_without_changing_the_spool() -> None:
    spool = Spool()
    spool.append((np.ones(3),))
    read = spool[0]
    assert read is not None
    read[0][:] = 7
    same(spool[0], (np.ones(3),))


def test_rows_that_are_not_there() -> None:
    with pytest.raises(IndexError):
        Spool()[0]


def test_objects_are_refused_and_nothing_is_written() -> None:
    spool = Spool()
    with pytest.raises(TypeError, match="not of objects"):
        spool.append((np.ones(2), np.array([None, "x"], dtype=object)))
    assert len(spool) == 0


def test_the_file_goes_away_with_the_spool() -> None:
    spool = Spool()
    file = spool._file
    del spool
    gc.collect()
    assert file.closed
