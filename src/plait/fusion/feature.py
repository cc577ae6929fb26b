"""Feature-level fusion: pooled vectors side by side, averaged, projected, or gated.

The four ways follow the survey of Baltrušaitis, Ahuja and Morency (TPAMI 2019), section 6.1.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from plait.fusion.fusion import Fusion
from plait.layers import Bounded
from plait.types import Features


class Concat(Fusion):
    """z = [x_1; ...; x_m; p], the vectors side by side and which of them are there."""

    @property
    def width(self) -> int:
        """All widths together, and one a source for its presence."""
        return sum(self.widths.values()) + len(self.widths)

    def join(self, pooled: Tensor, features: list[Features], present: Tensor) -> Tensor:
        """Return (b d)."""
        return torch.cat([pooled, present.to(pooled.dtype)], dim=1)


class Projected(Fusion):
    """What mean, projection and gated share: each source bounded, then mapped to one width."""

    def __init__(self, widths: Mapping[str, int], width: int = 256) -> None:
        super().__init__(widths, width)
        self.maps = nn.ModuleList(
            nn.Sequential(Bounded(), nn.Linear(source, width)) for source in self.widths.values()
        )

    @property
    def width(self) -> int:
        """The one width that all sources are mapped to."""
        return self.mapped_to

    def project(self, features: list[Features]) -> Tensor:
        """Return (b m d), zero where a source is missing."""
        mapped = [
            project(part.pooled) * part.present[:, None].to(part.pooled.dtype)
            for project, part in zip(self.maps, features, strict=True)
        ]
        return torch.stack(mapped, dim=1)


class Mean(Projected):
    """z = 1/|P| * sum over the present sources P of W_i bounded(x_i)."""

    def join(self, pooled: Tensor, features: list[Features], present: Tensor) -> Tensor:
        """Return (b d)."""
        count = present.sum(dim=1, keepdim=True).clamp_min(1)
        return self.project(features).sum(dim=1) / count


class Projection(Projected):
    """z = GELU(V [W_1 bounded(x_1); ...; W_m bounded(x_m)] + c), reduced to one width."""

    def __init__(self, widths: Mapping[str, int], width: int = 256) -> None:
        super().__init__(widths, width)
        self.reduce = nn.Linear(width * len(self.widths), width)

    def join(self, pooled: Tensor, features: list[Features], present: Tensor) -> Tensor:
        """Return (b d)."""
        return nn.functional.gelu(self.reduce(self.project(features).flatten(start_dim=1)))


class Gated(Projected):
    """z = sum over present i of g_i * tanh(W_i bounded(x_i)), g = softmax over present sources.

    The gate of each source and each feature is computed from all sources together, as in the gated
    multimodal unit (Arevalo et al., ICLR workshop 2017, section 3.1), with a softmax over sources
    in place of its two-source sigmoid.
    """

    def __init__(self, widths: Mapping[str, int], width: int = 256) -> None:
        super().__init__(widths, width)
        self.gate = nn.Linear(width * len(self.widths), width * len(self.widths))

    def join(self, pooled: Tensor, features: list[Features], present: Tensor) -> Tensor:
        """Return (b d)."""
        mapped = self.project(features)
        gates = self.gate(mapped.flatten(start_dim=1)).view_as(mapped)
        # The lowest finite number, not -inf: a row without any source must stay finite.
        gates = gates.masked_fill(~present[:, :, None], torch.finfo(gates.dtype).min)
        kept = present[:, :, None].to(mapped.dtype)
        return (gates.softmax(dim=1) * torch.tanh(mapped) * kept).sum(dim=1)
