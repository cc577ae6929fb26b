"""How a tabular column becomes numbers: each kind learns on the training rows, then transforms."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from scipy.special import ndtri

QUANTILES = 200
"""Points of the empirical distribution that a number's scaling keeps."""

ONE_HOT = 24
"""Levels up to which a category gets a column each; more get target statistics too."""

SMOOTHING = 10.0
"""Rows of the overall mean that a level's target mean is mixed with (Micci-Barreca, 2001)."""

FOLDS = 5

Cells = Sequence[Any]
Facts = dict[str, Any]


class TabularColumn(ABC):
    """Learns from cells (None where missing) and turns cells into a block of numbers.

    `facts` hold all that was learned, as plain JSON.
    """

    def __init__(self, facts: Facts | None = None) -> None:
        self.facts: Facts = facts or {}

    @abstractmethod
    def fit(self, cells: Cells, target: np.ndarray) -> None:
        """Learn from (n) cells and the (n c) target."""

    @abstractmethod
    def transform(self, cells: Cells) -> np.ndarray:
        """Return (n k) float32 without gaps, for networks."""

    @abstractmethod
    def raw(self, cells: Cells) -> np.ndarray:
        """Return (n j) float32 with NaN for missing, for trees."""

    @property
    def codes(self) -> bool:
        """Whether `raw` gives level codes, without order."""
        return False

    def fit_transform(self, cells: Cells, target: np.ndarray, seed: int) -> np.ndarray:
        """Learn, and transform the training rows so that none sees its own target."""
        self.fit(cells, target)
        return self.transform(cells)


class NumberColumn(TabularColumn):
    """A number: its normal score by quantile, and whether it was missing.

    The quantile scaling follows `sklearn.preprocessing.QuantileTransformer(normal)`; missing values
    take the median, and an indicator column says so.
    """

    def fit(self, cells: Cells, target: np.ndarray) -> None:
        """Learn the quantiles."""
        known = np.array([cell for cell in cells if cell is not None], dtype=np.float64)
        points = min(QUANTILES, max(len(known), 2))
        levels = np.linspace(0, 1, points)
        quantiles = np.quantile(known, levels) if len(known) else np.zeros(points)
        self.facts = {"quantiles": quantiles.tolist()}

    def transform(self, cells: Cells) -> np.ndarray:
        """Return (n 2): the normal score, and whether it is missing."""
        quantiles = np.array(self.facts["quantiles"])
        median = float(np.median(quantiles))
        values = np.array([median if c is None else c for c in cells], dtype=np.float64)
        levels = np.linspace(0, 1, len(quantiles))
        # From both ends, so that a value that repeats gets the middle of its steps.
        up = np.interp(values, quantiles, levels)
        down = -np.interp(-values, -quantiles[::-1], -levels[::-1])
        scores = ndtri(((up + down) / 2).clip(1e-3, 1 - 1e-3))
        missing = np.array([cell is None for cell in cells])
        return np.stack([np.where(missing, 0.0, scores), missing], axis=1).astype(np.float32)

    def raw(self, cells: Cells) -> np.ndarray:
        """Return (n 1): the number."""
        return np.array([[math.nan if c is None else c] for c in cells], dtype=np.float32)


class CategoryColumn(TabularColumn):
    """A category: one column a level, or for many levels the mean of the target by level.

    Target means are smoothed towards the overall mean, and for training rows come from the other
    folds, as in `sklearn.preprocessing.TargetEncoder`. Levels that were not seen are `other`.
    """

    @property
    def codes(self) -> bool:
        """True."""
        return True

    def fit(self, cells: Cells, target: np.ndarray) -> None:
        """Learn the levels, and for many of them the mean of the target by level."""
        counts = Counter(cell for cell in cells if cell is not None)
        levels = [level for level, _ in sorted(counts.items(), key=lambda p: (-p[1], p[0]))]
        self.facts = {"levels": levels}
        if len(levels) > ONE_HOT:
            self.facts |= _target_means(self._code(cells), target, len(levels))

    def _code(self, cells: Cells) -> np.ndarray:
        codes = {level: code for code, level in enumerate(self.facts["levels"])}
        return np.array([-1 if c is None else codes.get(c, -1) for c in cells], dtype=np.int64)

    def transform(self, cells: Cells) -> np.ndarray:
        """Return (n k): the levels, whether it is missing, and target means."""
        codes = self._code(cells)
        hot = np.minimum(len(self.facts["levels"]), ONE_HOT)
        one_hot = (codes[:, None] == np.arange(hot)).astype(np.float32)
        missing = np.array([[cell is None] for cell in cells], dtype=np.float32)
        blocks = [one_hot, missing]
        if "means" in self.facts:
            blocks.append(_look_up(codes, self.facts))
        return np.concatenate(blocks, axis=1)

    def fit_transform(self, cells: Cells, target: np.ndarray, seed: int) -> np.ndarray:
        """Learn, and give each training row target means of the other folds."""
        self.fit(cells, target)
        block = self.transform(cells)
        if "means" not in self.facts:
            return block
        codes = self._code(cells)
        fold = np.random.default_rng(seed).permutation(len(cells)) % FOLDS
        width = target.shape[1]
        for number in range(FOLDS):
            inside = fold == number
            if inside.any() and not inside.all():
                levels = len(self.facts["levels"])
                means = _target_means(codes[~inside], target[~inside], levels)
                block[inside, -width:] = _look_up(codes[inside], means)
        return block

    def raw(self, cells: Cells) -> np.ndarray:
        """Return (n 1): the code of the level."""
        codes = self._code(cells).astype(np.float32)[:, None]
        return np.where(codes < 0, np.nan, codes)


def _target_means(codes: np.ndarray, target: np.ndarray, levels: int) -> Facts:
    overall = target.mean(axis=0)
    scale = np.maximum(target.std(axis=0), 1e-6)
    known = codes >= 0
    counts = np.bincount(codes[known], minlength=levels)[:, None]
    sums = np.stack(
        [np.bincount(codes[known], column[known], levels) for column in target.T], axis=1
    )
    means = (sums + SMOOTHING * overall) / (counts + SMOOTHING)
    return {"means": ((means - overall) / scale).tolist()}


def _look_up(codes: np.ndarray, facts: Facts) -> np.ndarray:
    means = np.array(facts["means"], dtype=np.float32)
    return np.where(codes[:, None] >= 0, means[codes], 0).astype(np.float32)


class CategoriesColumn(TabularColumn):
    """Several labels a cell: one column for each of the most frequent."""

    def fit(self, cells: Cells, target: np.ndarray) -> None:
        """Learn the most frequent labels."""
        counts = Counter(label for cell in cells if cell is not None for label in cell)
        ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        self.facts = {"labels": [label for label, _ in ordered[: 4 * ONE_HOT]]}

    def transform(self, cells: Cells) -> np.ndarray:
        """Return (n k): the labels, and whether they are missing."""
        return np.nan_to_num(
            np.concatenate([self.raw(cells), [[c is None] for c in cells]], axis=1)
        ).astype(np.float32)

    def raw(self, cells: Cells) -> np.ndarray:
        """Return (n labels): 0 or 1."""
        labels = self.facts["labels"]
        gap = [math.nan] * len(labels)
        rows = [gap if c is None else [float(label in c) for label in labels] for c in cells]
        return np.array(rows, dtype=np.float32).reshape(len(cells), len(labels))


class DateColumn(TabularColumn):
    """A date: when on the whole line, and where in the year, the week and the day (as cycles)."""

    def __init__(self, facts: Facts | None = None) -> None:
        super().__init__(facts)
        self._line = NumberColumn(self.facts or None)

    def fit(self, cells: Cells, target: np.ndarray) -> None:
        """Learn the quantiles of the line."""
        self._line.fit(cells, target)
        self.facts = self._line.facts

    def transform(self, cells: Cells) -> np.ndarray:
        """Return (n 8): the line, whether it is missing, and six waves."""
        cycles = [[0.0] * 6 if c is None else _cycles(c) for c in cells]
        return np.concatenate([self._line.transform(cells), cycles], axis=1).astype(np.float32)

    def raw(self, cells: Cells) -> np.ndarray:
        """Return (n 5): day, year, month, weekday, hour."""
        rows = [[math.nan] * 5 if c is None else _parts(c) for c in cells]
        return np.array(rows, dtype=np.float32)


def _parts(seconds: float) -> list[float]:
    moment = datetime.fromtimestamp(seconds, UTC)
    day = seconds / 86400
    return [day, moment.year, moment.month, moment.weekday(), moment.hour + moment.minute / 60]


def _cycles(seconds: float) -> list[float]:
    moment = datetime.fromtimestamp(seconds, UTC)
    turns = (
        moment.timetuple().tm_yday / 365.25,
        (moment.weekday() + moment.hour / 24) / 7,
        (moment.hour + moment.minute / 60) / 24,
    )
    return [f(2 * math.pi * turn) for turn in turns for f in (math.sin, math.cos)]
