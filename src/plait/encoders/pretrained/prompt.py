"""Texts and table rows as a language model reads them: its own tokens, with its own vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from plait.encoders.encoder import Encoder
from plait.encoders.padding import prefixes
from plait.subwords import Vocabulary
from plait.types import Column, Features, Sample


class Prompt(Encoder):
    """The tokens of a text, or of the cells of a table row, a line each: `price: 12`.

    Args:
        columns: that are read.
        vocabulary: of the language model.
        vectors: its matrix of token vectors, which stays its own.
        longest: most tokens; the rest is cut off.
        lead: tokens that stand before all of them.
    """

    trained = True

    def __init__(
        self,
        columns: Sequence[Column],
        vocabulary: Vocabulary,
        vectors: nn.Module,
        longest: int,
        lead: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.columns, self.vocabulary, self.longest = tuple(columns), vocabulary, longest
        self.lead = list(lead)
        self.vectors = [vectors]  # in a list, so that it is no part of this one

    @property
    def width(self) -> int:
        """That of the language model."""
        weight = self.vectors[0].weight
        assert isinstance(weight, Tensor)
        return weight.shape[1]

    def preprocess(self, value: Any) -> Sample:
        """Return a value as text."""
        if not isinstance(value, tuple):
            return f"{value}\n"
        cells = zip(self.columns, value, strict=True)
        return "".join(f"{c.name}: {_said(cell)}\n" for c, cell in cells if cell is not None)

    def fit(self, samples: Sequence[Sample | None], target: np.ndarray, seed: int) -> None:
        """Nothing is to be learned."""

    def encode(self, samples: Sequence[Sample]) -> Features:
        """Return a token a subword."""
        encoded = self.vocabulary.encode(list(samples), self.longest + 1)
        tokens = [[*self.lead, *own[:-1]] for own in encoded]
        most = max(max(map(len, tokens)), 1)
        numbers = torch.tensor([own + [0] * (most - len(own)) for own in tokens])
        mask = prefixes([len(own) for own in tokens], most)
        (vectors,) = self.vectors
        device = next(vectors.parameters()).device
        mask = mask.to(device)
        made: Tensor = vectors(numbers.to(device)) * mask[:, :, None]
        return Features.of_tokens(made, mask)


def _said(cell: Any) -> str:
    if isinstance(cell, tuple):
        return ", ".join(map(str, cell))
    return f"{cell:g}" if isinstance(cell, float) else str(cell)
