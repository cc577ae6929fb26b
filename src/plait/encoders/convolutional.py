"""Convolutional encoders: a residual network of pictures, and one of sequences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor, nn

from plait.chance import Dropout, seeded
from plait.data.image import Picture
from plait.encoders.encoder import Encoder
from plait.encoders.pictures import by_row, grid_places, shown, squares
from plait.encoders.trained import TrainedConfig
from plait.layers import renew
from plait.types import Features


class Residual(nn.Module):
    """x + F(x), normalised before each convolution (He et al., ECCV 2016, figure 4e).

    With group normalisation (Wu and He, ECCV 2018), so that rows of a batch stay on their own.
    Where the stride or the width changes, x is mapped by a convolution of size one.

    Args:
        convolution: `nn.Conv1d` or `nn.Conv2d`.
        width_in: channels that come in.
        width: channels that go out; a multiple of 8.
        stride: of the first convolution.
    """

    def __init__(
        self, convolution: type[nn.Conv1d | nn.Conv2d], width_in: int, width: int, stride: int = 1
    ) -> None:
        super().__init__()
        self.change = nn.Sequential(
            nn.GroupNorm(8, width_in),
            nn.ReLU(),
            convolution(width_in, width, 3, stride=stride, padding=1, bias=False),
            nn.GroupNorm(8, width),
            nn.ReLU(),
            convolution(width, width, 3, padding=1, bias=False),
        )
        same = width_in == width and stride == 1
        self.shortcut = (
            nn.Identity() if same else convolution(width_in, width, 1, stride=stride, bias=False)
        )

    def forward(self, values: Tensor) -> Tensor:
        """Return (b d t) or (b d h w)."""
        changed: Tensor = self.shortcut(values) + self.change(values)
        return changed


class ResidualStages(nn.Module):
    """A small residual network (He et al., CVPR 2016): (b c h w) to (b d h/stride w/stride).

    A first convolution and three stages of growing width, each at half the resolution of the one
    before.

    Args:
        channels: that come in.
        config: settings.
    """

    strides = (2, 4, 8, 16)

    def __init__(self, channels: int, config: TrainedConfig) -> None:
        super().__init__()
        widths = [_eights(config.width // part) for part in (4, 2, 1)]
        self.widths = (widths[0], *widths)
        self.first = nn.Conv2d(channels, widths[0], 5, stride=2, padding=2, bias=False)
        self.stages = nn.ModuleList(
            nn.Sequential(
                Residual(nn.Conv2d, width_in, width, stride=2),
                *(Residual(nn.Conv2d, width, width) for _ in range(config.layers - 1)),
            )
            for width_in, width in zip([widths[0], *widths], widths, strict=False)
        )
        self.last = nn.Sequential(nn.GroupNorm(8, widths[-1]), nn.ReLU(), Dropout(config.dropout))

    def forward(self, values: Tensor) -> Tensor:
        """Return the cells of the last stage."""
        return self.scales(values)[-1]

    def scales(self, values: Tensor) -> tuple[Tensor, ...]:
        """Return the cells of every stage, (b d h/s w/s) for each stride s, the finest first."""
        found = [self.first(values)]
        for stage in self.stages:
            found.append(stage(found[-1]))
        return (*found[:-1], self.last(found[-1]))


class ConvolutionalImage(Encoder):
    """A residual network of pictures, trained from scratch; its cells are tokens with a place."""

    trained = True
    costly = True

    def __init__(self, config: TrainedConfig) -> None:
        super().__init__()
        self.config = config
        self.network = ResidualStages(3, config)
        self.map = nn.Linear(self.network.widths[-1], config.width)

    @property
    def width(self) -> int:
        """The width of the settings."""
        return self.config.width

    def preprocess(self, value: list[Picture]) -> np.ndarray:
        """Return (k side side 3) uint8."""
        return squares(value, self.config.side)

    def fit(self, samples: Sequence[np.ndarray | None], target: np.ndarray, seed: int) -> None:
        """Make new weights from the seed."""
        with seeded(seed):
            renew(self)

    def encode(self, samples: Sequence[np.ndarray]) -> Features:
        """Return a token a cell of the last map."""
        pixels, counts = shown(samples, self.config, self.training)
        values = self.network(pixels)
        tokens = self.map(values.flatten(start_dim=2).transpose(1, 2))
        return by_row(tokens, grid_places(*values.shape[2:]), counts)


class ConvolutionalBody(nn.Module):
    """Residual convolutions over neighbouring tokens (ByteNet's residual blocks, in one dimension).

    What is padding stays zero before every block, so that it does not leak into real tokens.
    """

    def __init__(self, config: TrainedConfig) -> None:
        super().__init__()
        width = _eights(config.width)
        self.widen = nn.Linear(config.width, width)
        self.blocks = nn.ModuleList(Masked(width) for _ in range(config.layers))
        self.map = nn.Sequential(
            nn.LayerNorm(width), Dropout(config.dropout), nn.Linear(width, config.width)
        )

    def forward(self, features: Features) -> Features:
        """Return the tokens, each with its neighbours in it."""
        tokens = self.widen(features.tokens)
        for block in self.blocks:
            tokens = block(tokens, features.mask)
        return features.with_tokens(self.map(tokens) * features.mask[:, :, None])


class Masked(nn.Module):
    """x + F(x) of real tokens, with layer normalisation: group statistics would count padding."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.first = nn.Conv1d(width, width, 3, padding=1)
        self.second = nn.Conv1d(width, width, 3, padding=1)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Return (b t d)."""
        real = mask[:, None].to(tokens.dtype)
        values = self.norm(tokens).transpose(1, 2) * real
        values = nn.functional.gelu(self.first(values)) * real
        return tokens + self.second(values).transpose(1, 2)


def _eights(width: int) -> int:
    """Return the multiple of 8 at or above a width, for groups of channels."""
    return -(-width // 8) * 8
