"""The contract of a fusion: the Features of many sources in, one Features out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from plait.config import check_range
from plait.layers import Bounded
from plait.types import Features

Level = Literal["feature", "tensor", "representation", "interaction"]


@dataclass(frozen=True)
class FusionConfig:
    """Settings of the fusions; each reads those that it has a use for.

    Attributes:
        width: that every source is mapped to; all but `concat`.
        heads: of attention.
        layers: of attention.
        dropout: share of features and attention dropped in training, by attention and `ensemble`.
        bottlenecks: tokens through which the sources of `bottleneck` exchange.
        rank: of `low_rank`'s tensor, and of the pairs of `bilinear`.
        members: networks in an `ensemble`.
    """

    width: int = 256
    heads: int = 4
    layers: int = 2
    dropout: float = 0.1
    bottlenecks: int = 4
    rank: int = 16
    members: int = 8

    def __post_init__(self) -> None:
        check_range(self, "width", 1, 65536)
        check_range(self, "heads", 1, 1024)
        check_range(self, "layers", 1, 100)
        check_range(self, "dropout", 0.0, 0.9)
        check_range(self, "bottlenecks", 1, 1024)
        check_range(self, "rank", 1, 4096)
        check_range(self, "members", 2, 1024)


class Fusion(nn.Module, ABC):
    """Joins the Features of several sources; sources that a row lacks change nothing.

    The order in which columns are given does not matter: sources are always taken by name. `level`
    says what it works on, in the words of the field; `by_tokens`, whether it reads the tokens of a
    source, or its pooled vector alone; `large`, whether its products are large enough for bfloat16;
    `passes`, the share of the epochs of the others that it needs.
    """

    level: ClassVar[Level]
    by_tokens: ClassVar[bool] = False
    large: ClassVar[bool] = False
    passes: ClassVar[float] = 1.0

    def __init__(self, widths: Mapping[str, int], config: FusionConfig) -> None:
        """Store the width of each source, and the settings."""
        super().__init__()
        self.widths = dict(sorted(widths.items()))
        self.config = config

    @property
    @abstractmethod
    def width(self) -> int:
        """The width d of what comes out."""

    @property
    def members(self) -> int:
        """How many ways to see a row are learned, a token each; 1 where there is the vector alone.

        A task learns from each of them, and its scores are their mean.
        """
        return 1

    @abstractmethod
    def join(self, parts: list[Features], present: Tensor) -> Features:
        """Return the joint Features.

        Args:
            parts: one a source, zero where a row lacks it.
            present: (b m), True where the row has the source.
        """

    def forward(self, features: Mapping[str, Features]) -> Features:
        """Return one Features of all sources; a row without any of them is all zero.

        Maps of a source that keeps them pass by as they are.
        """
        joined = self.join(*self.laid_out(features))
        maps = [part.maps for part in features.values() if part.maps is not None]
        return replace(joined, maps=maps[0]) if maps else joined

    def laid_out(self, features: Mapping[str, Features]) -> tuple[list[Features], Tensor]:
        """Return what `join` takes."""
        parts = [_blank(features[name]) for name in self.widths]
        return parts, torch.stack([part.present for part in parts], dim=1)


class Projected(Fusion):
    """What most fusions begin with: each source bounded, then mapped to one width."""

    def __init__(self, widths: Mapping[str, int], config: FusionConfig) -> None:
        super().__init__(widths, config)
        self.maps = nn.ModuleList(
            nn.Sequential(Bounded(), nn.Linear(source, config.width))
            for source in self.widths.values()
        )

    @property
    def width(self) -> int:
        """The one width that all sources are mapped to."""
        return self.config.width

    def project(self, parts: Sequence[Features]) -> Tensor:
        """Return the pooled vectors (b m d), zero where a source is missing."""
        mapped = [
            project(part.pooled) * part.present[:, None].to(part.pooled.dtype)
            for project, part in zip(self.maps, parts, strict=True)
        ]
        return torch.stack(mapped, dim=1)

    def project_tokens(self, parts: Sequence[Features]) -> list[Features]:
        """Return each source with its tokens mapped (b t d), zero where the mask is False."""
        projected = []
        for number, (project, part) in enumerate(zip(self.maps, parts, strict=True)):
            tokens = project(part.tokens) * part.mask[:, :, None].to(part.tokens.dtype)
            source = torch.full_like(part.source, number)
            projected.append(replace(part, tokens=tokens, source=source))
        return projected


def _blank(part: Features) -> Features:
    """Return the Features with zero where the row lacks them, whatever stood there."""

    def blank(values: Tensor) -> Tensor:
        there = part.present[:, None] if values.ndim == 2 else part.mask[:, :, None]
        return values.masked_fill(~there, 0)

    pooled, tokens = part.each(blank)
    return replace(part, pooled=pooled, tokens=tokens)
