"""Towers: a fusion for each group of columns, and a map of each into one common space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from plait.chance import Noise
from plait.fusion.fusion import Fusion, FusionConfig
from plait.fusion.tokens import TokenFusion, beside
from plait.layers import MLP, Bounded
from plait.types import Features


class Towers(Fusion):
    """z_g = W_g fusion_g(the sources of group g): a token a group, its number as the source.

    The groups share nothing but the space: as the two encoders of CLIP (Radford et al., ICML 2021),
    or the six of ImageBind (Girdhar et al., CVPR 2023).

    Args:
        groups: the fusion of each, no source in two of them.
        width: of the space.
        hidden: of a hidden layer in each map; 0 is a linear map.
        config: settings of the fusions; dropout of the hidden layer.
        noise: spread of what is added in training to what each group's map reads.
        late: keep the tokens of each group, for late interaction, and not their pooled vector.
    """

    level = "feature"

    def __init__(
        self,
        groups: Sequence[Fusion],
        width: int,
        hidden: int,
        config: FusionConfig,
        noise: Sequence[float],
        late: bool,
    ) -> None:
        super().__init__({name: d for group in groups for name, d in group.widths.items()}, config)
        self.groups = nn.ModuleList(groups)
        self.maps = nn.ModuleList(
            nn.Sequential(Bounded(), Noise(spread), _map(group.width, width, hidden, config))
            for group, spread in zip(groups, noise, strict=True)
        )
        self.late, self._width = late, width

    @property
    def width(self) -> int:
        """The width of the space."""
        return self._width

    def join(self, parts: list[Features], present: Tensor) -> Features:
        """Return one token a group, or all of its tokens with their times and places."""
        return beside([
            _mapped(features, to_space)
            for features, to_space in zip(self.fused(parts, present), self.maps, strict=True)
        ])  # fmt: skip

    def fused(self, parts: list[Features], present: Tensor) -> list[Features]:
        """Return each group by itself, as its map reads it."""
        by_name = dict(zip(self.widths, zip(parts, present.T, strict=True), strict=True))
        found = []
        for number, group in enumerate(self.groups):
            assert isinstance(group, Fusion)
            own, there = zip(*(by_name[name] for name in group.widths), strict=True)
            found.append(self._joined(number, list(own), torch.stack(there, dim=1)))
        return found

    def alone(self, number: int, features: Mapping[str, Features]) -> Features:
        """Return one group of rows in the space, by the Features of its own sources.

        Without the noise of training, which is there for pairs that are learned by heart: with it
        what a history says of an order of items was not found (see LOG.md).
        """
        group, to_space = self.groups[number], self.maps[number]
        assert isinstance(group, Fusion)
        assert isinstance(to_space, nn.Sequential)
        quiet = nn.Sequential(*(part for part in to_space if not isinstance(part, Noise)))
        return _mapped(self._joined(number, *group.laid_out(features)), quiet)

    def _joined(self, number: int, parts: list[Features], present: Tensor) -> Features:
        group = self.groups[number]
        assert isinstance(group, Fusion)
        features = group.join(parts, present)
        if not self.late:
            features = Features.from_pooled(features.pooled, features.present)
        return replace(features, source=torch.full_like(features.source, number))

    @property
    def last_layers(self) -> list[nn.Linear]:
        """The last layer of each map, which is all of it where there is no hidden one."""
        return [next(m for m in reversed(list(own.modules())) if isinstance(m, nn.Linear))
                for own in self.maps]  # fmt: skip

    @torch.no_grad()
    def before_last(self, features: Mapping[str, Features]) -> tuple[list[Tensor], Tensor]:
        """Return what the last layer of each map reads, (b d_g), and which groups are there (b m).

        Of a group whose tokens are kept it is that of their mean.
        """
        groups = self.fused(*self.laid_out(features))
        values = []
        for own, to_space in zip(groups, self.maps, strict=True):
            assert isinstance(to_space, nn.Sequential)
            values.append(to_space[:-1](own.pooled))
        return values, torch.stack([own.present for own in groups], dim=1)


class SideBySide(TokenFusion):
    """The tokens of all sources, each mapped to one width, and not mixed: what `concat` is to them.

    A token then stands for its own part of a picture or a sentence alone, which is what late
    interaction compares.
    """

    level = "feature"

    def mix(self, parts: list[Features]) -> list[Tensor]:
        """Return (b t d) of each source, as they are."""
        return [part.tokens for part in parts]


def _mapped(features: Features, to_space: nn.Module) -> Features:
    tokens = to_space(features.tokens) * features.mask[:, :, None].to(features.tokens.dtype)
    return features.with_tokens(tokens)


def _map(width_in: int, width: int, hidden: int, config: FusionConfig) -> nn.Module:
    if hidden:
        return MLP(width_in, hidden, width, config.dropout)
    return nn.Linear(width_in, width, bias=False)
