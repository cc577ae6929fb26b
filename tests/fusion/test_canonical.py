"""Canonical correlations: against scikit-learn's, a generalised eigenproblem, and by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.linalg import block_diag, eigh
from sklearn.cross_decomposition import CCA

from plait.fusion.canonical import Covariances, directions

WIDTHS = (5, 4, 3)


def groups(rows: int = 300, offset: float = 0.0) -> list[torch.Tensor]:
    """Return three groups of numbers that have two hidden numbers in common."""
    random = np.random.default_rng(0)
    hidden = random.normal(size=(rows, 2)) * [1.5, 0.7]
    return [
        torch.from_numpy(hidden @ random.normal(size=(2, d)) + random.normal(size=(rows, d)))
        + offset * torch.arange(1, d + 1)
        for d in WIDTHS
    ]


def centred(values: list[torch.Tensor]) -> list[torch.Tensor]:
    return [own - own.mean(dim=0) for own in values]


def everywhere(values: list[torch.Tensor]) -> torch.Tensor:
    return torch.ones(len(values[0]), len(values), dtype=torch.bool)


def test_two_groups_without_a_ridge_are_those_of_scikit_learn() -> None:
    values = centred(groups())[:2]
    found = directions(Covariances.of(values, everywhere(values)), 3, 1e-9)
    own = CCA(3, max_iter=5000, tol=1e-12).fit_transform(*(v.numpy() for v in values))
    expected = [np.corrcoef(own[0][:, k], own[1][:, k])[0, 1] for k in range(3)]
    np.testing.assert_allclose(found.correlations.numpy(), expected, atol=1e-5)
    for value, mapped, theirs in zip(values, found.maps, own, strict=True):
        for k in range(3):
            same = np.corrcoef((value @ mapped[k]).numpy(), theirs[:, k])[0, 1]
            assert abs(same) == pytest.approx(1, abs=1e-4)
    assert expected[0] > 0.6 > 0.4 > expected[2]


def test_three_groups_with_a_ridge_solve_the_eigenproblem() -> None:
    """C_between w = v (C_within + s t I) w, all pairs summed."""
    values = centred(groups())
    found = directions(Covariances.of(values, everywhere(values)), 4, 0.3)
    whole = np.cov(np.hstack([v.numpy() for v in values]).T, bias=True)
    ends = np.cumsum([0, *WIDTHS])
    own = [whole[a:b, a:b] for a, b in pairwise(ends)]
    within = block_diag(*(c + 0.3 * np.trace(c) / len(c) * np.eye(len(c)) for c in own))
    expected, vectors = eigh(whole - block_diag(*own), within)
    np.testing.assert_allclose(found.correlations.numpy(), expected[::-1][:4], atol=1e-9)
    stacked = torch.cat(list(found.maps), dim=1).numpy()
    for k in range(3):
        theirs = vectors[:, ::-1][:, k]
        sign = np.sign(stacked[k] @ theirs)
        np.testing.assert_allclose(sign * stacked[k] * np.sqrt(theirs @ within @ theirs),
                                   theirs, atol=1e-8)  # fmt: skip
    weighted = found.weighted(2.0)
    for before, after in zip(found.maps, weighted, strict=True):
        torch.testing.assert_close(after, before * found.correlations[:, None].square())


def test_rows_that_lack_a_group_tell_of_the_others() -> None:
    values = groups()
    present = everywhere(values)
    present[:100, 0] = present[80:140, 2] = False
    wild = [own.clone() for own in values]
    wild[0][:100], wild[2][80:140] = 1e6, -1e6  # what stands where nothing is does not count
    found = Covariances.of(wild, present)
    one, two, three = (own.numpy() for own in values)
    np.testing.assert_allclose(found.within[0], np.cov(one[100:].T, bias=True))
    both = np.r_[0:80, 140:300]
    np.testing.assert_allclose(
        found.between[1, 2], np.cov(np.hstack([two, three])[both].T, bias=True)[:4, 4:]
    )
    np.testing.assert_allclose(found.means[0], one[100:].mean(axis=0))
    nowhere = present.clone()
    nowhere[:, 0] = ~nowhere[:, 1]
    alone = Covariances.of(values, nowhere)
    assert not alone.between[0, 1].any()
    assert torch.isfinite(directions(alone, 4, 1.0).maps[0]).all()


def test_maps_are_blind_to_the_mean() -> None:
    """A column of ones takes it, so that the other numbers are mapped as if they were centred."""
    values = [torch.cat([v, torch.full((len(v), 1), 30.0)], dim=1) for v in groups(offset=0.1)]
    plain = directions(Covariances.of(centred(values), everywhere(values)), 4, 0.3)
    found = directions(Covariances.of(values, everywhere(values)), 4, 0.3)
    for value, mapped, other in zip(values, found.maps, plain.maps, strict=True):
        means = (value @ mapped.T).mean(dim=0)
        assert means.abs().max() < 0.02 * (value @ other.T).mean(dim=0).abs().max()
        flipped = (mapped * other).sum(dim=1).sign()  # a direction has no sign of its own
        expected = centred([value])[0] @ other.T * flipped
        torch.testing.assert_close(value @ mapped.T, expected, atol=0.02, rtol=0)


def test_more_directions_than_numbers_are_zero() -> None:
    values = groups()
    found = directions(Covariances.of(values, everywhere(values)), 20, 1.0)
    assert found.correlations.shape == (20,)
    assert [tuple(own.shape) for own in found.maps] == [(20, d) for d in WIDTHS]
    assert not any(own[12:].any() for own in found.maps)
    assert (found.correlations >= 0).all()
    constant = [torch.ones(9, 2), torch.ones(9, 3)]
    still = directions(Covariances.of(constant, everywhere(constant)), 4, 1.0)
    assert all(torch.isfinite(own).all() for own in still.weighted(0.5))
