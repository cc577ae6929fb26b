"""The stem of texts: subwords learned on the table's own texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from plait.encoders.padding import prefixes
from plait.encoders.trained import Stem, TrainedConfig
from plait.subwords import learn_subwords
from plait.types import Features

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PADDING, EMPTY = "[padding]", "[empty]"


class Subwords(Stem):
    """A vector a subword (see `plait.subwords`) of texts in NFKC and lower case."""

    def __init__(self, config: TrainedConfig) -> None:
        super().__init__()
        self.config = config
        self.vectors = nn.Embedding(1, config.width)
        self._tokenizer: Tokenizer | None = None

    def preprocess(self, value: str) -> str:
        """Return the text itself; it is taken apart in batches."""
        return value

    def fit(self, samples: Sequence[str | None]) -> None:
        """Learn the subwords, and make new vectors."""
        there = (text for text in samples if text is not None)
        tokenizer = learn_subwords(there, self.config.vocabulary, [PADDING, EMPTY], lowercase=True)
        self.set_extra_state({"tokenizer": tokenizer.to_str()})
        nn.init.normal_(self.vectors.weight, std=0.1)

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take the subwords back, and make room for their vectors."""
        super().set_extra_state(state)
        if not state:
            return
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_str(state["tokenizer"])
        self._tokenizer.encode_special_tokens = True  # a text that says "[empty]" is a text
        self._tokenizer.enable_truncation(self.config.longest)
        self.vectors = nn.Embedding(self._tokenizer.get_vocab_size(), self.config.width)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the characters that each subword was made from."""
        assert self._tokenizer is not None
        return list(self._tokenizer.encode(text).offsets) or [(0, 0)]

    def forward(self, samples: Sequence[str]) -> Features:
        """Return a token a subword; a text without any gets one that says so."""
        assert self._tokenizer is not None
        empty = [self._tokenizer.token_to_id(EMPTY)]
        numbers = [encoded.ids or empty for encoded in self._tokenizer.encode_batch(list(samples))]
        longest = max(map(len, numbers))
        padding = self._tokenizer.token_to_id(PADDING)
        padded = torch.tensor([own + [padding] * (longest - len(own)) for own in numbers])
        mask = prefixes([len(own) for own in numbers], longest)
        device = self.vectors.weight.device
        mask = mask.to(device)
        return Features.of_tokens(self.vectors(padded.to(device)) * mask[:, :, None], mask)
