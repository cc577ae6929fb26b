"""The stem and the bodies of tabular columns that are trained: a token a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from plait.encoders.classical_table import KINDS
from plait.encoders.tabular_columns import TabularColumn
from plait.encoders.trained import Stem, TrainedConfig
from plait.layers import MLP
from plait.types import Column, Features

Cells = tuple[Any, ...]


class ColumnTokens(Stem):
    """A token a column: x W + b of its numbers, or a vector of its level.

    The feature tokenizer of FT-Transformer (Gorishniy et al., NeurIPS 2021, section 3.3). Numbers
    come by quantile with an indicator where they are missing; a missing or new level has a vector.
    """

    def __init__(self, columns: tuple[Column, ...], config: TrainedConfig) -> None:
        super().__init__()
        self.config = config
        self.modalities = [column.modality for column in columns]
        self.maps = nn.ModuleList(nn.Identity() for _ in columns)
        self._columns: list[TabularColumn] = []

    def preprocess(self, value: Cells) -> Cells:
        """Return the decoded cells as they are."""
        return value

    def fit(self, samples: Sequence[Cells | None]) -> None:
        """Learn each column's scaling or levels, and make new vectors."""
        there = [sample for sample in samples if sample is not None]
        columns = [KINDS[modality]() for modality in self.modalities]
        for number, column in enumerate(columns):
            cells = [sample[number] for sample in there]
            column.fit(cells, np.zeros((len(cells), 1), np.float32))
        self.set_extra_state({"columns": [column.facts for column in columns]})

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take the scalings and levels back, and make room for the weights."""
        super().set_extra_state(state)
        if not state:
            return
        pairs = zip(self.modalities, state["columns"], strict=True)
        self._columns = [KINDS[modality](facts) for modality, facts in pairs]
        self.maps = nn.ModuleList(self._map(column) for column in self._columns)

    def _map(self, column: TabularColumn) -> nn.Module:
        if column.codes:
            return nn.Embedding(len(column.facts["levels"]) + 1, self.config.width)
        return nn.Linear(column.transform([None]).shape[1], self.config.width)

    def forward(self, samples: Sequence[Cells]) -> Features:
        """Return a token a column."""
        tokens = []
        for number, (column, layer) in enumerate(zip(self._columns, self.maps, strict=True)):
            cells = [sample[number] for sample in samples]
            if column.codes:  # a missing or new level is the last one
                codes = torch.from_numpy(column.raw(cells)[:, 0])
                tokens.append(layer(codes.nan_to_num(len(column.facts["levels"])).long()))
            else:
                tokens.append(layer(torch.from_numpy(column.transform(cells))))
        stacked = torch.stack(tokens, dim=1)
        return Features.of_tokens(stacked, stacked.new_ones(stacked.shape[:2]).bool())


class MLPBody(nn.Module):
    """All columns side by side through one hidden layer; one token comes out."""

    def __init__(self, columns: int, config: TrainedConfig) -> None:
        super().__init__()
        self.layer = MLP(columns * config.width, 2 * config.width, config.width, config.dropout)

    def forward(self, features: Features) -> Features:
        """Return one token a row."""
        made: Tensor = self.layer(features.tokens.flatten(start_dim=1))
        return Features.of_vectors(made)
