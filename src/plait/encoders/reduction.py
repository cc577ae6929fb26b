"""Principal components, fitted on a sample of the rows."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from plait.layers import Fitted, Standardise


class Reduction(Fitted):
    """Project on the leading principal components and standardise: (b d) in, (b k) out.

    Follows Halko, Martinsson and Tropp (2011) through scikit-learn's randomised PCA.
    """

    components: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.wanted = width
        self.standardise = Standardise()
        self.learn(components=torch.zeros(0, 0))

    @property
    def width(self) -> int:
        """The number of components kept: the wanted, or as many as the rows could give."""
        return len(self.components)

    def fit(self, values: Tensor, seed: int) -> None:
        """Learn the components of (n d)."""
        from sklearn.decomposition import PCA

        if len(values) < 2:  # nothing varies
            values = values.new_zeros(2, values.shape[1])
        kept = max(min(self.wanted, *values.shape, max(len(values) - 1, 1)), 1)
        solver = "randomized" if kept < 0.8 * min(values.shape) else "full"
        with np.errstate(divide="ignore", invalid="ignore"):  # shares of a variance that is zero
            pca = PCA(kept, svd_solver=solver, random_state=seed).fit(values.double().numpy())
        self.learn(components=torch.from_numpy(pca.components_))
        self.standardise.fit(values @ self.components.T)

    def forward(self, values: Tensor) -> Tensor:
        """Return (b d) projected to (b k)."""
        reduced: Tensor = self.standardise(values @ self.components.T)
        return reduced
