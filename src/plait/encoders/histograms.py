"""Histograms of colours and of gradient directions: what a picture looks like, without learning."""

from __future__ import annotations

import cv2
import numpy as np

GRID = 2
"""Colours are counted in GRID x GRID parts of the picture."""

BINS = (8, 4, 4)
"""Bins of hue, saturation and value."""


def colour_histogram(picture: np.ndarray) -> np.ndarray:
    """Return the share of each colour in each part of the picture, square-rooted.

    The square root makes the dot product of two histograms the Bhattacharyya coefficient, as for
    RootSIFT (Arandjelović and Zisserman, CVPR 2012).

    Args:
        picture: (h w 3) uint8 RGB.

    Returns:
        (GRID * GRID * 128) float32; each part has length one.
    """
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
    parts = [
        part for band in np.array_split(hsv, GRID, axis=0) for part in np.array_split(band, GRID, 1)
    ]
    counts = [_count(np.ascontiguousarray(part)) for part in parts]
    return np.concatenate([np.sqrt(c / max(c.sum(), 1)) for c in counts]).astype(np.float32)


def _count(hsv: np.ndarray) -> np.ndarray:
    if not hsv.size:
        return np.zeros(int(np.prod(BINS)), np.float32)
    ranges = [0, 180, 0, 256, 0, 256]
    counted: np.ndarray = cv2.calcHist([hsv], [0, 1, 2], None, list(BINS), ranges)
    return counted.ravel()


def gradient_histogram(grey: np.ndarray, cell: int = 8, directions: int = 9) -> np.ndarray:
    """Return histograms of oriented gradients (HOG).

    Each cell counts gradient directions (0..180 degrees) weighted by their strength; blocks of
    2 x 2 cells are normalised by L2-Hys. Follows Dalal and Triggs (CVPR 2005), sections 6.2-6.4,
    and equals `skimage.feature.hog(..., cells_per_block=(2, 2), transform_sqrt=False)`.

    Args:
        grey: (h w) with h and w multiples of `cell`.
        cell: pixels a side.
        directions: bins of the half circle.

    Returns:
        ((h / cell - 1) * (w / cell - 1) * 4 * directions) float32.
    """
    grey = grey.astype(np.float64)
    down, right = np.zeros_like(grey), np.zeros_like(grey)
    down[1:-1] = grey[2:] - grey[:-2]
    right[:, 1:-1] = grey[:, 2:] - grey[:, :-2]
    strength = np.hypot(down, right)
    angle = np.rad2deg(np.arctan2(down, right)) % 180
    direction = np.minimum((angle * directions / 180).astype(int), directions - 1)
    rows, columns = grey.shape[0] // cell, grey.shape[1] // cell
    place = (np.arange(grey.shape[0]) // cell)[:, None] * columns + np.arange(grey.shape[1]) // cell
    counts = np.bincount(
        (place * directions + direction).ravel(), strength.ravel(), rows * columns * directions
    )
    cells = counts.reshape(rows, columns, directions) / cell**2
    return _blocks(cells).ravel().astype(np.float32)


def _blocks(cells: np.ndarray) -> np.ndarray:
    corners = [
        cells[i : i + len(cells) - 1, j : j + cells.shape[1] - 1] for i in (0, 1) for j in (0, 1)
    ]
    blocks = np.concatenate(corners, axis=2)
    blocks = np.minimum(_unit(blocks), 0.2)  # "Hys": no single direction may outweigh the rest
    return _unit(blocks)


def _unit(blocks: np.ndarray) -> np.ndarray:
    lengths: np.ndarray = np.sqrt((blocks**2).sum(axis=2, keepdims=True) + 1e-10)
    return blocks / lengths
