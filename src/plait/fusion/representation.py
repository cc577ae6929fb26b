"""Joint representations: one space that each source is brought to on its own."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from plait.attention import Transformer
from plait.fusion.fusion import FusionConfig, Projected
from plait.fusion.tokens import TokenFusion
from plait.types import Features


class SharedEncoder(TokenFusion):
    """One Transformer with the same weights reads the tokens of every source, one after the other.

    The modality-agnostic encoder of VATT (Akbari et al., NeurIPS 2021, section 3.2): only the maps
    before it differ. The sources meet as means of its tokens, so any of them can be missing.
    """

    level = "representation"

    def __init__(self, widths: Mapping[str, int], config: FusionConfig) -> None:
        super().__init__(widths, config)
        self.transformer = Transformer(config.width, config.heads, config.layers, config.dropout)

    def mix(self, parts: list[Features]) -> list[Tensor]:
        """Return (b t d) of each source."""
        return [
            self.transformer(part.tokens, part.mask, self.rotary(part.time, part.place))
            for part in parts
        ]


class ProductOfExperts(Projected):
    """z = sum_i T_i mu_i / (1 + sum_i T_i) over present i: a product of Gaussians and N(0, 1).

    Each source is an expert that gives a mean and a precision T = 1 / variance of each feature; the
    surer one counts for more, and a missing one for nothing (Wu and Goodman, MVAE, NeurIPS 2018,
    section 2.2). The mean is used, in training too: without a decoder there is nothing to sample.
    """

    level = "representation"

    def __init__(self, widths: Mapping[str, int], config: FusionConfig) -> None:
        super().__init__(widths, config)
        self.precision = nn.ModuleList(nn.Linear(config.width, config.width) for _ in self.widths)

    def join(self, parts: list[Features], present: Tensor) -> Features:
        """Return one token a row."""
        means = self.project(parts)
        precisions = torch.stack(
            [nn.functional.softplus(layer(means[:, i])) for i, layer in enumerate(self.precision)],
            dim=1,
        ) * present[:, :, None].to(means.dtype)
        joined = (precisions * means).sum(dim=1) / (1 + precisions.sum(dim=1))
        return Features.from_pooled(joined, present.any(dim=1))
