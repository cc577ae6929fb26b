"""The item tower: what an item is, as one vector, alone and in the history of a user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from plait.encoders.encoder import Encoder
from plait.fusion.fusion import Fusion
from plait.layers import Bounded, Fitted
from plait.types import Features, Sample

IDENTITY = "(identity)"
"""The source that tells an item from all others that have the same content."""


class ItemTower(Fitted):
    """v_j = W fusion(content of item j, identity of item j).

    The identity is a vector learned for each item that was chosen while learning. Any other item
    lacks it, as a row may lack a picture; so that this is nothing new, it is hidden at random in
    training (DropoutNet, Volkovs et al., NeurIPS 2017), and a new item stands where
    its content puts it.

    Args:
        fusion: of the sources of content, and of `IDENTITY` where there is one.
        width: of the vectors.
        known: (n) of each item, whether it was chosen while learning.
        hidden: share of identities that are hidden in training.
    """

    vectors: Tensor

    def __init__(self, fusion: Fusion, width: int, known: Tensor, hidden: float) -> None:
        super().__init__()
        self.fusion, self.hidden = fusion, hidden
        self.to_space = nn.Sequential(Bounded(), nn.Linear(fusion.width, width, bias=False))
        size = fusion.widths.get(IDENTITY, 0)
        self.identities = nn.Embedding(len(known), size) if size else None
        if self.identities is not None:
            nn.init.normal_(self.identities.weight, std=size**-0.5)  # as long as encoders' Features
        self.learn(known=known, vectors=torch.zeros(0, width))
        self.content: Mapping[str, Features] = {}

    known: Tensor

    @property
    def width(self) -> int:
        """The width d of the vectors."""
        return self.vectors.shape[1]

    def forward(self, numbers: Tensor) -> Tensor:
        """Return (k d) vectors of items by their (k) numbers."""
        numbers = numbers.to(self.vectors.device)
        if len(self.vectors) and not self.training:
            return self.vectors[numbers]
        content = {name: part.take(numbers.cpu()).to(self.vectors.device)
                   for name, part in self.content.items()}  # fmt: skip
        return self.of(content, numbers)

    def of(self, content: Mapping[str, Features], numbers: Tensor | None) -> Tensor:
        """Return (k d) vectors of items by their content, new ones where there are no numbers."""
        sources = dict(content)
        if self.identities is not None:
            sources[IDENTITY] = self._identity(content, numbers)
        joined = self.fusion(sources)
        found: Tensor = self.to_space(joined.pooled)
        return found * joined.present[:, None].to(found.dtype)

    def _identity(self, content: Mapping[str, Features], numbers: Tensor | None) -> Features:
        assert self.identities is not None
        if numbers is None:
            count = len(next(iter(content.values())))
            blank = self.identities.weight.new_zeros(count, self.identities.embedding_dim)
            return Features.from_pooled(blank, torch.zeros(count, dtype=torch.bool))
        there = self.known[numbers] > 0
        if self.training and self.hidden:
            there = there & (torch.rand(len(there), device=there.device) >= self.hidden)
        return Features.from_pooled(self.identities(numbers), there)

    @torch.no_grad()
    def keep(self) -> None:
        """Compute the vectors of all items, once what makes them is learned."""
        self.eval()
        self.learn(vectors=torch.zeros(0, self.width))
        self.learn(vectors=self(torch.arange(len(self.known))))


class Item(Encoder):
    """An item by its number, through the item tower."""

    trained = True

    def __init__(self, tower: ItemTower) -> None:
        super().__init__()
        self.tower = tower

    @property
    def width(self) -> int:
        """The width of the tower's vectors."""
        return self.tower.width

    def preprocess(self, value: Any) -> Sample:
        """Return the number."""
        return value

    def fit(self, samples: Sequence[Sample | None], target: np.ndarray, seed: int) -> None:
        """Learn nothing: the tower learns with its network."""

    def encode(self, samples: Sequence[Sample]) -> Features:
        """Return Features of (b) items by their numbers; each is computed once."""
        numbers = torch.tensor([int(sample) for sample in samples])
        distinct, places = numbers.to(self.tower.vectors.device).unique(return_inverse=True)
        return Features.of_vectors(self.tower(distinct)[places])
