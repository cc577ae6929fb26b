"""Maps and spans by hand; drawings are files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plait.explain.regions import heat_of, moments_of, on_grid, regions_of, spans_of


def grid(height: int, width: int) -> np.ndarray:
    rows, columns = (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width
    return np.array([[y, x] for y in rows for x in columns])


def test_tokens_fall_into_the_cells_of_their_places() -> None:
    values = np.arange(12.0).reshape(2, 6)
    order = np.array([4, 0, 5, 2, 1, 3])
    places = np.concatenate([[[np.nan, np.nan]], grid(2, 3)[order]])
    shuffled = np.concatenate([[[99.0], [99.0]], values[:, order]], axis=1)
    np.testing.assert_array_equal(on_grid(shuffled, places), values.reshape(2, 2, 3))


def test_the_highest_cell_is_pointed_at(tmp_path: Path) -> None:
    cosines = np.full((2, 6), -0.1)
    cosines[0, 5], cosines[1, 1] = 0.9, 0.4
    picture = np.zeros((40, 60, 3), np.uint8)
    found = regions_of("red cup", ["red", "cup"], cosines, grid(2, 3), picture)
    assert found.point(0) == pytest.approx((0.75, 5 / 6))
    assert found.point(1) == pytest.approx((0.25, 0.5))
    assert found.heat[0, 1, 2] == 1
    assert found.heat[1, 0, 1] == pytest.approx(0.5)  # one scale for all words
    path = found.draw(tmp_path / "drawn" / "regions.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in path.parent.iterdir()] == ["regions.png"]


def test_heat_of_equal_values_is_zero() -> None:
    np.testing.assert_array_equal(heat_of(np.full((1, 3), 0.7)), np.zeros((1, 3)))


def test_spans_reach_half_way_to_their_neighbours() -> None:
    times = np.array([0.1, 0.3, 0.5, 0.9])
    there = np.array([True, True, False, True])
    np.testing.assert_allclose(spans_of(there, times), [(0.0, 0.4), (0.7, 1.1)])
    assert spans_of(np.zeros(4, bool), times) == ()
    assert spans_of(np.array([True]), np.array([0.4])) == ((0.0, 0.8),)


def test_of_cells_of_one_frame_the_highest_counts(tmp_path: Path) -> None:
    times = np.array([0.5, 0.5, 1.5, 1.5, 2.5, 2.5])
    cosines = np.array([[0.0, 0.1, 0.8, 0.0, 0.0, 0.7], [0.0] * 5 + [0.2]])
    found = moments_of("a bark", ["a", "bark"], cosines, times, 0.8)
    np.testing.assert_allclose(found.cosines[0], [0.1, 0.8, 0.7], rtol=1e-6)
    assert found.spans[0] == ((1.0, 3.0),)
    assert found.spans[1] == ()
    assert found.draw(tmp_path / "moments.png").read_bytes().startswith(b"\x89PNG")
