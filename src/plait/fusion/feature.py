"""Feature-level fusion: pooled vectors side by side, averaged, projected, or gated.

The four ways follow the survey of Baltrušaitis, Ahuja and Morency (TPAMI 2019), section 6.1.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from plait.fusion.fusion import Fusion, FusionConfig, Projected
from plait.types import Features


class Concat(Fusion):
    """z = [x_1; ...; x_m; p], the vectors side by side and which of them are there."""

    level = "feature"

    @property
    def width(self) -> int:
        """All widths together, and one a source for its presence."""
        return sum(self.widths.values()) + len(self.widths)

    def join(self, parts: list[Features], present: Tensor) -> Features:
        """Return one token a row."""
        pooled = [part.pooled for part in parts]
        joined = torch.cat([*pooled, present.to(pooled[0].dtype)], dim=1)
        return Features.from_pooled(joined, present.any(dim=1))


class Mean(Projected):
    """z = 1/|P| * sum over the present sources P of W_i bounded(x_i)."""

    level = "feature"

    def join(self, parts: list[Features], present: Tensor) -> Features:
        """Return one token a row."""
        count = present.sum(dim=1, keepdim=True).clamp_min(1)
        return Features.from_pooled(self.project(parts).sum(dim=1) / count, present.any(dim=1))


class Projection(Projected):
    """z = GELU(V [W_1 bounded(x_1); ...; W_m bounded(x_m)] + c), reduced to one width."""

    level = "feature"

    def __init__(self, widths: Mapping[str, int], config: FusionConfig) -> None:
        super().__init__(widths, config)
        self.reduce = nn.Linear(config.width * len(self.widths), config.width)

    def join(self, parts: list[Features], present: Tensor) -> Features:
        """Return one token a row."""
        reduced = nn.functional.gelu(self.reduce(self.project(parts).flatten(start_dim=1)))
        return Features.from_pooled(reduced, present.any(dim=1))


class Gated(Projected):
    """z = sum over present i of g_i * tanh(W_i bounded(x_i)), g = softmax over present sources.

    The gate of each source and each feature is computed from all sources together, as in the gated
    multimodal unit (Arevalo et al., ICLR workshop 2017, section 3.1), with a softmax over sources
    in place of its two-source sigmoid.
    """

    level = "feature"

    def __init__(self, widths: Mapping[str, int], config: FusionConfig) -> None:
        super().__init__(widths, config)
        everything = config.width * len(self.widths)
        self.gate = nn.Linear(everything, everything)

    def join(self, parts: list[Features], present: Tensor) -> Features:
        """Return one token a row."""
        mapped = self.project(parts)
        gates = self.gate(mapped.flatten(start_dim=1)).view_as(mapped)
        # The lowest finite number, not -inf: a row without any source must stay finite.
        gates = gates.masked_fill(~present[:, :, None], torch.finfo(gates.dtype).min)
        kept = present[:, :, None].to(mapped.dtype)
        joined = (gates.softmax(dim=1) * torch.tanh(mapped) * kept).sum(dim=1)
        return Features.from_pooled(joined, present.any(dim=1))
