"""The target column: its values to arrays for learning, and scores back to values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

import numpy as np

from plait.errors import TableError
from plait.tasks.scale import Scale
from plait.types import Modality

Kind = Literal["classify", "multilabel", "regress", "several"]

KINDS: dict[Modality, Kind] = {
    Modality.CATEGORY: "classify",
    Modality.CATEGORIES: "multilabel",
    Modality.NUMBER: "regress",
}
"""The task that each modality of a target stands for."""


@dataclass(frozen=True)
class Target:
    """What is predicted.

    Scores of every expert have one shape, (n c): probabilities of the classes (rows sum to one),
    of the labels (each in 0..1), or one column with the number itself. Those of several targets
    stand side by side; NaN in the truth is a target that is not known of that row.

    Attributes:
        name: the column, or columns.
        kind: `classify`, `multilabel` or `regress`; `several` when there are parts.
        labels: the classes or labels, sorted; empty for a number.
        prior: (c) what to say of a row with nothing in it: shares, or the mean.
        spread: standard deviation of a number; 1 otherwise.
        units: that a number is learned in; None for classes and labels.
        parts: the targets, where there are several.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...] = ()
    prior: tuple[float, ...] = ()
    spread: float = 1.0
    units: Scale | None = None
    parts: tuple[Target, ...] = ()

    @classmethod
    def together(cls, parts: Sequence[Target]) -> Target:
        """Return several targets as one."""
        name = ", ".join(part.name for part in parts)
        prior = tuple(share for part in parts for share in part.prior)
        return cls(name, "several", prior=prior, parts=tuple(parts))

    @classmethod
    def learn(cls, name: str, modality: Modality, values: Sequence[Any]) -> Target:
        """Return the target of the given training values, none of them missing.

        Raises:
            TableError: when there is nothing to tell apart: no row, or one class or value only.
        """
        if not len(values):
            raise TableError(f"No row has a value of target {name!r} that can be read.")
        kind = KINDS[modality]
        if kind == "regress":
            numbers = np.asarray(values, dtype=np.float64)
            if np.ptp(numbers) == 0:
                raise TableError(f"Target {name!r} has the one value {numbers[0]:g} in every row.")
            return cls(
                name, kind, (), (float(numbers.mean()),), float(numbers.std()), Scale.learn(numbers)
            )
        single = kind == "classify"
        counts = Counter(values if single else [label for cell in values for label in cell])
        labels = tuple(sorted(counts, key=natural))
        if len(labels) < (2 if single else 1):
            raise TableError(
                f"Target {name!r} has one class only, {labels[0]!r}."
                if labels
                else f"Target {name!r} has no label in any row."
            )
        return cls(name, kind, labels, tuple(counts[label] / len(values) for label in labels))

    @property
    def width(self) -> int:
        """The number c of score columns."""
        return sum(part.width for part in self.parts) or len(self.labels) or 1

    @property
    def each(self) -> tuple[tuple[Target, slice], ...]:
        """The single targets, and which columns of the scores are theirs."""
        found, start = [], 0
        for part in self.parts or (self,):
            found.append((part, slice(start, start + part.width)))
            start += part.width
        return tuple(found)

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of the single targets."""
        return frozenset(part.kind for part, _ in self.each)

    @property
    def scale(self) -> Scale:
        """The units that a number is learned in."""
        assert self.units is not None
        return self.units

    def encode(self, values: Sequence[Any]) -> np.ndarray:
        """Return (n c): one-hot classes or multi-hot labels, float32; or the numbers, float64.

        A class that was not there while learning gives a row of zeros. A value of several targets
        is a tuple, with None, which gives NaN, for a target that is not known; float64.
        """
        if self.parts:
            return self._encode_each(values)
        if self.kind == "regress":
            return np.asarray(values, dtype=np.float64).reshape(-1, 1)
        column = {label: position for position, label in enumerate(self.labels)}
        encoded = np.zeros((len(values), self.width), dtype=np.float32)
        for row, value in enumerate(values):
            for label in [value] if self.kind == "classify" else value:
                if label in column:
                    encoded[row, column[label]] = 1
        return encoded

    def _encode_each(self, values: Sequence[tuple[Any, ...]]) -> np.ndarray:
        encoded = np.full((len(values), self.width), np.nan)
        for place, (part, columns) in enumerate(self.each):
            known = [row for row, value in enumerate(values) if value[place] is not None]
            encoded[known, columns] = part.encode([values[row][place] for row in known])
        return encoded

    def decode(self, scores: np.ndarray) -> list[Any]:
        """Return the values that (n c) scores stand for: a class, labels, a number; or a tuple."""
        if self.parts:
            return list(zip(*(part.decode(scores[:, own]) for part, own in self.each), strict=True))
        if self.kind == "regress":
            return [float(score) for score in scores[:, 0]]
        if self.kind == "classify":
            return [self.labels[best] for best in scores.argmax(axis=1)]
        return [
            tuple(label for label, s in zip(self.labels, row, strict=True) if s >= 0.5)
            for row in scores
        ]

    def fill(self, scores: np.ndarray) -> np.ndarray:
        """Return the scores with rows of NaN (nothing to go by) replaced by the prior."""
        return np.where(np.isnan(scores), np.asarray(self.prior), scores)

    def guess(self, truth: np.ndarray) -> np.ndarray:
        """Return the (n c) truth, with the prior where a target is not known."""
        return self.fill(truth) if np.isnan(truth).any() else truth


def known(truth: np.ndarray) -> np.ndarray:
    """Return (n), True where the (n c) truth of a single target is known."""
    return ~np.isnan(truth).any(axis=1)


def natural(label: str) -> tuple[bool, float, str]:
    """Return a key that sorts "2" before "10", and numbers before words."""
    try:
        number = float(label)
    except ValueError:
        return (True, 0.0, label)
    return (False, number, label) if isfinite(number) else (True, 0.0, label)
