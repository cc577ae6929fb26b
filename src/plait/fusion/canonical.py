"""Canonical correlation: linear maps under which groups of numbers tell most about one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import torch
from torch import Tensor


@dataclass(frozen=True)
class Covariances:
    """Second moments of m groups of numbers, in float64.

    Attributes:
        means: (d_g) of each group, over the rows that have it.
        within: C_gg (d_g d_g), over the same rows.
        between: C_gh (d_g d_h) of g < h, over the rows that have both; zero where there are none.
    """

    means: Sequence[Tensor]
    within: Sequence[Tensor]
    between: dict[tuple[int, int], Tensor]

    @classmethod
    def of(cls, values: Sequence[Tensor], present: Tensor) -> Covariances:
        """Return those of the numbers (n d_g) of each group; `present` (n m) says who has it."""
        own = [rows[there].double() for rows, there in zip(values, present.T, strict=True)]
        between = {}
        for one, other in combinations(range(len(values)), 2):
            both = present[:, one] & present[:, other]
            between[one, other] = _covariance(values[one][both], values[other][both])
        return cls([_mean(rows) for rows in own], [_covariance(r, r) for r in own], between)


@dataclass(frozen=True)
class Directions:
    """What canonical correlation finds, the strongest first.

    Attributes:
        correlations: v (k), not negative: of two groups their canonical correlations.
        maps: u_g' S_g (k d_g) of each group; see `directions`.
    """

    correlations: Tensor
    maps: Sequence[Tensor]

    def weighted(self, power: float) -> list[Tensor]:
        """Return W_g = diag(v^power) u_g' S_g: cosines count what correlates more for more.

        As Gong and others weigh them (IJCV 2014, section 3.3).
        """
        weights = self.correlations**power
        return [weights[:, None] * own for own in self.maps]


def directions(found: Covariances, width: int, strength: float) -> Directions:
    """Return the directions of regularised canonical correlation of two or more groups.

    S_g = (C_gg + s t_g I)^(-1/2) with t_g = trace(C_gg) / d_g whitens each group; u are the leading
    eigenvectors of the matrix whose blocks are S_g C_gh S_h for g != h, and 0 for g = h. Of two
    groups that is canonical correlation (Hotelling, Biometrika 1936) with a ridge (Vinod, Journal
    of Econometrics 1976); of more it is one of Kettenring's extensions (Biometrika 1971): the
    covariances of all pairs are summed.

    The maps have no bias, so each is made blind to its group's mean m: W - W m m' / (|m|^2 + t_g).
    Where a column of ones is among the numbers, that is a bias.

    Args:
        found: covariances of the groups.
        width: k; directions that there are too few numbers for are zero.
        strength: s, of the ridge.
    """
    roots = [_inverse_root(own, strength) for own in found.within]
    ends = torch.tensor([0, *map(len, roots)]).cumsum(dim=0).tolist()
    places = [slice(*ends_of_group) for ends_of_group in pairwise(ends)]
    joint = torch.zeros(ends[-1], ends[-1], dtype=torch.float64)
    for (one, other), covariance in found.between.items():
        block = roots[one] @ covariance @ roots[other]
        joint[places[one], places[other]], joint[places[other], places[one]] = block, block.T
    values, vectors = torch.linalg.eigh(joint)
    leading = vectors.flip(1)[:, :width]
    lacking = width - leading.shape[1]
    maps = []
    for place, root, mean, within in zip(places, roots, found.means, found.within, strict=True):
        own = leading[place].T @ root
        length = mean.square().sum() + _scale(within)
        own = own - (own @ mean)[:, None] * mean / length
        maps.append(torch.cat([own, own.new_zeros(lacking, len(mean))]))
    correlations = torch.cat([values.flip(0)[:width].clamp_min(0), values.new_zeros(lacking)])
    return Directions(correlations, maps)


def _mean(rows: Tensor) -> Tensor:
    return rows.sum(dim=0) / max(len(rows), 1)


def _covariance(one: Tensor, other: Tensor) -> Tensor:
    """Return (d e) of rows (n d) and (n e)."""
    one, other = one.double(), other.double()
    return (one - _mean(one)).T @ (other - _mean(other)) / max(len(one), 1)


def _scale(within: Tensor) -> Tensor:
    """Return the mean variance of a group's numbers; never zero."""
    return within.diagonal().mean().clamp_min(1e-12)


def _inverse_root(within: Tensor, strength: float) -> Tensor:
    values, vectors = torch.linalg.eigh(within)
    lengths = (values.clamp_min(0) + strength * _scale(within)).rsqrt()
    return (vectors * lengths) @ vectors.T
