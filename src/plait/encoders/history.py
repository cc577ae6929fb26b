"""What somebody chose before, read by what reads the items themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from plait.attention import Rotary, Transformer, require_heads
from plait.config import check_range
from plait.encoders.encoder import Encoder
from plait.encoders.padding import prefixes
from plait.types import Features, Sample, mean_of


@dataclass(frozen=True)
class HistoryConfig:
    """Settings of how a history is read.

    Attributes:
        reads: `attention`, or the `mean` of the items, which has no order.
        longest: items that are read, the newest.
        heads: of the attention.
        layers: of the attention.
        dropout: of the attention.
    """

    reads: Literal["attention", "mean"] = "attention"
    longest: int = 20
    heads: int = 4
    layers: int = 1
    dropout: float = 0.1

    def __post_init__(self) -> None:
        check_range(self, "longest", 1, 10_000)
        check_range(self, "heads", 1, 1024)
        check_range(self, "layers", 1, 100)
        check_range(self, "dropout", 0.0, 0.9)


class Tower(Protocol):
    """What reads items: their vectors by their numbers."""

    @property
    def width(self) -> int:
        """The width d of the vectors."""

    def __call__(self, numbers: Tensor) -> Tensor:
        """Return (k d) vectors of (k) items."""


class History(Encoder):
    """The items of a history, newest last, as one vector: their mean, or by attention.

        mean:       h = 1/t sum_j v_j
        attention:  h = Transformer([q; v_t; ...; v_1])_0

    A learned query q reads the vectors v of the items' own tower, turned by how many choices ago
    each was made. As SASRec (Kang and McAuley, ICDM 2018, section III) it attends to what came
    before only: every history ends before the row that it belongs to. Content makes the vectors, so
    an item that is new counts in a history at once.

    Args:
        tower: of the items; its weights belong to what reads the items, and are not saved here.
        config: settings.

    Raises:
        ConfigError: when the heads cannot share the tower's width.
    """

    trained = True

    def __init__(self, tower: Tower, config: HistoryConfig) -> None:
        super().__init__()
        self._tower = (tower,)  # in a tuple, or its weights would be this module's, too
        self.config = config
        if config.reads == "attention":
            width, heads = tower.width, config.heads
            require_heads(width, heads)
            self.query = nn.Parameter(torch.randn(width) * width**-0.5)
            self.norm = nn.LayerNorm(width)
            self.rotary = Rotary(width // heads, 2.0, 4.0 * config.longest)
            self.transformer = Transformer(width, heads, config.layers, config.dropout)

    @property
    def tower(self) -> Tower:
        """The tower of the items."""
        return self._tower[0]

    @property
    def width(self) -> int:
        """The width of the tower's vectors."""
        return self.tower.width

    def preprocess(self, value: Any) -> Sample:
        """Return the newest (t) numbers of items; None where there are none."""
        newest = np.asarray(value, dtype=np.int64)[-self.config.longest :]
        return newest if len(newest) else None

    def fit(self, samples: Sequence[Sample | None], target: np.ndarray, seed: int) -> None:
        """Learn nothing: weights are learned with the network."""

    def encode(self, samples: Sequence[Sample]) -> Features:
        """Return Features of (b) histories, newest last.

        Args:
            samples: each (t) numbers of items, which the tower reads; or, once it has learned,
                the (t d) vectors that it gave them.
        """
        lengths = [len(sample) for sample in samples]
        rows = [torch.from_numpy(sample[::-1].copy()) for sample in samples]
        items = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        mask = prefixes(lengths, items.shape[1])
        if not items.is_floating_point():
            distinct, places = items.unique(return_inverse=True)
            vectors = self.tower(distinct)
            items, mask = vectors[places.to(vectors.device)], mask.to(vectors.device)
        return Features.of_vectors(self._pooled(items, mask))

    def _pooled(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Return (b d) of (b t d) items, the newest first."""
        if self.config.reads == "mean":
            return mean_of(tokens, mask)
        count, most = mask.shape
        asks = self.query.expand(count, 1, -1)
        tokens = torch.cat([asks, self.norm(tokens)], dim=1)
        mask = torch.cat([mask.new_ones(count, 1), mask], dim=1)
        ago = torch.arange(most + 1, dtype=torch.float32, device=mask.device)
        found: Tensor = self.transformer.first(tokens, mask, self.rotary(ago[None], None))
        return found
