"""Drawn pictures beside real ones: copies are found, and others are none."""

from __future__ import annotations

import numpy as np
import pytest
from drawer_settings import COLOURS, PLACES, paint

from plait.drawer.judging import compared, vectors_of
from plait.errors import ConfigError
from plait.progress import Progress

QUIET = Progress(show=False)


def some(count: int, seed: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    pictures = [paint(list(COLOURS)[n % 3], PLACES[n % 2], random) for n in range(count)]
    return [(own // 2 + random.integers(0, 99, 3)).astype(np.uint8) for own in pictures]


def test_copies_are_found_and_others_are_not() -> None:
    learned, real = some(24, 0), some(12, 1)
    copies = compared(learned, real, learned[:12], "classical", QUIET)
    assert copies.scores["copied"] == 1.0
    assert copies.nearest.rows.tolist() == list(range(12))
    np.testing.assert_allclose(copies.nearest.distances, 0.0, atol=1e-4)
    others = compared(learned, real, real, "classical", QUIET)
    assert others.scores["copied"] == others.scores["copied of real"] < 1.0
    assert others.scores["frechet distance"] == pytest.approx(0.0, abs=1e-3)
    assert (others.scores["precision"], others.scores["recall"]) == (1.0, 1.0)
    noise = [np.random.default_rng(n).integers(0, 256, (24, 24, 3)).astype(np.uint8)
             for n in range(12)]  # fmt: skip
    worse = compared(learned, real, noise, "classical", QUIET)
    assert worse.scores["kernel distance"] > others.scores["kernel distance"]
    assert worse.scores["recall"] == 0.0


def test_few_pictures_have_no_scores_of_sets() -> None:
    found = compared(some(6, 0), some(3, 1), some(3, 2), "classical", QUIET).scores
    assert set(found) == {"copied", "copied of real"}


def test_vectors_are_those_of_each_list() -> None:
    parts = some(5, 0), some(3, 1)
    one, other = vectors_of("classical", parts, QUIET)
    assert (len(one), len(other)) == (5, 3)
    again = vectors_of("classical", (parts[0], parts[0]), QUIET)
    np.testing.assert_allclose(again[0], again[1], atol=1e-5)
    with pytest.raises(ConfigError, match="Encoder of image 'clasical' is not known"):
        vectors_of("clasical", parts, QUIET)
