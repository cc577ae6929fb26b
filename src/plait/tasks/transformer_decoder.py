"""The decoder of one's own: a Transformer that looks back at its text, and over at the Features."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self, cast

import torch
from torch import Tensor, nn

from plait.attention import Attention, Memory, Rotary, Turn
from plait.chance import Dropout
from plait.decoding.decoder import Decoder, State, below
from plait.layers import feed_forward
from plait.types import Features

SHORTEST, LONGEST = 4.0, 4096.0
"""Periods of the rotations by the number of a token in its text."""


class DecoderBlock(nn.Module):
    """x + A(LN(x)), then y + C(LN(y), c), then z + MLP(LN(z)): causal, cross, hidden.

    Vaswani et al. (2017), section 3.1, normalising first (Xiong et al., 2020, figure 1b).
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm, self.cross_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads, dropout)
        self.cross = Attention(width, heads, dropout)
        self.hidden = feed_forward(width, dropout)

    def forward(
        self,
        tokens: Tensor,
        past: Memory | None,
        seen: Tensor,
        turn: Turn | None,
        context: Memory,
        context_seen: Tensor,
    ) -> tuple[Tensor, Memory]:
        """Return (b t d), and keys and values of all tokens so far.

        Args:
            tokens: (b t d), that are new.
            past: keys and values of those before them.
            seen: (b t s), True where a new token may look at one so far.
            turn: of the new tokens.
            context: keys and values of the Features.
            context_seen: (b 1 s), True where these are real.
        """
        own = self.norm(tokens)
        memory = self.attention.remember(own, turn)
        if past is not None:
            memory = tuple(torch.cat(pair, dim=2) for pair in zip(past, memory, strict=True))  # type: ignore[assignment]
        tokens = tokens + self.attention.recall(own, memory, seen, turn)
        tokens = tokens + self.cross.recall(self.cross_norm(tokens), context, context_seen)
        added: Tensor = tokens + self.hidden(tokens)
        return added, memory


@dataclass
class DecoderState(State):
    """Keys and values of each layer: of the text so far, and of the Features.

    Attributes:
        past: of the text, (b h t d) in each layer; its last token is the last.
        context: of the Features, (b h s d) in each layer.
        context_seen: (b 1 s), True where these are real.
        begins: (b), where in `past` each text begins.
    """

    past: list[Memory | None]
    context: list[Memory]
    context_seen: Tensor
    begins: Tensor

    @property
    def length(self) -> int:
        """The t tokens of the longest text so far."""
        return 0 if self.past[0] is None else self.past[0][0].shape[2]

    def select(self, rows: Tensor) -> None:
        """Go on with the given rows, (k) long."""
        self.past = [None if own is None else _rows(own, rows) for own in self.past]
        self.context = [_rows(own, rows) for own in self.context]
        self.context_seen, self.begins = self.context_seen[rows], self.begins[rows]

    @property
    def can_join(self) -> bool:
        """Always."""
        return True

    def join(self, other: Self) -> None:
        """Go on with the texts of another state too, so that all of them end in one place."""
        self._forget()
        length = max(self.length, other.length)
        self.begins = torch.cat([own.begins + length - own.length for own in (self, other)])
        pasts = zip(self.past, other.past, strict=True)
        self.past = [_below(one, two) for one, two in pasts if one and two]
        contexts = zip(self.context, other.context, strict=True)
        self.context = [_below(one, two, at_end=True) for one, two in contexts]
        self.context_seen = below(self.context_seen, other.context_seen, 2, at_end=True)

    def _forget(self) -> None:
        """Let go of the first places of the past and the last of the context that no text uses."""
        first, real = int(self.begins.min()), self.context_seen.any(dim=0)[0].nonzero()
        last = int(real.max()) + 1 if len(real) else 1
        self.past = [own and (own[0][:, :, first:], own[1][:, :, first:]) for own in self.past]
        self.context = [(keys[:, :, :last], values[:, :, :last]) for keys, values in self.context]
        self.context_seen, self.begins = self.context_seen[:, :, :last], self.begins - first


def _rows(memory: Memory, rows: Tensor) -> Memory:
    return memory[0][rows], memory[1][rows]


def _below(one: Memory, two: Memory, at_end: bool = False) -> Memory:
    return below(one[0], two[0], 2, at_end), below(one[1], two[1], 2, at_end)


class TransformerDecoder(Decoder):
    """Blocks over the text so far, with the Features as their context.

    The vectors of tokens are read and written with one matrix (Press and Wolf, EACL 2017).

    Args:
        width_in: d of the Features.
        tokens: v, of the vocabulary.
        begin: the token that stands before a text.
        end: the token that ends it.
        width: of the blocks.
        layers: blocks.
        heads: of attention.
        dropout: in training.
    """

    def __init__(
        self,
        width_in: int,
        tokens: int,
        begin: int,
        end: int,
        width: int,
        layers: int,
        heads: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.begin, self.end = begin, end
        self.context = nn.Sequential(nn.LayerNorm(width_in), nn.Linear(width_in, width))
        self.vectors = nn.Embedding(tokens, width)
        nn.init.normal_(self.vectors.weight, std=width**-0.5)
        self.dropout = Dropout(dropout)
        self.blocks = nn.ModuleList(DecoderBlock(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.rotary = Rotary(width // heads, SHORTEST, LONGEST)

    @property
    def size(self) -> int:
        """All tokens of the vocabulary."""
        return self.vectors.num_embeddings

    def forward(self, features: Features, tokens: Tensor) -> Tensor:
        """Return (b t v)."""
        state = self._begin(features)
        before = tokens.new_full((len(tokens), 1), self.begin)
        return self._scores(state, torch.cat([before, tokens[:, :-1].clamp_min(0)], dim=1))

    def start(self, features: Features) -> tuple[State, Tensor]:
        """Return the Features' keys and values, and the scores after the token that begins."""
        state = self._begin(features)
        begin = torch.full((len(features),), self.begin, device=features.mask.device)
        return state, self.step(state, begin)

    def step(self, state: State, tokens: Tensor) -> Tensor:
        """Return (b v)."""
        assert isinstance(state, DecoderState)
        return self._scores(state, tokens[:, None])[:, -1]

    def _begin(self, features: Features) -> DecoderState:
        context = self.context(features.tokens)
        blocks = cast(Iterable[DecoderBlock], self.blocks)
        memories = [block.cross.remember(context) for block in blocks]
        begins = torch.zeros(len(features), dtype=torch.long, device=features.mask.device)
        return DecoderState([None] * len(self.blocks), memories, features.mask[:, None], begins)

    def _scores(self, state: DecoderState, tokens: Tensor) -> Tensor:
        """Return (b t v), and let the state remember the (b t) tokens."""
        length = state.length + tokens.shape[1]
        place, first = torch.arange(length, device=tokens.device), state.begins[:, None]
        turn = self.rotary((place[state.length :] - first).float(), None)
        seen = (place[state.length :, None] >= place) & (place >= first)[:, None]
        # Of length 1, not sqrt(d): else what is seen is a tenth of what it is added to, and is
        # learned ten times as slowly.
        values = self.dropout(self.vectors(tokens))
        for number_of, block in enumerate(self.blocks):
            values, state.past[number_of] = block(
                values, state.past[number_of], seen, turn, state.context[number_of],
                state.context_seen,
            )  # fmt: skip
        scores: Tensor = nn.functional.linear(self.norm(values), self.vectors.weight)
        return scores
