"""From maps of pictures and tokens of rows to masks; what a row says modulates every scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from plait.layers import MLP
from plait.tasks.cells import Modulated, Reading
from plait.tasks.segment_config import SegmentConfig
from plait.types import Features

FINE = 4
"""Pixels to the side of a cell of the map that classes are read from, at most."""


class MaskDecoder(nn.Module):
    """Logits of every pixel of a row's picture, by what the row says.

    The coarsest cells know what the fusion made of the picture's own tokens, and read all others;
    from there to the finest each map is enlarged and added to the next, with convolutions in
    between (Lin et al., Feature Pyramid Networks, CVPR 2017, section 3) that the joint vector
    modulates, as CLIPSeg's decoder takes its prompt. Where the finest map is coarse, it is enlarged
    on, twofold at a time. What depends on the picture alone is made once for all its rows.

    Args:
        width: d of the joint Features.
        maps: width of each of the picture's maps, the finest first.
        picture: number of the picture among the sources.
        classes: c.
        config: settings.
        finest: pixels of the picture to the side of a cell of the finest map.
        presence: say whether anything is meant, too.
    """

    def __init__(
        self,
        width: int,
        maps: Sequence[int],
        picture: int,
        classes: int,
        config: SegmentConfig,
        finest: int,
        presence: bool,
    ) -> None:
        super().__init__()
        own = config.width
        self.picture, self.side = picture, config.side
        self.laterals = nn.ModuleList(nn.Conv2d(d, own, 1) for d in maps)
        self.context = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, own))
        by = width if config.modulate else 0
        self.reading = Reading(own, by, config) if config.layers else None
        self.blocks = nn.ModuleList(Modulated(own, by, config.dropout) for _ in maps)
        # Of networks of one scale, whose cells are large, nothing finer is known: it is made up.
        more = max((finest // FINE).bit_length() - 1, 0)
        self.larger = nn.ModuleList(Modulated(own, by, config.dropout) for _ in range(more))
        self.head = nn.Sequential(
            nn.GroupNorm(8, own),
            nn.ReLU(),
            nn.Dropout2d(config.dropout),
            nn.Conv2d(own, classes, 1),
        )
        self.presence = MLP(own + width, own, 1, config.dropout) if presence else None

    def forward(self, features: Features) -> tuple[Tensor, Tensor | None]:
        """Return (b c side side) logits, and (b) logits of whether anything is meant."""
        held, vector = features.maps, features.pooled
        assert held is not None
        made = [lateral(own) for lateral, own in zip(self.laterals, held.scales, strict=True)]
        maps = [held.by_row(own) for own in made]
        values = self._read(features, maps[-1])
        meant = None
        if self.presence is not None:
            # One cell that is meant is enough.
            seen = torch.cat([values.amax(dim=(2, 3)), vector], dim=1)
            meant = self.presence(seen)[:, 0]
        blocks = cast(Sequence[Modulated], self.blocks)
        values = blocks[-1](values, vector)
        for block, own in zip(reversed(blocks[:-1]), reversed(maps[:-1]), strict=True):
            values = block(resized(values, own.shape[2:]) + own, vector)
        for block in cast(Sequence[Modulated], self.larger):
            values = block(resized(values, [2 * n for n in values.shape[2:]]), vector)
        return resized(self.head(values), (self.side, self.side)), meant

    def _read(self, features: Features, cells: Tensor) -> Tensor:
        """Return (b d h w), the coarsest cells when they know of all tokens."""
        tokens, mask = self.context(features.tokens), features.mask
        own = features.source[0] == self.picture
        if int(own.sum()) == cells.shape[2] * cells.shape[3]:
            cells = cells + tokens[:, own].transpose(1, 2).unflatten(2, cells.shape[2:])
            tokens, mask = tokens[:, ~own], mask[:, ~own]
        if self.reading is None:
            return cells
        found: Tensor = self.reading(cells, tokens, mask, features.pooled)
        return found


def resized(values: Tensor, size: Sequence[int]) -> Tensor:
    """Return (b d h w) in another size, blended."""
    if tuple(values.shape[2:]) == tuple(size):
        return values
    return interpolate(values, tuple(size), mode="bilinear", align_corners=False)
