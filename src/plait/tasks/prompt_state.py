"""What a language model remembers of texts under way: its keys and values, and which are real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from torch import Tensor
from transformers.cache_utils import DynamicLayer

from plait.decoding.decoder import State, below

ROOM = 64
"""Tokens that a layer makes room for at a time."""


class RoomyLayer(DynamicLayer):
    """Keys and values with room for the next tokens, so that a step does not copy all of them.

    transformers' own layer is copied with every token: for 32 texts of a small model that moves as
    many bytes as reading its weights does.

    Args:
        keys: (b h t d), that there are already.
        values: (b h t d).
    """

    keys: Tensor
    values: Tensor

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        super().__init__()
        self.lazy_initialization(keys, values)
        self.put(keys, values)

    def put(self, keys: Tensor, values: Tensor) -> None:
        """Go on with other keys and values, of whatever texts."""
        self.keys, self.values = keys, values
        self.room: list[Tensor] = []

    def update(
        self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """Take in the keys and values of new tokens, and return those of all tokens."""
        length, more = self.keys.shape[2], key_states.shape[2]
        if not self.room or self.room[0].shape[2] < length + more:
            self.room = [_with_room(own, more) for own in (self.keys, self.values)]
        for whole, new in zip(self.room, (key_states, value_states), strict=True):
            whole[:, :, length : length + more] = new
        self.keys, self.values = (whole[:, :, : length + more] for whole in self.room)
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep the given rows."""
        self.put(self.keys[indices], self.values[indices])


def _roomy(layer: Any) -> Any:
    """Return a layer with room; one that does not keep all tokens stays what it is."""
    whole = type(layer) is DynamicLayer and layer.is_initialized
    return RoomyLayer(layer.keys, layer.values) if whole else layer


def _with_room(own: Tensor, more: int) -> Tensor:
    """Return (b h t + more + ROOM d) that begin with what there is."""
    shape = list(own.shape)
    shape[2] += more + ROOM
    whole = own.new_empty(shape)
    whole[:, :, : own.shape[2]] = own
    return whole


@dataclass
class PromptState(State):
    """What the model keeps of its text so far, and which of it is real."""

    cache: Any
    mask: Tensor

    def __post_init__(self) -> None:
        if hasattr(self.cache, "layers"):
            self.cache.layers = [_roomy(layer) for layer in self.cache.layers]

    def select(self, rows: Tensor) -> None:
        """Go on with the given rows, (k) long."""
        self.cache.batch_select_indices(rows)
        self.mask = self.mask[rows]

    @property
    def can_join(self) -> bool:
        """Whether every layer remembers all tokens; others know by number where they are."""
        layers = getattr(self.cache, "layers", ())
        return bool(layers) and all(isinstance(layer, RoomyLayer) for layer in layers)

    def join(self, other: Self) -> None:
        """Go on with the texts of another state too, so that all of them end in one place."""
        unused = int((~self.mask.any(dim=0)).long().cumprod(dim=0).sum())
        for own, layer in zip(self.cache.layers, other.cache.layers, strict=True):
            own.put(
                below(own.keys[:, :, unused:], layer.keys, 2),
                below(own.values[:, :, unused:], layer.values, 2),
            )
        self.mask = below(self.mask[:, unused:], other.mask, 1)
