"""The Transformer body: tokens of any modality attend to each other."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from plait.attention import Rotary, Transformer
from plait.encoders.trained import TrainedConfig
from plait.types import Features

SHORTEST, LONGEST = 4.0, 4096.0
"""Periods of the rotations by the number of a token in its sequence."""

TOKENS_A_SECOND = 25
"""Where several tokens share a moment (cells of a frame), time counts for so many numbers."""


class TransformerBody(nn.Module):
    """A Transformer that normalises first; tokens know their place, or their number in a sequence.

    Patches are turned by where they are, cells of frames by when they are too, all other tokens by
    how many came before them (Su et al., RoFormer, 2021), so no longest length is built in.

    Args:
        config: settings.
        ordered: whether the number of a token says anything; the columns of a table have no order.
    """

    def __init__(self, config: TrainedConfig, ordered: bool = True) -> None:
        super().__init__()
        self.ordered = ordered
        self.rotary = Rotary(config.width // config.heads, SHORTEST, LONGEST)
        self.transformer = Transformer(config.width, config.heads, config.layers, config.dropout)
        self.norm = nn.LayerNorm(config.width)

    def forward(self, features: Features) -> Features:
        """Return the tokens, each with the others in it, and their mean."""
        turn = self.rotary(self._numbers(features), features.place)
        tokens = self.norm(self.transformer(features.tokens, features.mask, turn))
        return features.with_tokens(tokens * features.mask[:, :, None])

    def _numbers(self, features: Features) -> Tensor | None:
        """Return (b t), how many tokens came before each; None where that says nothing."""
        if features.place is not None:
            return None if features.time is None else features.time * TOKENS_A_SECOND
        if not self.ordered:
            return None
        count = torch.arange(features.tokens.shape[1], device=features.tokens.device)
        return count.float().expand(len(features), -1)
