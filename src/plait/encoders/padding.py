"""Rows of unequal length side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from plait.types import Features


def padded(rows: Sequence[Tensor], times: Sequence[Tensor]) -> Features:
    """Return Features of rows of tokens, each (t d), with their times, each (t) seconds."""
    tokens = nn.utils.rnn.pad_sequence(list(rows), batch_first=True)
    time = nn.utils.rnn.pad_sequence(list(times), batch_first=True).to(tokens.device)
    mask = prefixes([len(row) for row in rows], tokens.shape[1]).to(tokens.device)
    return replace(Features.of_tokens(tokens, mask), time=time.float())


def prefixes(lengths: Sequence[int], most: int) -> Tensor:
    """Return (b most), True for the first `lengths` of each row."""
    return torch.arange(most) < torch.tensor(lengths)[:, None]
