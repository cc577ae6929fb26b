"""Losses against NumPy, written as in the books."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

from plait import losses

RNG = np.random.default_rng(0)
SCORES = 3 * RNG.normal(size=(12, 5))
CLASSES = RNG.integers(0, 5, 12)
LABELS = RNG.integers(0, 2, (12, 5)).astype(float)


def test_cross_entropy() -> None:
    expected = -log_softmax(SCORES, axis=1)[np.arange(12), CLASSES]
    found = losses.cross_entropy(torch.from_numpy(SCORES), torch.from_numpy(CLASSES))
    assert found.numpy() == pytest.approx(expected)


def test_multiclass_hinge() -> None:
    expected = []
    for row, right in zip(SCORES, CLASSES, strict=True):
        wrong = max(score for k, score in enumerate(row) if k != right)
        expected.append(max(0.0, 1 + wrong - row[right]))
    found = losses.multiclass_hinge(torch.from_numpy(SCORES), torch.from_numpy(CLASSES))
    assert found.numpy() == pytest.approx(np.array(expected))
    assert 0 < (found == 0).sum() < 12


def test_multiclass_hinge_has_no_gradient_beyond_the_margin() -> None:
    scores = torch.tensor([[5.0, 1.0, 2.0], [0.0, 0.5, -3.0]], requires_grad=True)
    losses.multiclass_hinge(scores, torch.tensor([0, 0])).sum().backward()
    assert scores.grad is not None
    assert scores.grad.tolist() == [[0, 0, 0], [-1, 1, 0]]


def test_binary_cross_entropy() -> None:
    p = 1 / (1 + np.exp(-SCORES))
    expected = -(LABELS * np.log(p) + (1 - LABELS) * np.log(1 - p)).mean(axis=1)
    found = losses.binary_cross_entropy(torch.from_numpy(SCORES), torch.from_numpy(LABELS))
    assert found.numpy() == pytest.approx(expected)


def test_binary_hinge() -> None:
    expected = np.maximum(0, 1 - np.where(LABELS == 1, 1, -1) * SCORES).mean(axis=1)
    found = losses.binary_hinge(torch.from_numpy(SCORES), torch.from_numpy(LABELS))
    assert found.numpy() == pytest.approx(expected)


def test_squared_error() -> None:
    found = losses.squared_error(torch.from_numpy(SCORES), torch.from_numpy(LABELS))
    assert found.numpy() == pytest.approx(((SCORES - LABELS) ** 2).mean(axis=1))


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 1.5])
def test_epsilon_insensitive(epsilon) -> None:
    expected = np.maximum(0, np.abs(SCORES - LABELS) - epsilon).mean(axis=1)
    found = losses.epsilon_insensitive(
        torch.from_numpy(SCORES), torch.from_numpy(LABELS), epsilon=epsilon
    )
    assert found.numpy() == pytest.approx(expected)


def test_losses_stay_finite_for_huge_scores() -> None:
    huge, classes = torch.tensor([[1e4, -1e4]]), torch.tensor([1])
    for loss in (losses.cross_entropy, losses.multiclass_hinge):
        assert loss(huge, classes).isfinite().all()
    for loss in (losses.binary_cross_entropy, losses.binary_hinge):
        assert loss(huge, torch.tensor([[0.0, 1.0]])).isfinite().all()


def test_focal_by_its_formula() -> None:
    row_losses = losses.cross_entropy(torch.from_numpy(SCORES), torch.from_numpy(CLASSES))
    p = np.exp(log_softmax(SCORES, axis=1))[np.arange(12), CLASSES]
    for gamma in (0.0, 0.5, 2.0):
        expected = -((1 - p) ** gamma) * np.log(p)
        assert losses.focal(row_losses, gamma).numpy() == pytest.approx(expected)


def test_adjusted_logits_give_the_balanced_optimum() -> None:
    """Two classes, 9 to 1, that nothing tells apart: the scores learned must not differ."""
    prior = torch.tensor([0.9, 0.1])
    scores = torch.zeros(1, 2, requires_grad=True)
    classes = torch.tensor([0] * 9 + [1])

    def gradient(strength: float) -> list[float]:
        adjusted = losses.adjusted(scores.expand(10, 2), prior.log(), strength)
        loss = losses.cross_entropy(adjusted, classes).mean()
        return torch.autograd.grad(loss, scores)[0][0].tolist()

    assert gradient(1.0) == pytest.approx([0, 0], abs=1e-6)
    assert gradient(0.0) == pytest.approx([0.5 - 0.9, 0.5 - 0.1])
