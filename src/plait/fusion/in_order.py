"""The tokens of all sources one after the other, as a language model reads them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from plait.fusion.fusion import Fusion, FusionConfig
from plait.fusion.tokens import beside
from plait.types import Features


class InOrder(Fusion):
    """Media first, each projected into the space of a language model's vectors; then its own words.

    The projection is a hidden layer between two linear maps, as LLaVA-1.5's (Liu et al., CVPR 2024,
    section 3.3), of normalised tokens: no two encoders have vectors of one length.

    Args:
        widths: of the Features of each source.
        width: of the language model's vectors.
        last: sources that come behind the others.
        own: sources whose tokens are the language model's already.
        config: stored as all fusions do.
    """

    level = "representation"
    by_tokens = True
    large = True

    def __init__(
        self,
        widths: Mapping[str, int],
        width: int,
        last: Collection[str],
        own: Collection[str],
        config: FusionConfig,
    ) -> None:
        super().__init__(widths, config)
        self._width = width
        self.order = sorted(range(len(self.widths)), key=lambda n: list(self.widths)[n] in last)
        self.projections = nn.ModuleList(
            nn.Identity() if name in own else _projection(theirs, width)
            for name, theirs in self.widths.items()
        )

    @property
    def width(self) -> int:
        """That of the language model's vectors."""
        return self._width

    def join(self, parts: list[Features], present: Tensor) -> Features:
        """Return all tokens, media first."""
        projected = []
        for number in self.order:
            part = parts[number]
            tokens = self.projections[number](part.tokens)
            tokens = tokens * part.mask[:, :, None].to(tokens.dtype)
            source = torch.full_like(part.source, number)
            projected.append(replace(part, source=source).with_tokens(tokens))
        return beside(projected)


def _projection(width_in: int, width: int) -> nn.Module:
    return nn.Sequential(
        nn.LayerNorm(width_in), nn.Linear(width_in, width), nn.GELU(), nn.Linear(width, width)
    )
