"""Principal components against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from plait.encoders.reduction import Reduction

VALUES = torch.from_numpy(
    np.random.default_rng(0).normal(size=(60, 8)) * np.array([9, 5, 4, 3, 1, 1, 0.5, 0.1]) + 3
).float()


@pytest.mark.parametrize("width", [2, 3, 8])
def test_equals_pca_up_to_one_scale(width) -> None:
    layer = Reduction(width)
    layer.fit(VALUES, seed=0)
    expected = PCA(width, svd_solver="full").fit_transform(VALUES.double().numpy())
    expected /= np.sqrt(np.square(expected).sum(axis=1).mean())
    found = layer(VALUES).numpy()
    assert layer.width == width
    signs = np.sign((found * expected).sum(axis=0))
    assert found == pytest.approx(expected * signs, abs=1e-4)


@pytest.mark.parametrize("whitening", [0.25, 1.0])
def test_whitening_divides_by_a_power_of_the_spread(whitening) -> None:
    plain, layer = Reduction(4), Reduction(4, whitening)
    for each in (plain, layer):
        each.fit(VALUES, seed=0)
    before, after = plain(VALUES).std(dim=0), layer(VALUES).std(dim=0)
    expected = before ** (1 - whitening)
    assert torch.allclose(after / after[0], expected / expected[0], atol=1e-4)
    assert layer(VALUES).square().sum(dim=1).mean().sqrt() == pytest.approx(1, abs=1e-4)


def test_what_hardly_varies_is_not_blown_up() -> None:
    values = VALUES.clone()
    values[:, 1:] *= 1e-9
    layer = Reduction(3, whitening=1.0)
    layer.fit(values, seed=0)
    assert layer(values)[:, 1:].abs().max() < 1e-3


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
def test_fewer_rows_than_components(rows) -> None:
    layer = Reduction(5)
    layer.fit(VALUES[:rows], seed=0)
    assert layer.width == max(rows - 1, 1)
    assert layer(VALUES).isfinite().all()


def test_rows_that_are_all_the_same() -> None:
    layer = Reduction(3, whitening=0.25)
    layer.fit(torch.ones(6, 4), seed=0)
    assert not layer(torch.ones(2, 4)).any()
    assert layer(VALUES[:, :4]).abs().max() < 100
