"""Features of pictures with maps, for tests of what makes masks."""

from __future__ import annotations

from dataclasses import replace

import torch

from plait.maps import Maps
from plait.types import Features

MAPS = (8, 16, 24)
"""Widths of the maps, which have 8, 4 and 2 cells to a side."""


def features(seed: int = 0, words: float = 1.0) -> Features:
    """Two rows: a picture of 2 x 2 cells and three maps, and three tokens of words."""
    made = torch.Generator().manual_seed(seed)
    tokens = torch.randn(2, 7, 12, generator=made)
    tokens = torch.cat([tokens[:, :4], words * tokens[:, 4:]], dim=1)
    own = Features.of_tokens(tokens, torch.ones(2, 7).bool())
    maps = tuple(
        torch.randn(2, d, s, s, generator=made) for d, s in zip(MAPS, (8, 4, 2), strict=True)
    )
    source = torch.tensor([[0] * 4 + [1] * 3] * 2)
    return replace(own, source=source, maps=Maps(maps, torch.arange(2)))
