"""A text as it was written: its tokens, and how sure the model was of each."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Written:
    """The tokens of a text, without what ends it.

    Attributes:
        tokens: numbers of the vocabulary.
        log_probabilities: of each token given those before it, and of the end, if it was reached;
            before temperature, and before anything was left out.
        ended: whether it came to its end, or was cut off.
    """

    tokens: tuple[int, ...]
    log_probabilities: tuple[float, ...]
    ended: bool

    @property
    def log_probability(self) -> float:
        """Of the whole text."""
        return math.fsum(self.log_probabilities)

    @property
    def confidence(self) -> float:
        """Geometric mean of the probabilities of its tokens, in 0..1."""
        return math.exp(self.log_probability / max(len(self.log_probabilities), 1))

    def with_end(self, end: int) -> list[int]:
        """Return the tokens, and the one that ends texts if it was reached."""
        return [*self.tokens, *([end] * self.ended)]

    def __len__(self) -> int:
        return len(self.tokens)
