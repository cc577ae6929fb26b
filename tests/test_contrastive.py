"""Losses of pairs, against float64 NumPy as the papers write them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from plait.contrastive import cosines, info_nce, late_cosines, sigmoid_pairs

RANDOM = np.random.default_rng(0)


def unit(values: np.ndarray) -> np.ndarray:
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def pairs(rows: int = 7, width: int = 5) -> tuple[np.ndarray, np.ndarray]:
    return RANDOM.normal(size=(rows, width)), RANDOM.normal(size=(rows, width))


def none(rows: int) -> torch.Tensor:
    return torch.zeros(rows, rows, dtype=torch.bool)


def test_cosines() -> None:
    left, right = pairs()
    found = cosines(torch.from_numpy(left), torch.from_numpy(right[:4])).numpy()
    np.testing.assert_allclose(found, unit(left) @ unit(right[:4]).T, atol=1e-12)


def test_info_nce_is_the_papers() -> None:
    left, right = pairs()
    scores = unit(left) @ unit(right).T / 0.07
    expected = [-np.log(np.exp(row[i]) / np.exp(row).sum()) for i, row in enumerate(scores)]
    found = info_nce(torch.from_numpy(scores), none(7)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_info_nce_leaves_out_what_is_alike() -> None:
    scores, alike = RANDOM.normal(size=(6, 6)), RANDOM.random((6, 6)) < 0.3
    expected = []
    for i, row in enumerate(scores):
        kept = [s for j, s in enumerate(row) if j == i or not alike[i, j]]
        expected.append(-np.log(np.exp(row[i]) / np.exp(kept).sum()))
    found = info_nce(torch.from_numpy(scores), torch.from_numpy(alike)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_hard_negatives_weigh_more() -> None:
    scores, alike = RANDOM.normal(size=(6, 6)), RANDOM.random((6, 6)) < 0.2
    expected = []
    for i, row in enumerate(scores):
        own = np.array([s for j, s in enumerate(row) if j != i and not alike[i, j]])
        weight = np.exp(1.5 * own)
        weight *= len(own) / weight.sum()
        expected.append(-np.log(np.exp(row[i]) / (np.exp(row[i]) + (weight * np.exp(own)).sum())))
    found = info_nce(torch.from_numpy(scores), torch.from_numpy(alike), 1.5).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-12)
    plain = info_nce(torch.from_numpy(scores), torch.from_numpy(alike)).numpy()
    assert (found > plain).all()


@pytest.mark.parametrize("hardness", [0.0, 2.0])
def test_a_row_without_negatives_loses_nothing(hardness: float) -> None:
    scores = torch.randn(3, 3, requires_grad=True)
    loss = info_nce(scores, torch.ones(3, 3, dtype=torch.bool), hardness)
    loss.sum().backward()
    assert torch.equal(loss, torch.zeros(3))
    assert scores.grad is not None
    assert torch.isfinite(scores.grad).all()


def test_sigmoid_pairs_are_the_papers() -> None:
    left, right = pairs()
    scores = 8.0 * unit(left) @ unit(right).T - 3.0
    sign = 2 * np.eye(7) - 1
    expected = np.log1p(np.exp(-sign * scores)).sum(axis=1)
    found = sigmoid_pairs(torch.from_numpy(scores), none(7)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-12)
    alike = none(7)
    alike[2, 5] = True
    one = sigmoid_pairs(torch.from_numpy(scores), alike).numpy()
    expected[2] -= np.log1p(np.exp(scores[2, 5]))
    np.testing.assert_allclose(one, expected, atol=1e-12)


def test_late_cosines_are_the_papers() -> None:
    left, right = RANDOM.normal(size=(3, 4, 5)), RANDOM.normal(size=(2, 6, 5))
    left_mask, right_mask = np.ones((3, 4), bool), np.ones((2, 6), bool)
    left_mask[1, 2:], right_mask[0, 3:] = False, False
    expected = np.zeros((3, 2))
    for i in range(3):
        for j in range(2):
            each = unit(left[i][left_mask[i]]) @ unit(right[j][right_mask[j]]).T
            expected[i, j] = each.max(axis=1).mean()
    given = (left, left_mask, right, right_mask)
    found = late_cosines(*map(torch.from_numpy, given)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_equal_to_open_clip() -> None:
    """Where it is installed; it is no part of CI."""
    loss = pytest.importorskip("open_clip.loss")
    left, right = (torch.from_numpy(unit(part)) for part in pairs())
    scale = torch.tensor(14.0, dtype=torch.float64)
    own = scale * left @ right.T
    both = (info_nce(own, none(7)).mean() + info_nce(own.T, none(7)).mean()) / 2
    torch.testing.assert_close(both, loss.ClipLoss()(left, right, scale))
    bias = torch.tensor(-10.0, dtype=torch.float64)
    found = sigmoid_pairs(own + bias, none(7)).mean()
    torch.testing.assert_close(found, loss.SigLipLoss()(left, right, scale, bias))
