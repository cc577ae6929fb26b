"""Comparison: how alike two sources are, feature by feature."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import torch
from torch import Tensor, nn

from plait.fusion.fusion import FusionConfig, Projected
from plait.types import Features


class Comparison(Projected):
    """z = sum_i h_i + sum over i < j of W_ij [|h_i - h_j|; h_i * h_j], with h_i = W_i bounded(x_i).

    Differences and products of two vectors say whether they are of one thing (InferSent, Conneau et
    al., EMNLP 2017, section 3.1). There both are made by one encoder; here each column has its own,
    so the maps W_i learn to bring them to like features. A pair of which a row lacks one is left
    out.
    """

    level = "tensor"

    def __init__(self, widths: Mapping[str, int], config: FusionConfig) -> None:
        super().__init__(widths, config)
        self.pairs = nn.ModuleList(
            nn.Linear(2 * config.width, config.width, bias=False)
            for _ in combinations(self.widths, 2)
        )

    def join(self, parts: list[Features], present: Tensor) -> Features:
        """Return one token a row."""
        mapped = self.project(parts)
        joined = mapped.sum(dim=1)
        for layer, (i, j) in zip(self.pairs, combinations(range(len(parts)), 2), strict=True):
            one, other = mapped[:, i], mapped[:, j]
            compared = layer(torch.cat([(one - other).abs(), one * other], dim=1))
            both = (present[:, i] & present[:, j])[:, None].to(compared.dtype)
            joined = joined + compared * both
        return Features.from_pooled(joined, present.any(dim=1))
