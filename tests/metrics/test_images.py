"""Scores of pictures against scipy, scikit-learn and hand computation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.neighbors import NearestNeighbors

from plait.errors import ConfigError
from plait.metrics import images
from plait.metrics.images import coverage, frechet_distance, kernel_distance, nearest


def two_sets(rows: int = 60, width: int = 7) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    mixed = random.normal(size=(width, width))
    return random.normal(size=(rows, width)) @ mixed, random.gamma(2.0, size=(rows - 13, width))


def test_frechet_distance_is_that_of_scipys_matrix_root() -> None:
    real, drawn = two_sets()
    one, other = np.cov(real, rowvar=False), np.cov(drawn, rowvar=False)
    apart = real.mean(0) - drawn.mean(0)
    known = apart @ apart + np.trace(one + other - 2 * np.real(sqrtm(one @ other)))
    assert frechet_distance(real, drawn) == pytest.approx(known, abs=1e-6)


def test_frechet_distance_by_hand_in_one_dimension() -> None:
    real, drawn = np.array([[0.0], [2.0], [4.0]]), np.array([[1.0], [2.0], [3.0], [10.0]])
    known = (2.0 - 4.0) ** 2 + (2.0 - np.std(drawn, ddof=1)) ** 2
    assert frechet_distance(real, drawn) == pytest.approx(known, abs=1e-9)


def test_frechet_distance_of_fewer_rows_than_numbers_is_real() -> None:
    random = np.random.default_rng(1)
    real, drawn = random.normal(size=(5, 20)), 3 + random.normal(size=(6, 20))
    assert frechet_distance(real, real) == pytest.approx(0.0, abs=1e-6)
    assert frechet_distance(real, drawn) > 100


def test_kernel_distance_is_that_of_scikit_learns_kernel() -> None:
    real, drawn = two_sets(width=5)
    rows = len(drawn)
    real = real[:rows]
    within = [polynomial_kernel(own, degree=3, coef0=1) for own in (real, drawn)]  # gamma = 1 / d
    known = sum((k.sum() - np.trace(k)) / (rows * (rows - 1)) for k in within)
    known -= 2 * polynomial_kernel(real, drawn, degree=3, coef0=1).mean()
    found = kernel_distance(real, drawn, subsets=3)
    assert found.value == pytest.approx(known, abs=1e-6)
    assert found.spread == pytest.approx(0.0, abs=1e-9)  # subsets are the whole
    assert found.size == rows


def test_kernel_distance_is_unbiased_and_in_subsets() -> None:
    random = np.random.default_rng(2)
    real, same = random.normal(size=(400, 4)), random.normal(size=(400, 4))
    found = kernel_distance(real, same, subsets=50, size=100)
    assert abs(found.value) < 3 * found.spread / np.sqrt(10)
    assert found.spread > 0
    assert kernel_distance(real, same + 1, subsets=50, size=100).value > 10 * abs(found.value)
    again = kernel_distance(real, same, subsets=50, size=100)
    assert found == again


def test_coverage_is_that_of_scikit_learns_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "BLOCK", 7)
    real, drawn = two_sets()

    def inside(members: np.ndarray, asked: np.ndarray) -> float:
        tree = NearestNeighbors(n_neighbors=4).fit(members)
        radii = tree.kneighbors(members)[0][:, 3]
        far = np.linalg.norm(asked[:, None] - members[None], axis=2)
        return float((far <= radii + 1e-12).any(axis=1).mean())

    found = coverage(real, drawn)
    assert found.precision == pytest.approx(inside(real, drawn), abs=1e-6)
    assert found.recall == pytest.approx(inside(drawn, real), abs=1e-6)
    assert 0 < found.recall < found.precision < 1


def test_one_picture_again_and_again_is_precise_and_covers_nothing() -> None:
    real = np.random.default_rng(3).normal(size=(50, 3))
    found = coverage(real, np.repeat(real[:1], 50, axis=0))
    assert found.precision == 1.0
    assert found.recall <= 0.04


def test_the_nearest_and_what_is_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "BLOCK", 2)
    real = np.array([[0.0, 0.0], [0.0, 1.0], [0.0, 3.0], [4.0, 0.0]])  # nearest: 1, 1, 2, 4
    drawn = np.array([[0.0, 1.0], [4.0, 1.5], [20.0, 0.0]])
    found = nearest(real, drawn)
    assert found.rows.tolist() == [1, 3, 3]
    np.testing.assert_allclose(found.distances, [0.0, 1.5, 16.0])
    np.testing.assert_allclose(found.copied, [1.0, 0.5, 0.0])


def test_too_few_rows() -> None:
    one, three = np.zeros((1, 2)), np.zeros((3, 2))
    for score in (frechet_distance, kernel_distance):
        with pytest.raises(ConfigError, match="2 of each are needed at least, found 3 real and 1"):
            score(three, one)
    with pytest.raises(ConfigError, match="4 of each are needed at least, found 3 real"):
        coverage(three, three)
    with pytest.raises(ConfigError, match="2 of each are needed at least, found 1 real"):
        nearest(one, three)
