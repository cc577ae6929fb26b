"""Histograms against scikit-image and a plain loop."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
from skimage.feature import hog

from plait.encoders.histograms import BINS, GRID, colour_histogram, gradient_histogram

RNG = np.random.default_rng(0)
SMOOTH = np.add.outer(np.arange(64) * 2, 80 * np.sin(np.arange(64) / 7) + 80).astype(np.uint8)


@pytest.mark.parametrize(
    "grey",
    [RNG.integers(0, 256, (64, 64), dtype=np.uint8), SMOOTH, SMOOTH[:32, :48],
     np.zeros((64, 64), np.uint8), np.full((16, 16), 255, np.uint8)],
)  # fmt: skip
def test_gradients_equal_scikit_image(grey) -> None:
    expected = hog(grey, orientations=9, pixels_per_cell=(8, 8), cells_per_block=(2, 2))
    # scikit-image orders a block row, column, direction: so does plait.
    assert gradient_histogram(grey) == pytest.approx(expected, abs=1e-5)
    assert gradient_histogram(grey).dtype == np.float32


def test_colours_against_a_loop() -> None:
    picture = RNG.integers(0, 256, (9, 7, 3), dtype=np.uint8)
    parts = [part for band in np.array_split(picture, GRID, 0)
             for part in np.array_split(band, GRID, 1)]  # fmt: skip
    expected = []
    for part in parts:
        counts = np.zeros(BINS)
        for red, green, blue in part.reshape(-1, 3) / 255:
            hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
            place = (
                int(round(hue * 180) % 180 * 8 / 180),
                int(round(saturation * 255) / 64),
                int(round(value * 255) / 64),
            )
            counts[place] += 1
        expected.append(np.sqrt(counts / counts.sum()).ravel())
    found = colour_histogram(picture)
    # A pixel on the border of two bins may fall on either side by OpenCV's rounding.
    assert np.abs(found - np.concatenate(expected)).max() < 0.3
    assert (np.abs(found - np.concatenate(expected)) > 1e-6).mean() < 0.02
    assert np.square(found).reshape(4, -1).sum(axis=1) == pytest.approx(1)


def test_colours_of_one_pixel_are_finite() -> None:
    found = colour_histogram(np.full((1, 1, 3), 200, np.uint8))
    assert found.shape == (512,)
    assert found.sum() == 1
