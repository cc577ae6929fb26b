"""Tensor fusion: products of the sources' features, not sums alone."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import torch
from torch import Tensor, nn

from plait.fusion.fusion import FusionConfig, Projected
from plait.layers import Bounded
from plait.types import Features


class Bilinear(Projected):
    """z = sum_i h_i + sum over i < j of (P_i h_i)' W_ij (P_j h_j), with h_i = W_i bounded(x_i).

    Each pair of sources has a bilinear form of its own (Tenenbaum and Freeman, 2000, equation 1),
    on vectors reduced to `rank` features by P, without which W_ij would have d^3 weights. A missing
    source takes its terms away.
    """

    level = "tensor"

    def __init__(self, widths: Mapping[str, int], config: FusionConfig) -> None:
        super().__init__(widths, config)
        self.reduce = nn.ModuleList(
            nn.Linear(config.width, config.rank, bias=False) for _ in self.widths
        )
        self.pairs = nn.ModuleList(
            nn.Bilinear(config.rank, config.rank, config.width, bias=False)
            for _ in combinations(self.widths, 2)
        )

    def join(self, parts: list[Features], present: Tensor) -> Features:
        """Return one token a row."""
        mapped = self.project(parts)
        reduced = [reduce(mapped[:, i]) for i, reduce in enumerate(self.reduce)]
        joined = mapped.sum(dim=1)
        for form, (one, other) in zip(self.pairs, combinations(reduced, 2), strict=True):
            joined = joined + form(one, other)
        return Features.from_pooled(joined, present.any(dim=1))


class LowRankTensor(Projected):
    """z = sum_r u_r prod over present i of W_i^(r) [h_i; 1], with h_i = bounded(x_i).

    The tensor of all products of all sources' features, with weights of rank R (Liu et al., LMF,
    ACL 2018, section 3.2): the factor of each source is made apart, and the factors are multiplied.
    A missing source is left out of the product.
    """

    level = "tensor"

    def __init__(self, widths: Mapping[str, int], config: FusionConfig) -> None:
        super().__init__(widths, config)
        factors = [nn.Linear(width, config.rank * config.width) for width in self.widths.values()]
        for factor in factors:  # near one: a product of several neither dies nor explodes
            nn.init.normal_(factor.bias, mean=1.0, std=0.5)
        self.maps = nn.ModuleList(nn.Sequential(Bounded(), factor) for factor in factors)
        self.rank_weights = nn.Parameter(torch.full((config.rank,), config.rank**-0.5))

    def join(self, parts: list[Features], present: Tensor) -> Features:
        """Return one token a row."""
        product = torch.ones((), device=present.device, dtype=parts[0].pooled.dtype)
        for number, (factor, part) in enumerate(zip(self.maps, parts, strict=True)):
            made = factor(part.pooled).unflatten(1, (self.config.rank, self.config.width))
            product = product * torch.where(present[:, number, None, None], made, 1.0)
        joined = torch.einsum("brd,r->bd", product, self.rank_weights)
        return Features.from_pooled(joined, present.any(dim=1))
