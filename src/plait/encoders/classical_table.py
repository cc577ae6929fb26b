"""The classical encoder of the tabular columns together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from plait.encoders.encoder import Encoder
from plait.encoders.tabular_columns import (
    CategoriesColumn,
    CategoryColumn,
    DateColumn,
    NumberColumn,
    TabularColumn,
)
from plait.layers import Standardise
from plait.types import Column, Features, Modality

KINDS: dict[Modality, type[TabularColumn]] = {
    Modality.NUMBER: NumberColumn,
    Modality.CATEGORY: CategoryColumn,
    Modality.CATEGORIES: CategoriesColumn,
    Modality.DATE: DateColumn,
}

Cells = tuple[Any, ...]


class ClassicalTable(Encoder):
    """Numbers, categories and dates of a row to one vector; any of them may be missing."""

    def __init__(self, columns: tuple[Column, ...]) -> None:
        super().__init__()
        self.modalities = [column.modality for column in columns]
        self._columns: list[TabularColumn] = [KINDS[modality]() for modality in self.modalities]
        self.standardise = Standardise()

    @property
    def width(self) -> int:
        """The numbers that all columns give together."""
        return len(self.standardise.mean)

    def preprocess(self, value: Cells) -> Cells:
        """Return the decoded cells as they are."""
        return value

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take the facts back, and give each column its own."""
        super().set_extra_state(state)
        self._columns = [
            KINDS[modality](facts)
            for modality, facts in zip(self.modalities, state["columns"], strict=True)
        ]

    def fit(self, samples: Sequence[Cells | None], target: np.ndarray, seed: int) -> None:
        """Learn each column on its own."""
        self.fit_encode(samples, target, seed)

    def fit_encode(
        self, samples: Sequence[Cells | None], target: np.ndarray, seed: int
    ) -> Features:
        """Learn, and return the training rows' Features, with target statistics out of fold."""
        samples = list(samples)
        cells = self._by_column(samples)
        blocks = [
            column.fit_transform(values, target, seed)
            for column, values in zip(self._columns, cells, strict=True)
        ]
        self.facts = {"columns": [column.facts for column in self._columns]}
        values = torch.from_numpy(np.concatenate(blocks, axis=1))
        self.standardise.fit(values)
        present = torch.tensor([sample is not None for sample in samples], dtype=torch.bool)
        return Features.from_pooled(self.standardise(values), present)

    def encode(self, samples: Sequence[Cells]) -> Features:
        """Return one token a row."""
        cells = self._by_column(samples)
        blocks = [
            column.transform(values) for column, values in zip(self._columns, cells, strict=True)
        ]
        values = torch.from_numpy(np.concatenate(blocks, axis=1))
        return Features.of_vectors(self.standardise(values))

    def matrix(self, samples: Sequence[Cells | None]) -> np.ndarray:
        """Return the values as they are, (b k), NaN where missing; categories as level codes."""
        cells = self._by_column(list(samples))
        blocks = [c.raw(values) for c, values in zip(self._columns, cells, strict=True)]
        return np.concatenate(blocks, axis=1)

    @property
    def code_columns(self) -> list[int]:
        """Which columns of `matrix` are level codes."""
        if not self.facts:
            return []
        widths = [column.raw([None]).shape[1] for column in self._columns]
        starts = np.cumsum([0, *widths])
        return [int(s) for s, column in zip(starts, self._columns, strict=False) if column.codes]

    def _by_column(self, samples: Sequence[Cells | None]) -> list[list[Any]]:
        count = len(self._columns)
        return [[None if s is None else s[i] for s in samples] for i in range(count)]
