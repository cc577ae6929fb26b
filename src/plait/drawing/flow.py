"""The contract of what draws: where a picture that is half noise is going."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from torch import Tensor, nn

from plait.types import Features


class Shape(NamedTuple):
    """Of what a flow goes to: channels, height, width."""

    channels: int
    height: int
    width: int


class Flow(nn.Module, ABC):
    """Gives the velocity of what lies between noise (time 0) and a picture (time 1).

    `shape` is that of one picture, or of its latents.
    """

    shape: Shape

    @abstractmethod
    def forward(self, between: Tensor, time: Tensor, features: Features) -> Tensor:
        """Return the velocity (b c h w) by which `between` moves.

        Args:
            between: (b c h w).
            time: (b) in 0..1.
            features: of b rows; those where nothing is present are drawn from nothing.
        """
