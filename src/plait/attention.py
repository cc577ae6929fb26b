"""The one attention of the package, and the positions in time and space that it knows."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from plait.chance import hidden
from plait.errors import ConfigError
from plait.layers import feed_forward

Turn = tuple[Tensor, Tensor]
"""Cosines and sines of the angles that tokens are turned by, each (b 1 t d/2) of one head."""


Memory = tuple[Tensor, Tensor]
"""Keys and values, each (b h s d) of one head."""


class Rotary(nn.Module):
    """Turns queries and keys by when and where their tokens are.

        angle_j = 2 pi (time / period_j + [height, width]_(j mod 2) / span_j)

    The product of a turned query and a turned key depends on the difference of their times and
    places alone, whatever the rates of their streams. A token without a time or place is not turned
    by it. Follows Su et al., RoFormer (2021), section 3.2.2, with seconds in place of the index,
    and axial in space as Heo et al. (ECCV 2024), section 3.1.

    Args:
        width: d of one head; even.
        shortest: period of the fastest pair of features, in units of time.
        longest: period of the slowest.
    """

    def __init__(self, width: int, shortest: float = 0.1, longest: float = 100.0) -> None:
        super().__init__()
        self.per_time = nn.Buffer(_frequencies(width // 2, shortest, longest), persistent=False)
        self.per_place = nn.Buffer(_frequencies(width // 2, 0.1, 4.0), persistent=False)

    def forward(self, time: Tensor | None, place: Tensor | None) -> Turn | None:
        """Return the turn of tokens at (b t) times and (b t 2) places; NaN for those without."""
        if time is None and place is None:
            return None
        angles = torch.zeros((), device=self.per_time.device)
        if time is not None:
            angles = angles + time.nan_to_num()[:, :, None] * self.per_time
        if place is not None:
            pairs = torch.arange(len(self.per_place), device=place.device) % 2
            angles = angles + place.nan_to_num()[:, :, pairs] * self.per_place
        return angles.cos()[:, None], angles.sin()[:, None]


def _frequencies(count: int, shortest: float, longest: float) -> Tensor:
    """Return (count) angles a unit, geometrically from the shortest to the longest period."""
    steps = torch.linspace(0, 1, count) if count > 1 else torch.zeros(count)
    return 2 * math.pi / (shortest * (longest / shortest) ** steps)


def turned(values: Tensor, turn: Turn | None) -> Tensor:
    """Return (b h t d) values with each pair of features turned by its token's angle."""
    if turn is None:
        return values
    cosines, sines = (part.to(values.dtype) for part in turn)
    one, other = values.chunk(2, dim=-1)
    return torch.cat([one * cosines - other * sines, one * sines + other * cosines], dim=-1)


def require_heads(width: int, heads: int) -> None:
    """Refuse a width that heads cannot share in even parts.

    Raises:
        ConfigError: saying what it must be.
    """
    if width % (2 * heads):
        raise ConfigError(
            f"A width of {width} cannot be shared by {heads} heads of attention: it must be a "
            f"multiple of {2 * heads}."
        )


class Attention(nn.Module):
    """softmax(q k' / sqrt(d)) v in several heads (Vaswani et al., 2017, section 3.2.2).

    Args:
        width: d of the tokens.
        heads: that share it; each gets an even part.
        dropout: share of the weights dropped in training.

    Raises:
        ConfigError: when the heads cannot share the width.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        require_heads(width, heads)
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(
        self,
        tokens: Tensor,
        context: Tensor,
        mask: Tensor,
        turn: Turn | None = None,
        context_turn: Turn | None = None,
    ) -> Tensor:
        """Return (b t d), zero in rows without any context.

        Args:
            tokens: (b t d), that ask.
            context: (b s d), that answer.
            mask: (b s), True where the context is real.
            turn: of the tokens.
            context_turn: of the context.
        """
        return self.recall(tokens, self.remember(context, context_turn), mask[:, None], turn)

    def remember(self, context: Tensor, turn: Turn | None = None) -> Memory:
        """Return keys and values of a context (b s d), to be asked more than once."""
        key, value = self.key_value(context).chunk(2, dim=-1)
        return turned(self._split(key), turn), self._split(value)

    def recall(
        self, tokens: Tensor, memory: Memory, seen: Tensor, turn: Turn | None = None
    ) -> Tensor:
        """Return (b t d), zero where a token sees nothing.

        Args:
            tokens: (b t d), that ask.
            memory: of s tokens, that answer.
            seen: (b t s), or with 1 for b or t: True where a token may look.
            turn: of the tokens.
        """
        query = turned(self._split(self.query(tokens)), turn)
        anything = seen.any(dim=-1, keepdim=True)
        # Without anything to see it would be 0 / 0: it looks at everything, and is zero below.
        allowed = (seen | ~anything)[:, None]
        found = _attended(query, memory, allowed, self.dropout if self.training else 0.0)
        joined = self.out(found.transpose(1, 2).flatten(start_dim=2))
        return joined * anything.to(joined.dtype)

    def _split(self, values: Tensor) -> Tensor:
        """Return (b h t d/h)."""
        return values.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def _attended(query: Tensor, memory: Memory, allowed: Tensor, dropout: float) -> Tensor:
    """Return (b h t d); on processors never in bfloat16, whose kernel takes three times as long."""
    if query.device.type != "cpu" or query.dtype == torch.float64:
        return _looked(query, memory, allowed, dropout)
    with torch.autocast("cpu", enabled=False):
        key, value = (part.float() for part in memory)
        found = _looked(query.float(), (key, value), allowed, dropout)
    return found.to(query.dtype)


def _looked(query: Tensor, memory: Memory, allowed: Tensor, dropout: float) -> Tensor:
    """Return (b h t d), softmax(q k' / sqrt(d)) v, the weights with dropout."""
    if not dropout or query.device.type != "cpu":
        return nn.functional.scaled_dot_product_attention(query, *memory, allowed, dropout)
    # No kernel of processors drops weights, and torch's way without one draws from its own numbers.
    key, value = memory
    weights = query @ (key / query.shape[-1] ** 0.5).transpose(-2, -1)
    weights = weights.masked_fill(~allowed, float("-inf")).softmax(dim=-1)
    return hidden(weights, dropout) @ value


class Block(nn.Module):
    """A Transformer layer that normalises first: attention, then a hidden layer, both added.

    x + A(LN(x), LN(c)), then y + MLP(LN(y)) (Xiong et al., 2020, figure 1b). Without another
    context, tokens attend to each other; both are normalised by the same layer, as MulT does.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads, dropout)
        self.hidden = feed_forward(width, dropout)

    def forward(
        self,
        tokens: Tensor,
        mask: Tensor,
        turn: Turn | None = None,
        context: Tensor | None = None,
        context_turn: Turn | None = None,
    ) -> Tensor:
        """Return (b t d).

        Args:
            tokens: (b t d).
            mask: of the context, (b s); without one of the tokens, (b t).
            turn: of the tokens.
            context: (b s d), or None for the tokens themselves.
            context_turn: of the context.
        """
        own = self.norm(tokens)
        if context is None:
            found = self.attention(own, own, mask, turn, turn)
        else:
            found = self.attention(own, self.norm(context), mask, turn, context_turn)
        tokens = tokens + found
        added: Tensor = tokens + self.hidden(tokens)
        return added


class Transformer(nn.Module):
    """Several blocks, one after the other; a context answers in all of them as it came in."""

    def __init__(self, width: int, heads: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))

    def forward(
        self,
        tokens: Tensor,
        mask: Tensor,
        turn: Turn | None = None,
        context: Tensor | None = None,
        context_turn: Turn | None = None,
    ) -> Tensor:
        """Return (b t d); takes what a block takes."""
        for block in self.blocks:
            tokens = block(tokens, mask, turn, context, context_turn)
        return tokens

    def first(self, tokens: Tensor, mask: Tensor, turn: Turn | None = None) -> Tensor:
        """Return (b d), what `forward` gives for the first token: the last block is its alone."""
        *below, last = self.blocks
        for block in below:
            tokens = block(tokens, mask, turn)
        own = None if turn is None else (turn[0][:, :, :1], turn[1][:, :, :1])
        found: Tensor = last(tokens[:, :1], mask, own, tokens, turn)[:, 0]
        return found
