"""Segment: the class of every pixel, by all that a row has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from plait.attention import Attention
from plait.config import check_range
from plait.errors import ConfigError
from plait.layers import feed_forward
from plait.losses import boundary_loss, dice_loss, pixel_cross_entropy
from plait.tasks.task import Objective
from plait.types import Features

FINE = 4
"""Pixels to the side of a cell of the map that classes are read from, at most."""

VOID = 255
"""In a target: a pixel that is not judged."""


@dataclass(frozen=True)
class SegmentConfig:
    """Settings of segmenting.

    Attributes:
        picture: the column whose pixels get classes, where several hold pictures.
        classes: a file of names, and perhaps colours, by value (`plait.data.pixel_classes`).
        void: values of pixels that do not count.
        side: height and width that pictures are brought to, in pixels; a multiple of 32.
        width: of the decoder.
        dropout: share of features dropped in training.
        modulate: let the joint vector scale and shift the decoder's maps (FiLM).
        attend: let the decoder's coarsest cells attend to all tokens of the row.
        heads: of that attention.
        dice: weight of the Dice loss beside the cross-entropy.
        boundary: weight of the boundary loss.
        augment: mirror, enlarge and brighten pictures and their masks at random in training; where
            words are read, brighten alone, as a mirror would make them wrong.
        tile: side of the tiles, in pixels, that pictures are cut into, which overlap by a quarter;
            0 takes them whole.
        flip: predict the mirrored picture too, and take the mean.
    """

    picture: str = ""
    classes: str = ""
    void: tuple[int, ...] = ()
    side: int = 192
    width: int = 64
    dropout: float = 0.1
    modulate: bool = True
    attend: bool = True
    heads: int = 4
    dice: float = 1.0
    boundary: float = 0.2
    augment: bool = True
    tile: int = 0
    flip: bool = False

    def __post_init__(self) -> None:
        check_range(self, "side", 32, 4096)
        check_range(self, "width", 8, 4096)
        check_range(self, "dropout", 0.0, 0.9)
        check_range(self, "heads", 1, 1024)
        check_range(self, "dice", 0.0, 100.0)
        check_range(self, "boundary", 0.0, 100.0)
        check_range(self, "tile", 0, 65536)
        if self.side % 32:
            raise ConfigError(f"Setting 'side' must be a multiple of 32, found {self.side}.")
        if self.width % 8:
            raise ConfigError(f"Setting 'width' must be a multiple of 8, found {self.width}.")


class Modulated(nn.Module):
    """x + F(s x + t): two convolutions on a map whose features are scaled and shifted by a vector.

    FiLM (Perez et al., AAAI 2018, section 3), as CLIPSeg's decoder takes its prompt (Lüddecke and
    Ecker, CVPR 2022, section 3.1); at the start s = 1 and t = 0. Convolutions as in
    `plait.encoders.convolutional.Residual`.

    Args:
        width: of the map.
        by: width of the vector; 0 leaves the map to itself.
        dropout: in training.
    """

    def __init__(self, width: int, by: int, dropout: float) -> None:
        super().__init__()
        self.norm, self.other_norm = nn.GroupNorm(8, width), nn.GroupNorm(8, width)
        self.one = nn.Conv2d(width, width, 3, padding=1)
        self.two = nn.Conv2d(width, width, 3, padding=1)
        self.dropout = nn.Dropout2d(dropout)
        self.film = nn.Linear(by, 2 * width) if by else None
        if self.film is not None:
            nn.init.zeros_(self.film.weight)
            nn.init.zeros_(self.film.bias)

    def forward(self, values: Tensor, vector: Tensor) -> Tensor:
        """Return (b d h w) of a map and (b k) vectors."""
        changed = self.norm(values)
        if self.film is not None:
            scale, shift = self.film(vector)[:, :, None, None].chunk(2, dim=1)
            changed = changed * (1 + scale) + shift
        changed = self.one(changed.relu())
        added: Tensor = values + self.two(self.dropout(self.other_norm(changed).relu()))
        return added


class Reading(nn.Module):
    """Cells of a map attend to the tokens of their row: x + A(LN(x), c), then y + MLP(LN(y))."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads, dropout)
        self.hidden = feed_forward(width, dropout)

    def forward(self, values: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        """Return (b d h w) of a map, (b t d) tokens and which of them are real."""
        cells = values.flatten(2).transpose(1, 2)
        cells = cells + self.attention(self.norm(cells), tokens, mask)
        cells = cells + self.hidden(cells)
        return cells.transpose(1, 2).unflatten(2, values.shape[2:])


class Segment(Objective):
    """A class for every pixel.

    From the coarsest map to the finest: what the fusion made of the picture's own tokens is added
    to their cells, the cells read all tokens, and then at each scale the map is enlarged, the
    encoder's map of that scale added, and two convolutions follow that the joint vector modulates.
    Where the finest map is coarse, it is enlarged on, twofold at a time.

        L = CE + a Dice + b Boundary, each the mean over a row's pixels that are not void

    Args:
        width: d of the joint Features.
        maps: width of each of the picture's maps, the finest first.
        picture: number of the picture among the sources.
        classes: c.
        config: settings.
        finest: pixels of the picture to the side of a cell of the finest map.
    """

    def __init__(
        self,
        width: int,
        maps: Sequence[int],
        picture: int,
        classes: int,
        config: SegmentConfig,
        finest: int = FINE,
    ) -> None:
        super().__init__()
        own, self.picture, self.config = config.width, picture, config
        self.laterals = nn.ModuleList(nn.Conv2d(d, own, 1) for d in maps)
        self.context = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, own))
        self.reading = Reading(own, config.heads, config.dropout) if config.attend else None
        by = width if config.modulate else 0
        self.blocks = nn.ModuleList(Modulated(own, by, config.dropout) for _ in maps)
        # Of networks of one scale, whose cells are large, nothing finer is known: it is made up.
        more = max((finest // FINE).bit_length() - 1, 0)
        self.larger = nn.ModuleList(Modulated(own, by, config.dropout) for _ in range(more))
        self.head = nn.Sequential(nn.GroupNorm(8, own), nn.ReLU(), nn.Conv2d(own, classes, 1))

    def forward(self, features: Features) -> Tensor:
        """Return (b c side side) logits."""
        assert features.maps is not None
        maps = [lateral(m) for lateral, m in zip(self.laterals, features.maps, strict=True)]
        values = maps[-1]
        tokens = self.context(features.tokens)
        own = self._own(features, tokens)
        if own is not None and own.shape[1] == values.shape[2] * values.shape[3]:
            values = values + own.transpose(1, 2).unflatten(2, values.shape[2:])
        if self.reading is not None:
            values = self.reading(values, tokens, features.mask)
        blocks = cast(Sequence[Modulated], self.blocks)
        values = blocks[-1](values, features.pooled)
        for block, lateral in zip(reversed(blocks[:-1]), reversed(maps[:-1]), strict=True):
            values = _resized(values, lateral.shape[2:]) + lateral
            values = block(values, features.pooled)
        for block in cast(Sequence[Modulated], self.larger):
            values = block(_resized(values, [2 * n for n in values.shape[2:]]), features.pooled)
        return _resized(self.head(values), (self.config.side, self.config.side))

    def _own(self, features: Features, tokens: Tensor) -> Tensor | None:
        """Return (b k d), the tokens that stand for the picture, where the fusion keeps them."""
        own = (features.source[0] == self.picture).nonzero()[:, 0]
        return tokens[:, own] if len(features.source) else None

    def loss(self, features: Features, target: Tensor, weight: Tensor) -> Tensor:
        """Return the weighted mean loss, a scalar.

        Args:
            features: of b rows, with maps.
            target: (b side side) uint8 numbers of classes; `VOID` where a pixel is not judged.
            weight: (b) weights of the rows.
        """
        config, scores = self.config, self(features).float()
        losses = pixel_cross_entropy(scores, target, VOID)
        shares = scores.softmax(dim=1)
        if config.dice:
            losses = losses + config.dice * dice_loss(shares, target, VOID)
        if config.boundary:
            # At half the resolution, which is what the finest map has: a quarter of the time.
            half, known = avg_pool2d(shares, 2), target[:, ::2, ::2]
            losses = losses + config.boundary * boundary_loss(half, known, VOID)
        return (losses * weight).sum() / weight.sum().clamp_min(1e-12)

    def predict(self, features: Features) -> Tensor:
        """Return (b c side side) probabilities."""
        scores: Tensor = self(features)
        return scores.float().softmax(dim=1)


def _resized(values: Tensor, size: Sequence[int]) -> Tensor:
    if tuple(values.shape[2:]) == tuple(size):
        return values
    return interpolate(values, tuple(size), mode="bilinear", align_corners=False)
