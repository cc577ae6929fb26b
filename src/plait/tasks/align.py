"""Align: groups of columns that belong to one row come together in a common space."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from plait.config import check_range
from plait.contrastive import cosines, info_nce, late_cosines, log_expected, sigmoid_pairs
from plait.errors import ConfigError
from plait.tasks.task import Objective
from plait.types import Features, mean_of

HOTTEST = 100.0
"""What cosines are multiplied with at most, as in CLIP."""

COLDEST = 0.1
"""What they are multiplied with at least, when a space begins."""


@dataclass(frozen=True)
class AlignTaskConfig:
    """Settings of what draws groups together.

    Attributes:
        loss: `infonce` (CLIP), `siglip`, or `filip`: InfoNCE on the tokens of both sides.
        temperature: that cosines are divided by at first; it is learned.
        hardness: of negatives, in `infonce` and `filip`; 0 weighs all the same.
        width: of the space.
        hidden: width of a hidden layer in each group's map; 0 maps linearly.
        noise: spread of the noise that is added in training to what each group's map reads, whose
            numbers have about the spread 1: few pairs are learned by heart without it. A joint
            model's own space is learned on without, and so is a group with a history.
        logq: correct `infonce` and `filip` for values that come often, which are negatives more
            often than others: what is near is then also what is frequent, as recommendations want.
        pooled: weight of InfoNCE on the pooled vectors beside `filip`, which by itself leaves the
            mean of a row's tokens meaningless, and with it all search by one vector a row.
    """

    loss: Literal["infonce", "siglip", "filip"] = "infonce"
    temperature: float = 0.07
    hardness: float = 0.0
    width: int = 256
    hidden: int = 0
    noise: float = 0.7
    pooled: float = 1.0
    logq: bool = False

    def __post_init__(self) -> None:
        if self.logq and self.loss == "siglip":
            raise ConfigError(
                "The correction for frequent values (logq) is one of the losses 'infonce' and "
                "'filip'; 'siglip' has none."
            )
        check_range(self, "temperature", 1 / HOTTEST, 1 / COLDEST)
        check_range(self, "hardness", 0.0, 100.0)
        check_range(self, "width", 2, 65536)
        check_range(self, "hidden", 0, 65536)
        check_range(self, "noise", 0.0, 100.0)
        check_range(self, "pooled", 0.0, 100.0)


class Align(Objective):
    """The mean over pairs of groups of a contrastive loss, both ways, of the rows that have both.

    The target (b k) names what rows are of; rows that have the same name in one of its columns are
    no negatives of one another, and NaN is the name of nothing.

    Args:
        groups: m, that share the space.
        config: settings.
    """

    by_rows = False

    def __init__(self, groups: int, config: AlignTaskConfig) -> None:
        super().__init__()
        self.groups, self.config = groups, config
        self.log_scale = nn.Parameter(torch.tensor(-math.log(config.temperature)))
        self.bias = nn.Parameter(torch.tensor(-10.0), requires_grad=config.loss == "siglip")
        self.log_shares: list[Tensor] = []

    def count(self, target: Tensor) -> None:
        """Learn from the (n k) target of all rows how often the values of each group come."""
        self.log_shares = []
        for names in target[:, : self.groups].T if self.config.logq else ():
            numbers = names[~names.isnan()].long()
            share = torch.bincount(numbers).float() / max(len(numbers), 1)
            self.log_shares.append(share.clamp_min(1e-9).log())

    def scale(self) -> Tensor:
        """Return 1 over the temperature."""
        return self.log_scale.exp().clamp_max(HOTTEST)

    def loss(self, features: Features, target: Tensor, weight: Tensor) -> Tensor:
        """Return the weighted mean loss of all pairs of groups; see `Objective`."""
        same = target[:, None] == target[None]
        total, count = features.tokens.sum() * 0, weight.new_zeros(())
        for left, right in combinations(range(self.groups), 2):
            there = self._present(features, left) & self._present(features, right)
            if int(there.sum()) > 1:
                rows = torch.nonzero(there)[:, 0]
                own = same[rows][:, rows]
                expected = [self._expected(target[rows], own, group) for group in (right, left)]
                losses = self._losses(features.take(rows), left, right, own.any(dim=2), expected)
                total = total + (losses * weight[rows]).sum()
                count = count + weight[rows].sum()
        return total / count.clamp_min(1e-12)

    def _expected(self, target: Tensor, same: Tensor, group: int) -> Tensor | float:
        """Return (b b), what is taken from scores of values of a group; 0 without correction."""
        if not self.log_shares:
            return 0.0
        own = self.log_shares[group].to(target.device)
        others = torch.arange(same.shape[2], device=same.device) != group
        return log_expected(
            own[target[:, group].nan_to_num().long()], ~same[:, :, others].any(dim=2)
        )

    def _losses(
        self,
        features: Features,
        left: int,
        right: int,
        alike: Tensor,
        expected: Sequence[Tensor | float],
    ) -> Tensor:
        """Return (b) losses of rows that have both groups."""
        forth = cosines(*(self._pooled(features, group) for group in (left, right)))
        if self.config.loss == "siglip":
            return sigmoid_pairs(self.scale() * forth + self.bias, alike)
        pooled = self._both_ways((forth, forth.T), alike, expected)
        if self.config.loss == "infonce":
            return pooled
        one, other = (self.tokens_of(features, group) for group in (left, right))
        ways = late_cosines(*one, *other), late_cosines(*other, *one)
        late = self._both_ways(ways, alike, expected)
        return late + self.config.pooled * pooled

    def _both_ways(
        self, ways: Sequence[Tensor], alike: Tensor, expected: Sequence[Tensor | float]
    ) -> Tensor:
        """Return (b), the mean of InfoNCE from left to right and from right to left."""
        there, here = (
            info_nce(self.scale() * way - often, alike, self.config.hardness)
            for way, often in zip(ways, expected, strict=True)
        )
        return (there + here) / 2

    def _present(self, features: Features, group: int) -> Tensor:
        return (features.mask & (features.source == group)).any(dim=1)

    def tokens_of(self, features: Features, group: int) -> tuple[Tensor, Tensor]:
        """Return the tokens (b t d) of a group alone, and their mask: all pairs are compared."""
        own = features.source == group
        columns = own.any(dim=0)
        return features.tokens[:, columns], (features.mask & own)[:, columns]

    def _pooled(self, features: Features, group: int) -> Tensor:
        return mean_of(features.tokens, features.mask & (features.source == group))

    def predict(self, features: Features) -> Tensor:
        """Return (b m d), a vector of length 1 for each group; zero where the row lacks it."""
        pooled = [self._pooled(features, group) for group in range(self.groups)]
        return normalize(torch.stack(pooled, dim=1), dim=-1)
