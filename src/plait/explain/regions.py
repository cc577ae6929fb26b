"""Words to regions: where in a picture, and when in a sound or a video, each word of a text is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

Span = tuple[float, float]
"""Seconds: when it begins, and when it ends."""


@dataclass(frozen=True)
class Regions:
    """Where in a picture the words of a text are.

    Attributes:
        text: that was looked for.
        words: of it, in order; the whole text alone where the space cannot tell its words apart.
        cosines: (words h w) in -1..1, of each word with each cell of the picture.
        heat: (words h w), the same brought to 0..1 from the lowest of all words and cells to the
            highest, so that a word which is nowhere stays low.
        picture: (H W 3) uint8, that the cells are stretched over.
    """

    text: str
    words: tuple[str, ...]
    cosines: np.ndarray = field(repr=False)
    heat: np.ndarray = field(repr=False)
    picture: np.ndarray = field(repr=False)

    def point(self, word: int) -> tuple[float, float]:
        """Return where a word, by its number, is most: height and width in 0..1, a cell's centre.

        This is what the pointing game asks for (Zhang et al., IJCV 2018, section 4.1).
        """
        own = self.cosines[word]
        row, column = np.unravel_index(int(own.argmax()), own.shape)
        return (float(row) + 0.5) / own.shape[0], (float(column) + 0.5) / own.shape[1]

    def draw(self, path: str | Path) -> Path:
        """Draw the picture, and beside it the map of each word over it, into one file.

        Args:
            path: by its suffix PNG, SVG or PDF.
        """
        from plait.explain.region_plots import draw_regions

        return draw_regions(self, Path(path))


@dataclass(frozen=True)
class Moments:
    """When in a sound or a video the words of a text are.

    Attributes:
        text: that was looked for.
        words: of it, in order; the whole text alone where the space cannot tell its words apart.
        times: (t) seconds, the middles of what each value stands for.
        cosines: (words t) in -1..1.
        heat: (words t), the same brought to 0..1 as for pictures.
        threshold: heat from which on a word counts as there.
        spans: of each word, when its heat is at or above the threshold.
    """

    text: str
    words: tuple[str, ...]
    times: np.ndarray = field(repr=False)
    cosines: np.ndarray = field(repr=False)
    heat: np.ndarray = field(repr=False)
    threshold: float
    spans: tuple[tuple[Span, ...], ...]

    def draw(self, path: str | Path) -> Path:
        """Draw the heat of each word over time, its spans shaded.

        Args:
            path: by its suffix PNG, SVG or PDF.
        """
        from plait.explain.region_plots import draw_moments

        return draw_moments(self, Path(path))


def regions_of(
    text: str, words: Sequence[str], cosines: np.ndarray, places: np.ndarray, picture: np.ndarray
) -> Regions:
    """Return the map of each word.

    Args:
        text: that was looked for.
        words: of it.
        cosines: (words t) with the tokens of the picture.
        places: (t 2) of these: height and width in 0..1; NaN for one that is nowhere.
        picture: (H W 3) uint8.
    """
    maps = on_grid(cosines, places)
    return Regions(text, tuple(words), maps, heat_of(maps), picture)


def moments_of(
    text: str, words: Sequence[str], cosines: np.ndarray, times: np.ndarray, threshold: float
) -> Moments:
    """Return the spans of each word; of tokens of one moment, cells of a frame, the highest counts.

    Args:
        text: that was looked for.
        words: of it.
        cosines: (words t) with the tokens of the sound or video.
        times: (t) of these, in seconds.
        threshold: of the heat, in 0..1.
    """
    moments, which = np.unique(times, return_inverse=True)
    values = np.full((len(cosines), len(moments)), -np.inf, dtype=np.float32)
    for word, own in zip(values, cosines, strict=True):
        np.maximum.at(word, which, own)
    heat = heat_of(values)
    spans = tuple(spans_of(own >= threshold, moments) for own in heat)
    return Moments(text, tuple(words), moments, values, heat, threshold, spans)


def heat_of(cosines: np.ndarray) -> np.ndarray:
    """Return the same shape in 0..1, from the lowest of all to the highest; 0 if all are equal."""
    low, high = float(cosines.min()), float(cosines.max())
    scaled: np.ndarray = (cosines - low) / (high - low if high > low else 1.0)
    return scaled


def on_grid(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return (k h w): values (k t) of tokens in rows and columns, by where the tokens are.

    Each cell takes the value of the token that is nearest to it: its own, where the tokens are a
    grid. Those that are nowhere, as a class token, are left out.

    Args:
        values: (k t).
        places: (t 2), height and width in 0..1.
    """
    there = ~np.isnan(places).any(axis=1)
    values, places = values[:, there], places[there]
    heights, widths = np.unique(places[:, 0]), np.unique(places[:, 1])
    cells = np.stack(np.meshgrid(heights, widths, indexing="ij"), axis=-1)
    nearest = np.square(cells[:, :, None] - places).sum(axis=-1).argmin(axis=2)
    grid: np.ndarray = values[:, nearest]
    return grid


def spans_of(there: np.ndarray, times: np.ndarray) -> tuple[Span, ...]:
    """Return the runs of True as seconds.

    Args:
        there: (t) bool.
        times: (t) ascending middles, in seconds; each stands for what lies half way to its
            neighbours, the first and the last for as much on their other side, from 0 on.
    """
    if len(times) == 1:
        edges = np.array([0.0, 2 * times[0]])
    else:
        between = (times[1:] + times[:-1]) / 2
        first, last = 2 * times[0] - between[0], 2 * times[-1] - between[-1]
        edges = np.concatenate([[max(first, 0.0)], between, [last]])
    steps = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]).astype(np.int8)))
    return tuple(
        (float(edges[start]), float(edges[end]))
        for start, end in zip(steps[::2], steps[1::2], strict=True)
    )
