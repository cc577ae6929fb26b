"""The contract of a fusion: the Features of many sources in, one Features out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from plait.types import Features


class Fusion(nn.Module, ABC):
    """Joins the Features of several sources; sources that a row lacks change nothing.

    The order in which columns are given does not matter: sources are always taken by name.
    """

    def __init__(self, widths: Mapping[str, int], width: int = 256) -> None:
        """Store the width of each source, and the width to map them to where a fusion does so."""
        super().__init__()
        self.widths = dict(sorted(widths.items()))
        self.mapped_to = width

    @property
    @abstractmethod
    def width(self) -> int:
        """The width d of what comes out."""

    @abstractmethod
    def join(self, pooled: Tensor, features: list[Features], present: Tensor) -> Tensor:
        """Return the joint vectors (b d).

        Args:
            pooled: (b sum-of-widths), the sources side by side, zero where missing.
            features: one a source.
            present: (b m), True where the row has the source.
        """

    def forward(self, features: Mapping[str, Features]) -> Features:
        """Return one Features a row: the joint vector, and the presence of any source."""
        parts = [_blank(features[name]) for name in self.widths]
        present = torch.stack([part.present for part in parts], dim=1)
        pooled = torch.cat([part.pooled for part in parts], dim=1)
        return Features.from_pooled(self.join(pooled, parts, present), present.any(dim=1))


def _blank(part: Features) -> Features:
    """Return the Features with zero where the row lacks them, whatever stood there."""
    return replace(part, pooled=part.pooled.masked_fill(~part.present[:, None], 0))
