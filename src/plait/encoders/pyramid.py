"""Pictures at several scales: tokens for a fusion, and maps beside it for answers in pixels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from plait.chance import seeded
from plait.data.image import Picture
from plait.encoders.convolutional import ResidualStages
from plait.encoders.encoder import Encoder
from plait.encoders.pictures import by_row, grid_places, normalised, squares
from plait.encoders.trained import TrainedConfig
from plait.errors import CellError
from plait.layers import renew
from plait.maps import Maps
from plait.types import Features, Sample


class Pyramid(Encoder):
    """One picture a row, whose cells are kept at several scales.

    The coarsest cells are tokens with a place. What changes pictures at random while a network
    learns must change the masks with them, so none of it is done here.

    Args:
        side: height and width that pictures are brought to, in pixels.
        width: d of the tokens.
        coarsest: width of the coarsest map.
    """

    trained = True
    costly = True

    def __init__(self, side: int, width: int, coarsest: int) -> None:
        super().__init__()
        self.side, self._width = side, width
        self.map = nn.Linear(coarsest, width)

    @property
    def width(self) -> int:
        """The width of the tokens."""
        return self._width

    @property
    @abstractmethod
    def widths(self) -> tuple[int, ...]:
        """The width of every map, the finest first."""

    @property
    @abstractmethod
    def finest(self) -> int:
        """Pixels of the picture to the side of a cell of the finest map."""

    @abstractmethod
    def scales(self, samples: Sequence[np.ndarray]) -> Sequence[Tensor]:
        """Return the maps of (b) samples, each (b d h w), the finest first."""

    def preprocess(self, value: Sequence[Picture]) -> np.ndarray:
        """Return (1 side side 3) uint8.

        Raises:
            CellError: when the row has several pictures.
        """
        if len(value) != 1:
            raise CellError(f"one picture is answered in pixels, and there are {len(value)} here")
        return squares(value, self.side)

    def fit(self, samples: Sequence[Sample | None], target: np.ndarray, seed: int) -> None:
        """Make new weights from the seed, but for those that were learned before."""
        with seeded(seed):
            self.begin()

    def begin(self) -> None:
        """Make the new weights, from torch's own generator."""
        self.map.reset_parameters()

    def encode(self, samples: Sequence[np.ndarray]) -> Features:
        """Return a token a cell of the coarsest map, and all maps."""
        maps = Maps(tuple(self.scales(samples)), torch.arange(len(samples)))
        coarsest = maps.scales[-1]
        tokens = self.map(coarsest.flatten(start_dim=2).transpose(1, 2))
        features = by_row(tokens, grid_places(*coarsest.shape[2:]), [1] * len(samples))
        return replace(features, maps=maps)


class ResidualPyramid(Pyramid):
    """The stages of a residual network that is trained from scratch.

    Args:
        side: of the pictures.
        config: settings.
    """

    def __init__(self, side: int, config: TrainedConfig) -> None:
        network = ResidualStages(3, config)
        super().__init__(side, config.width, network.widths[-1])
        self.network = network

    @property
    def widths(self) -> tuple[int, ...]:
        """Those of the stages."""
        return self.network.widths

    @property
    def finest(self) -> int:
        """That of the first stage."""
        return self.network.strides[0]

    def scales(self, samples: Sequence[np.ndarray]) -> Sequence[Tensor]:
        """Return the cells of every stage."""
        return self.network.scales(normalised(samples)[0])

    def begin(self) -> None:
        """Make all weights."""
        renew(self)
