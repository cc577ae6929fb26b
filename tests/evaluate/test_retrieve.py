"""Search judged: distinct values, several that are right, what is missing."""

from __future__ import annotations

import numpy as np
import pytest

from plait.evaluate.retrieve import retrieve
from plait.evaluate.sides import Vectors

NAMES = ("words", "photo")


def corners(rows: list[int]) -> Vectors:
    return Vectors(np.eye(6)[rows])


def test_several_captions_of_a_photo() -> None:
    """Three photos, two captions each; caption 3 is nearer to another photo than to its own."""
    photos = np.array([0.0, 0, 1, 1, 2, 2])
    captions = np.arange(6.0)
    words = corners([0, 0, 1, 2, 2, 2])
    pictures = corners([0, 0, 1, 1, 2, 2])
    asked = retrieve(NAMES, (words, pictures), (captions, photos), photos, 0)
    assert (asked.queries, asked.gallery) == (6, 3)
    assert asked.scores["recall@1"].value == pytest.approx(5 / 6)
    assert asked.scores["recall@5"].value == 1
    assert asked.scores["median rank"].value == 1
    assert asked.chance == pytest.approx(1 / 3)
    back = retrieve(NAMES[::-1], (pictures, words), (photos, captions), photos, 0)
    assert (back.queries, back.gallery) == (3, 6)
    # Of three captions as near as each other to the last photo, the wrong one counts as first.
    assert back.scores["recall@1"].value == pytest.approx(2 / 3)
    assert back.chance == pytest.approx(1 / 3)


def test_missing_values_neither_ask_nor_are_found() -> None:
    vectors = corners([0, 1, 2, 3])
    vectors.values[1] = np.nan
    keys = np.array([0.0, 1, 2, np.nan])
    found = retrieve(NAMES, (vectors, corners([0, 1, 2, 3])), (keys, np.arange(4.0)),
                     np.arange(4), 0)  # fmt: skip
    assert (found.queries, found.gallery) == (2, 2)
    assert found.scores["recall@1"].value == 1


def test_many_queries_are_ordered_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    keys = (np.arange(50.0), np.arange(50.0))
    one, other = (Vectors(own) for own in random.normal(size=(2, 50, 4)))
    whole = retrieve(NAMES, (one, other), keys, np.arange(50), 0)
    monkeypatch.setattr("plait.evaluate.retrieve.AT_ONCE", 7)
    assert retrieve(NAMES, (one, other), keys, np.arange(50), 0) == whole
    for score in whole.scores.values():
        assert score.low <= score.value <= score.high
