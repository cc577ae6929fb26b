"""The cells of a picture: what they learn from words, and from one another."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from plait.attention import Block
from plait.encoders.pictures import grid_places
from plait.tasks.segment_config import SegmentConfig

REGISTERS = 4
"""Tokens that stand beside the words."""

OCTAVES = 4
"""Waves to a side that tell a cell where it is: 1/2, 1, 2, 4."""


class Modulated(nn.Module):
    """x + F(s x + t): two convolutions on a map whose features are scaled and shifted by a vector.

    FiLM (Perez et al., AAAI 2018, section 3), as CLIPSeg's decoder takes its prompt (Lüddecke and
    Ecker, CVPR 2022, section 3.1); at the start s = 1 and t = 0. Convolutions as in
    `plait.encoders.convolutional.Residual`.

    Args:
        width: of the map.
        by: width of the vector; 0 leaves the map to itself.
        dropout: in training.
        reach: cells to each side that the convolutions see.
    """

    def __init__(self, width: int, by: int, dropout: float, reach: int = 1) -> None:
        super().__init__()
        self.norm, self.other_norm = nn.GroupNorm(8, width), nn.GroupNorm(8, width)
        self.one = nn.Conv2d(width, width, 2 * reach + 1, padding=reach)
        self.two = nn.Conv2d(width, width, 2 * reach + 1, padding=reach)
        self.dropout = nn.Dropout2d(dropout)
        self.film = nn.Linear(by, 2 * width) if by else None
        if self.film is not None:
            nn.init.zeros_(self.film.weight)
            nn.init.zeros_(self.film.bias)

    def forward(self, values: Tensor, vector: Tensor | None = None) -> Tensor:
        """Return (b d h w) of a map and (b k) vectors."""
        changed = self.norm(values)
        if self.film is not None:
            scale, shift = self.film(vector)[:, :, None, None].chunk(2, dim=1)
            changed = changed * (1 + scale) + shift
        changed = self.one(changed.relu())
        added: Tensor = values + self.two(self.dropout(self.other_norm(changed).relu()))
        return added


class Sides(nn.Module):
    """x + A l + B r + C u + D o: each cell is told the most of what lies on each of its four sides.

        l(x) = max over all cells left of x of relu(W x)

    and so to the right, above and below. After a round of reading, cells know whether they are what
    a word names; this tells all others on which side of them that is. The maximum of all that lies
    towards one side is that of corner pooling (Law and Deng, CornerNet, ECCV 2018, section 3.4),
    with half of the picture in place of one row or column.

    Args:
        width: of the map.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.seen = nn.Conv2d(width, width, 1)
        self.told = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(4))

    def forward(self, values: Tensor) -> Tensor:
        """Return (b d h w)."""
        seen = self.seen(self.norm(values)).relu()
        columns, rows = (seen.amax(dim=axis).transpose(1, 2) for axis in (2, 3))
        left, right, above, below = self.told
        across = left(_before(columns)) + right(_before(columns.flip(1)).flip(1))
        down = above(_before(rows)) + below(_before(rows.flip(1)).flip(1))
        found: Tensor = (
            values + across.transpose(1, 2)[:, :, None] + down.transpose(1, 2)[:, :, :, None]
        )
        return found


def _before(values: Tensor) -> Tensor:
    """Return (b t d) the maximum of all that comes before each of (b t d); zero for the first."""
    return pad(values.cummax(dim=1).values[:, :-1], (0, 0, 1, 0))


class Round(nn.Module):
    """Cells are modulated by what is asked, read the words, and are told what lies on their sides.

    Args:
        width: of cells and tokens.
        by: width of the vector that modulates the cells; 0 for none.
        config: settings.
    """

    def __init__(self, width: int, by: int, config: SegmentConfig) -> None:
        super().__init__()
        self.asked = Modulated(width, by, config.dropout, reach=0)
        self.block = Block(width, config.heads, config.dropout)
        self.sides = Sides(width)

    def forward(self, values: Tensor, words: Tensor, real: Tensor, vector: Tensor) -> Tensor:
        """Return (b d h w) of a map, (b t d) words, which are real (b t), and (b k) vectors."""
        cells = self.asked(values, vector).flatten(2).transpose(1, 2)
        cells = self.block(cells, real, context=words)
        found: Tensor = self.sides(cells.transpose(1, 2).unflatten(2, values.shape[2:]))
        return found


class Reading(nn.Module):
    """Several rounds, one after the other, of cells that know where they are.

    In the first a cell can learn that it is what a word names, and in the next where that is from
    it: `the owl left of the cap`. A few tokens of its own (registers; Darcet et al., ICLR 2024)
    stand beside the words, for words that concern no cell, and rows without any.

    Args:
        width: of cells and tokens.
        by: width of the vector that modulates the cells; 0 for none.
        config: settings.
    """

    def __init__(self, width: int, by: int, config: SegmentConfig) -> None:
        super().__init__()
        self.where = nn.Linear(4 * OCTAVES, width)
        self.registers = nn.Parameter(0.02 * torch.randn(REGISTERS, width))
        self.rounds = nn.ModuleList(Round(width, by, config) for _ in range(config.layers))

    def forward(self, values: Tensor, tokens: Tensor, mask: Tensor, vector: Tensor) -> Tensor:
        """Return (b d h w) of a map, (b t d) tokens, which are real (b t), and (b k) vectors."""
        size = values.shape[2:]
        places = self.where(waves(grid_places(*size).to(values.device)))
        values = values + places.transpose(0, 1).unflatten(1, size)
        words = torch.cat([self.registers.expand(len(tokens), -1, -1), tokens], dim=1)
        real = torch.cat([mask.new_ones(len(mask), REGISTERS), mask], dim=1)
        for one in self.rounds:
            values = one(values, words, real, vector)
        return values


def waves(places: Tensor) -> Tensor:
    """Return (t 4 o): sines and cosines of heights and widths (t 2) in 0..1, in o octaves.

    Positions as in DETR (Carion et al., ECCV 2020, appendix A.4).
    """
    octaves = math.pi * 2.0 ** torch.arange(OCTAVES, device=places.device)
    angles = (places[:, :, None] * octaves).flatten(1)
    return torch.cat([angles.sin(), angles.cos()], dim=1)
