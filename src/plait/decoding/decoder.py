"""The contract of what writes: Features in, the next token out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from plait.types import Features

NOTHING = -1
"""Stands after the last token of a text that is shorter than others of its batch."""


def below(one: Tensor, two: Tensor, places: int, at_end: bool = False) -> Tensor:
    """Return the rows of both, the shorter one grown by zeros, at its beginning or its end.

    Args:
        one: (b ...).
        two: (k ...), of the same shape but for its rows and `places`.
        places: the dimension that grows.
        at_end: whether zeros stand behind what there is.
    """
    length = max(one.shape[places], two.shape[places])

    def grown(values: Tensor) -> Tensor:
        more = length - values.shape[places]
        after = [0, 0] * (values.ndim - 1 - places)
        return pad(values, [*after, 0, more] if at_end else [*after, more, 0])

    return torch.cat([grown(one), grown(two)])


class State(ABC):
    """What a decoder remembers of (b) texts that it is writing."""

    @abstractmethod
    def select(self, rows: Tensor) -> None:
        """Go on with the given rows, (k) long, in their order; they may repeat, or be fewer."""

    @property
    def can_join(self) -> bool:
        """Whether texts of another state can be written beside these."""
        return False

    def join(self, other: Self) -> None:
        """Go on with the texts of another state too, after these; see `can_join`."""
        raise NotImplementedError


class Decoder(nn.Module, ABC):
    """Gives scores (logits) of each of v tokens to be the next.

    `end` is the token that ends a text.
    """

    end: int

    @property
    @abstractmethod
    def size(self) -> int:
        """The number v of tokens that have a score."""

    @abstractmethod
    def forward(self, features: Features, tokens: Tensor) -> Tensor:
        """Return (b t v) scores of every token of known texts, given those before it.

        Args:
            features: of b rows.
            tokens: (b t); `NOTHING` after the end of a text.
        """

    @abstractmethod
    def start(self, features: Features) -> tuple[State, Tensor]:
        """Return what is remembered of b rows, and (b v) scores of their first token."""

    def rates(self) -> dict[nn.Parameter, float]:
        """Return the highest learning rate of each weight that has one of its own."""
        return {}

    @abstractmethod
    def step(self, state: State, tokens: Tensor) -> Tensor:
        """Return (b v) scores of the token after (b) tokens; the state remembers these."""
