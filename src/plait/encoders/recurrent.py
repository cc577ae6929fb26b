"""Recurrent bodies: LSTM and GRU over the tokens of a sequence, in both directions."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from plait.chance import Dropout
from plait.encoders.trained import TrainedConfig
from plait.types import Features

Cell = Literal["lstm", "gru"]


class RecurrentBody(nn.Module):
    """A bidirectional LSTM (Hochreiter and Schmidhuber, 1997) or GRU (Cho et al., EMNLP 2014).

    Sequences are packed, so padding is never read, and the backward direction starts at the last
    real token. The pooled vector is the last state of both directions.
    """

    def __init__(self, config: TrainedConfig, cell: Cell) -> None:
        super().__init__()
        half = -(-config.width // 2)
        kind = nn.LSTM if cell == "lstm" else nn.GRU
        self.network = kind(
            config.width,
            half,
            max(config.layers, 1),
            batch_first=True,
            bidirectional=True,
            dropout=config.dropout if config.layers > 1 else 0.0,
        )
        self.map = nn.Linear(2 * half, config.width)
        self.dropout = Dropout(config.dropout)

    def forward(self, features: Features) -> Features:
        """Return the states at each token, and the last ones as the pooled vector."""
        lengths = features.mask.sum(dim=1).clamp_min(1).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(
            self.dropout(features.tokens), lengths, batch_first=True, enforce_sorted=False
        )
        states, last = self.network(packed)
        hidden = last[0] if isinstance(last, tuple) else last
        tokens, _ = nn.utils.rnn.pad_packed_sequence(
            states, batch_first=True, total_length=features.tokens.shape[1]
        )
        pooled = torch.cat([hidden[-2], hidden[-1]], dim=1)
        mask = features.mask[:, :, None].to(tokens.dtype)
        return features.with_tokens(self.map(tokens) * mask, self.map(pooled))
