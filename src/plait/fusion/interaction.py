"""Interaction: tokens of one source look at tokens of the others, by what, when and where."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

import torch
from torch import Tensor, nn

from plait.attention import Block, Transformer, Turn
from plait.fusion.fusion import FusionConfig
from plait.fusion.tokens import TokenFusion, beside
from plait.types import Features, mean_of


class SelfAttention(TokenFusion):
    """One Transformer over the tokens of all sources side by side: early fusion.

    As ViLT (Kim, Son and Kim, ICML 2021, section 3.1): a vector a source is added to its tokens,
    and every token attends to every other.
    """

    level = "interaction"

    def __init__(self, widths: Mapping[str, int], config: FusionConfig) -> None:
        super().__init__(widths, config)
        self.transformer = _transformer(config)

    def mix(self, parts: list[Features]) -> list[Tensor]:
        """Return (b t d) of each source."""
        joined = beside(parts)
        turn = self.rotary(joined.time, joined.place)
        tokens: Tensor = self.transformer(joined.tokens, joined.mask, turn)
        return list(tokens.split([part.tokens.shape[1] for part in parts], dim=1))


class CrossAttention(TokenFusion):
    """Every source looks at each other source, then at what it has seen (MulT).

        Z_(b->a) = blocks in which the tokens of a ask and those of b answer
        Z_a      = Transformer([Z_(b->a) for all b other than a])

    Follows Tsai et al. (ACL 2019), sections 3.1 and 3.2: b answers with its tokens as they came in,
    in every layer. What a has seen is mapped back to width d before its own Transformer, which
    in the paper is (m - 1) d wide. With one source, only its own Transformer is left.
    """

    level = "interaction"

    def __init__(self, widths: Mapping[str, int], config: FusionConfig) -> None:
        super().__init__(widths, config)
        count = len(self.widths)
        self.crossings = nn.ModuleDict(
            {f"{a}<-{b}": _transformer(config) for a, b in permutations(range(count), 2)}
        )
        self.back = nn.ModuleList(
            nn.Linear(max(count - 1, 1) * config.width, config.width) for _ in self.widths
        )
        self.memory = nn.ModuleList(_transformer(config) for _ in self.widths)

    def mix(self, parts: list[Features]) -> list[Tensor]:
        """Return (b t d) of each source."""
        turns = [self.rotary(part.time, part.place) for part in parts]
        mixed = []
        for a, part in enumerate(parts):
            seen = [
                self.crossings[f"{a}<-{b}"](
                    part.tokens, other.mask, turns[a], other.tokens, turns[b]
                )
                for b, other in enumerate(parts)
                if b != a
            ]
            tokens = self.back[a](torch.cat(seen or [part.tokens], dim=-1))
            mixed.append(self.memory[a](tokens, part.mask, turns[a]))
        return mixed


class Bottleneck(TokenFusion):
    """The sources exchange through a few tokens only (MBT).

        [z_i; B_i] = Transformer_i([z_i; B])      for each present i
        B          = mean over present i of B_i

    Each source has a Transformer of its own, whose layers see the bottleneck tokens B too (Nagrani
    et al., NeurIPS 2021, section 3.3, equations 8 and 9). There are two layers at least, one to
    write into B and one to read from it; the layers before fusion are those of the encoders.
    """

    level = "interaction"

    def __init__(self, widths: Mapping[str, int], config: FusionConfig) -> None:
        super().__init__(widths, config)
        self.bottlenecks = nn.Parameter(0.02 * torch.randn(config.bottlenecks, config.width))
        self.layers = nn.ModuleList(
            BottleneckLayer(len(self.widths), config) for _ in range(max(config.layers, 2))
        )

    def mix(self, parts: list[Features]) -> list[Tensor]:
        """Return (b t d) of each source."""
        turns = [self._turn(part) for part in parts]
        shared = self.bottlenecks.expand(len(parts[0]), -1, -1)
        for layer in self.layers:
            parts, shared = layer(parts, turns, shared)
        return [part.tokens for part in parts]

    def _turn(self, part: Features) -> Turn | None:
        """Return the turn of a source's tokens and of the bottleneck tokens, which have no time."""
        tokens = self.bottlenecks.expand(len(part), -1, -1)
        nowhen = Features.of_tokens(tokens, tokens.new_ones(tokens.shape[:2], dtype=torch.bool))
        joined = beside([part, nowhen])
        return self.rotary(joined.time, joined.place)


class BottleneckLayer(nn.Module):
    """One layer of `Bottleneck`: a block a source."""

    def __init__(self, sources: int, config: FusionConfig) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            Block(config.width, config.heads, config.dropout) for _ in range(sources)
        )

    def forward(
        self, parts: list[Features], turns: list[Turn | None], shared: Tensor
    ) -> tuple[list[Features], Tensor]:
        """Return the sources and the bottleneck tokens (b k d) after one exchange."""
        there = shared.new_ones(shared.shape[:2], dtype=torch.bool)
        after, seen = [], []
        for block, part, turn in zip(self.blocks, parts, turns, strict=True):
            mask = torch.cat([part.mask, there], dim=1)
            mixed = block(torch.cat([part.tokens, shared], dim=1), mask, turn)
            after.append(part.with_tokens(mixed[:, : part.tokens.shape[1]]))
            seen.append(mixed[:, part.tokens.shape[1] :])
        # The bottleneck tokens of a source that a row lacks have seen nothing.
        present = torch.stack([part.present for part in parts], dim=1)
        mean = mean_of(torch.stack(seen, dim=1).flatten(start_dim=2), present)
        return after, mean.view_as(shared)


def _transformer(config: FusionConfig) -> Transformer:
    return Transformer(config.width, config.heads, config.layers, config.dropout)
