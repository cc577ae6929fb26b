"""What a user chose before, read through the item tower."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from plait.attention import Rotary, Transformer
from plait.encoders.encoder import Encoder
from plait.encoders.padding import prefixes
from plait.recommendation.items import ItemTower
from plait.types import Features, Sample, mean_of

Reads = Literal["attention", "mean", "none"]


class History(Encoder):
    """The items of a history, newest last, as one vector: their mean, or by attention.

        mean:       h = 1/t sum_j v_j
        attention:  h = Transformer([q; v_t; ...; v_1])_0

    A learned query q reads the vectors of the item tower, turned by how many choices ago each was
    made. As SASRec (Kang and McAuley, ICDM 2018, section III) it attends to what came before only:
    every history ends before the row that it belongs to. Content makes the vectors, so an item
    that is new counts in a history at once.

    Args:
        tower: of the items; it belongs to the encoder of items, and is not saved here again.
        reads: `attention` or `mean`.
        longest: items that are looked at, the newest.
        heads: of attention.
        layers: of attention.
        dropout: of attention.
    """

    trained = True

    def __init__(
        self,
        tower: ItemTower,
        reads: Reads,
        longest: int,
        heads: int,
        layers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self._tower = (tower,)  # in a tuple, or its weights would be this module's, too
        self.longest, self.reads = longest, reads
        if reads == "attention":
            width = tower.width
            self.query = nn.Parameter(torch.randn(width) * width**-0.5)
            self.norm = nn.LayerNorm(width)
            self.rotary = Rotary(width // heads, 2.0, 4.0 * longest)
            self.transformer = Transformer(width, heads, layers, dropout)

    @property
    def tower(self) -> ItemTower:
        """The tower of the items."""
        return self._tower[0]

    @property
    def width(self) -> int:
        """The width of the item tower's vectors."""
        return self.tower.width

    def preprocess(self, value: Any) -> Sample:
        """Return the newest (t) numbers of items; None where there are none."""
        newest = np.asarray(value, dtype=np.int64)[-self.longest :]
        return newest if len(newest) else None

    def fit(self, samples: Sequence[Sample | None], target: np.ndarray, seed: int) -> None:
        """Learn nothing: weights are learned with the network."""

    def encode(self, samples: Sequence[Sample]) -> Features:
        """Return Features of (b) histories, each (t) numbers of items, newest last."""
        lengths = [len(sample) for sample in samples]
        device = self.tower.vectors.device
        rows = [torch.from_numpy(sample[::-1].copy()) for sample in samples]
        numbers = nn.utils.rnn.pad_sequence(rows, batch_first=True).to(device)
        mask = prefixes(lengths, numbers.shape[1]).to(device)
        distinct, places = numbers.unique(return_inverse=True)
        tokens = self.tower(distinct)[places]
        return Features.of_vectors(self._pooled(tokens, mask))

    def _pooled(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Return (b d) of (b t d) items, the newest first."""
        if self.reads == "mean":
            return mean_of(tokens, mask)
        count, most = mask.shape
        asks = self.query.expand(count, 1, -1)
        tokens = torch.cat([asks, self.norm(tokens)], dim=1)
        mask = torch.cat([mask.new_ones(count, 1), mask], dim=1)
        ago = torch.arange(most + 1, dtype=torch.float32, device=mask.device).expand(count, -1)
        found: Tensor = self.transformer(tokens, mask, self.rotary(ago, None))[:, 0]
        return found
