"""The flow of one's own: a small diffusion Transformer that reads the Features."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from plait.attention import Attention, Rotary, Turn
from plait.chance import Dropout
from plait.drawing.flow import Flow, Shape
from plait.errors import ConfigError
from plait.types import Features

FREQUENCIES = 128
"""Waves that a time is told by."""


class FlowBlock(nn.Module):
    """Self-attention, cross-attention to the Features, and a hidden layer, all modulated.

        x + g A(s LN(x) + m),  with shift m, scale 1 + s and gate g from time and pooled Features

    for the first and the last; gates are zero at first, so that a block begins as nothing
    (adaLN-Zero; Peebles and Xie, ICCV 2023, section 3.2). Cross-attention stands between them, as
    in PixArt-alpha (Chen et al., ICLR 2024, section 2.3), its last map zero at first.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm, self.hidden_norm = (
            nn.LayerNorm(width, elementwise_affine=False) for _ in range(2)
        )
        self.cross_norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads, dropout)
        self.cross = Attention(width, heads, dropout)
        self.hidden = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), Dropout(dropout), nn.Linear(4 * width, width)
        )
        self.modulation = nn.Sequential(nn.SiLU(), _zero(nn.Linear(width, 6 * width)))
        _zero(self.cross.out)

    def forward(
        self, tokens: Tensor, turn: Turn, condition: Tensor, context: Tensor, seen: Tensor
    ) -> Tensor:
        """Return (b t d).

        Args:
            tokens: (b t d), of the picture.
            turn: of the tokens, by their places.
            condition: (b d), of time and pooled Features.
            context: (b s d), tokens of the Features.
            seen: (b s), True where these are real.
        """
        shift, scale, gate, *hidden = self.modulation(condition)[:, None].chunk(6, dim=-1)
        own = self.norm(tokens) * (1 + scale) + shift
        everywhere = seen.new_ones(1, 1, 1)
        found = self.attention.recall(own, self.attention.remember(own, turn), everywhere, turn)
        tokens = tokens + gate * found
        tokens = tokens + self.cross(self.cross_norm(tokens), context, seen)
        shift, scale, gate = hidden
        added: Tensor = tokens + gate * self.hidden(self.hidden_norm(tokens) * (1 + scale) + shift)
        return added


class FlowTransformer(Flow):
    """Patches of the picture as tokens (Peebles and Xie, ICCV 2023), and the way back.

    Where a patch is reaches attention as a rotation by its place; and, since all pictures are of
    one size, a learned vector a place is added to it.

    Args:
        width_in: d of the Features.
        shape: of what is drawn.
        patch: side of a token.
        width: of the blocks.
        layers: blocks.
        heads: of attention.
        dropout: in training.

    Raises:
        ConfigError: when the shape does not divide into patches.
    """

    places: Tensor

    def __init__(
        self,
        width_in: int,
        shape: Shape,
        patch: int,
        width: int,
        layers: int,
        heads: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if shape.height % patch or shape.width % patch:
            raise ConfigError(
                f"What is drawn has {shape.height} by {shape.width} cells, which do not divide "
                f"into patches of {patch}; choose another patch, or another side."
            )
        self.shape, self.patch = shape, patch
        rows, columns = shape.height // patch, shape.width // patch
        self.into = nn.Conv2d(shape.channels, width, patch, stride=patch)
        self.positions = nn.Parameter(0.02 * torch.randn(rows * columns, width))
        self.time = nn.Sequential(
            nn.Linear(2 * FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width)
        )
        self.pooled = nn.Sequential(nn.LayerNorm(width_in), nn.Linear(width_in, width))
        self.context = nn.Sequential(nn.LayerNorm(width_in), nn.Linear(width_in, width))
        self.blocks = nn.ModuleList(FlowBlock(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulation = nn.Sequential(nn.SiLU(), _zero(nn.Linear(width, 2 * width)))
        self.out = _zero(nn.Linear(width, shape.channels * patch**2))
        self.fold = nn.PixelShuffle(patch)
        self.rotary = Rotary(width // heads)
        self.register_buffer("places", _grid(rows, columns), persistent=False)

    def forward(self, between: Tensor, time: Tensor, features: Features) -> Tensor:
        """Return the velocity (b c h w)."""
        tokens = self.into(between).flatten(2).transpose(1, 2) + self.positions
        turn = self.rotary(None, self.places[None])
        condition = self.time(waves(time)) + self.pooled(features.pooled)
        context = self.context(features.tokens)
        for block in self.blocks:
            tokens = block(tokens, turn, condition, context, features.mask)
        shift, scale = self.modulation(condition)[:, None].chunk(2, dim=-1)
        patches = self.out(self.norm(tokens) * (1 + scale) + shift).transpose(1, 2)
        rows, columns = self.shape.height // self.patch, self.shape.width // self.patch
        velocity: Tensor = self.fold(patches.unflatten(2, (rows, columns)))
        return velocity


def waves(time: Tensor) -> Tensor:
    """Return (b) times in 0..1 as (b 256) cosines and sines, from slow to quick.

    Those of a position in Vaswani et al. (2017, section 3.5), for 1000 times as much.
    """
    rates = torch.exp(-math.log(10_000) * torch.arange(FREQUENCIES, device=time.device)
                      / FREQUENCIES)  # fmt: skip
    angles = 1000 * time.float()[:, None] * rates
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def _grid(rows: int, columns: int) -> Tensor:
    """Return (rows * columns, 2) places of the middles of patches, in 0..1."""
    down, right = ((torch.arange(count) + 0.5) / count for count in (rows, columns))
    return torch.stack(torch.meshgrid(down, right, indexing="ij"), dim=-1).flatten(0, 1)


def _zero(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
