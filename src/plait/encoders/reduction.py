"""Principal components, fitted on a sample of the rows."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from plait.layers import Fitted, Standardise

LIMIT = 10.0
"""Spreads from the mean at which a number is cut, so that one wild value cannot rule a row."""

WHITENING = 0.25
"""Of components of scaled numbers: 0.25 was as good as or better than 0, 0.5 and 0.75 on sounds."""

WIDEST = 1500
"""Numbers of which the covariance is decomposed; of more, a random projection is quicker."""

NOISE = 1e-3
"""Share of the largest spread below which a component is noise, and is not made larger."""


class Reduction(Fitted):
    """Project on the leading principal components and standardise: (b d) in, (b k) out.

    By scikit-learn: from the covariance where rows are many, else by the random projections of
    Halko, Martinsson and Tropp (2011).

    Args:
        width: components that are kept, at most; 0 leaves the vectors as they are.
        whitening: power of its own spread that each component is divided by: 0 keeps the spreads,
            1 makes them equal (between them: attenuated whitening, Mukundan et al., IJCV 2019).
    """

    components: Tensor

    def __init__(self, width: int, whitening: float = 0.0) -> None:
        super().__init__()
        self.wanted, self.whitening = width, whitening
        self.standardise = Standardise()
        self.learn(components=torch.zeros(0, 0))

    @property
    def width(self) -> int:
        """The number of components kept: the wanted, or as many as the rows could give."""
        return len(self.components)

    def fit(self, values: Tensor, seed: int) -> None:
        """Learn the components of (n d)."""
        from sklearn.decomposition import PCA

        if not self.wanted:
            self.learn(components=torch.eye(values.shape[1]))
            self.standardise.learn(mean=torch.zeros(values.shape[1]))
            return
        if len(values) < 2:  # nothing varies
            values = values.new_zeros(2, values.shape[1])
        kept = max(min(self.wanted, *values.shape, max(len(values) - 1, 1)), 1)
        solver = _solver(len(values), values.shape[1], kept)
        with np.errstate(divide="ignore", invalid="ignore"):  # shares of a variance that is zero
            pca = PCA(kept, svd_solver=solver, random_state=seed).fit(values.double().numpy())
        spreads = np.sqrt(pca.explained_variance_)
        spreads = np.maximum(spreads, NOISE * spreads.max()) if spreads.any() else spreads + 1
        scales = spreads[:, None] ** -self.whitening
        self.learn(components=torch.from_numpy(pca.components_ * scales))
        self.standardise.fit(values @ self.components.T)

    def forward(self, values: Tensor) -> Tensor:
        """Return (b d) projected to (b k)."""
        reduced: Tensor = self.standardise(values @ self.components.T)
        return reduced


def _solver(rows: int, width: int, kept: int) -> str:
    """Return the quickest way to the components: one product where rows are many, and it is exact.

    Else a random projection, unless nearly all components are wanted.
    """
    if rows >= width and width <= WIDEST:
        return "covariance_eigh"
    return "randomized" if kept < 0.8 * min(rows, width) else "full"


class ScaledReduction(Fitted):
    """Scale each number by its own mean and spread, then reduce: (b d) in, (b k) out.

    For numbers in units of their own. A missing one (NaN) counts as the mean.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.reduction = Reduction(width, WHITENING)
        self.learn(mean=torch.zeros(0), spread=torch.zeros(0))

    @property
    def width(self) -> int:
        """The number of components kept; one, always zero, before there was anything to learn."""
        return max(self.reduction.width, 1)

    def fit(self, values: Tensor, seed: int) -> None:
        """Learn the scales and components of (n d)."""
        mean, spread = scales(values)
        self.learn(mean=mean, spread=spread)
        self.reduction.fit(scaled(values, self.mean, self.spread), seed)

    def forward(self, values: Tensor) -> Tensor:
        """Return (b d) reduced to (b k)."""
        if not len(self.mean):
            return values.new_zeros(len(values), 1)
        reduced: Tensor = self.reduction(scaled(values, self.mean, self.spread))
        return reduced


def scales(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and spread (d) of the known numbers of (n d); 0 and 1 where none is known."""
    wide = values.double()
    mean = wide.nanmean(dim=0).nan_to_num()
    spread = (wide - mean).square().nanmean(dim=0).sqrt().nan_to_num()
    # What never changes here must not explode when it changes later.
    return mean.float(), torch.where(spread > 1e-6 * (1 + mean.abs()), spread, 1.0).float()


def scaled(values: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
    """Return (... d) in spreads from the mean, within LIMIT; missing ones are 0."""
    return ((values - mean) / spread).nan_to_num().clamp(-LIMIT, LIMIT)
