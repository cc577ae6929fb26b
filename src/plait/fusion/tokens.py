"""What fusions on tokens share: mapped tokens in, mixed tokens out, each source with one say."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from plait.attention import Rotary
from plait.fusion.fusion import FusionConfig, Projected
from plait.types import Features, mean_of


class TokenFusion(Projected):
    """Maps the tokens of all sources to one width, mixes them, and pools them.

    A learned vector a source tells the tokens of one source from those of another; times and places
    reach attention through `rotary`. The joint vector is the mean over present sources of the mean
    over their tokens: a picture of 196 patches has no more say than a table of one token.
    """

    by_tokens = True

    def __init__(self, widths: Mapping[str, int], config: FusionConfig) -> None:
        super().__init__(widths, config)
        self.kinds = nn.Parameter(0.02 * torch.randn(len(self.widths), config.width))
        self.rotary = Rotary(config.width // config.heads)
        self.norm = nn.LayerNorm(config.width)

    @abstractmethod
    def mix(self, parts: list[Features]) -> list[Tensor]:
        """Return the mixed tokens (b t d) of each source, whose tokens are mapped already."""

    def join(self, parts: list[Features], present: Tensor) -> Features:
        """Return the tokens of all sources, with their times and places, and the joint vector."""
        parts = self.project_tokens(parts)
        joined = beside(parts)
        kinds = self.kinds[joined.source] * joined.mask[:, :, None].to(joined.tokens.dtype)
        tokens = (joined.tokens + kinds).split([part.tokens.shape[1] for part in parts], dim=1)
        parts = [part.with_tokens(own) for part, own in zip(parts, tokens, strict=True)]
        mixed = [self.norm(own) for own in self.mix(parts)]
        means = torch.stack(
            [mean_of(own, part.mask) for own, part in zip(mixed, parts, strict=True)], dim=1
        )
        count = present.sum(dim=1, keepdim=True).clamp_min(1)
        everything = torch.cat(mixed, dim=1)
        everything = everything * joined.mask[:, :, None].to(everything.dtype)
        return joined.with_tokens(everything, means.sum(dim=1) / count)


def beside(parts: Sequence[Features]) -> Features:
    """Return the tokens of several sources side by side; NaN where one has no times or places."""
    tokens = torch.cat([part.tokens for part in parts], dim=1)
    mask = torch.cat([part.mask for part in parts], dim=1)
    return replace(
        Features.of_tokens(tokens, mask),
        source=torch.cat([part.source for part in parts], dim=1),
        time=_filled([part.time for part in parts], parts, ()),
        place=_filled([part.place for part in parts], parts, (2,)),
    )


def _filled(
    values: Sequence[Tensor | None], parts: Sequence[Features], shape: tuple[int, ...]
) -> Tensor | None:
    if all(value is None for value in values):
        return None
    filled = [
        part.mask.new_full((*part.mask.shape, *shape), torch.nan, dtype=torch.float32)
        if value is None
        else value.float()
        for value, part in zip(values, parts, strict=True)
    ]
    return torch.cat(filled, dim=1)
