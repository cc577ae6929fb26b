"""Losses against NumPy, written as in the books."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import expit, log_expit, log_softmax, logit, softmax

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


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_soft_cross_entropy(temperature) -> None:
    teacher = softmax(2 * RNG.normal(size=SCORES.shape), axis=1)
    p = softmax(np.log(teacher) / temperature, axis=1)
    expected = -(temperature**2) * (p * log_softmax(SCORES / temperature, axis=1)).sum(axis=1)
    found = losses.soft_cross_entropy(
        torch.from_numpy(SCORES), torch.from_numpy(teacher), temperature
    )
    assert found.numpy() == pytest.approx(expected)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_soft_label_cross_entropy(temperature) -> None:
    teacher = RNG.uniform(0.01, 0.99, SCORES.shape)
    p, z = expit(logit(teacher) / temperature), SCORES / temperature
    expected = -(temperature**2) * (p * log_expit(z) + (1 - p) * log_expit(-z))
    found = losses.soft_label_cross_entropy(
        torch.from_numpy(SCORES), torch.from_numpy(teacher), temperature
    )
    assert found.numpy() == pytest.approx(expected)


def test_soft_losses_of_a_sure_teacher_are_those_of_the_truth() -> None:
    scores, sure = torch.from_numpy(SCORES), torch.eye(5, dtype=torch.float64)[CLASSES]
    hard = losses.cross_entropy(scores, torch.from_numpy(CLASSES))
    assert losses.soft_cross_entropy(scores, sure, 1.0).numpy() == pytest.approx(hard, abs=1e-4)
    labels = torch.from_numpy(LABELS)
    assert losses.soft_label_cross_entropy(scores, labels, 1.0).numpy() == pytest.approx(
        losses.label_cross_entropy(scores, labels).numpy(), abs=1e-4
    )


def test_soft_losses_are_least_where_student_and_teacher_agree() -> None:
    scores = torch.from_numpy(SCORES).requires_grad_()
    for loss, made in (
        (losses.soft_cross_entropy, scores.softmax(dim=1)),
        (losses.soft_label_cross_entropy, scores.sigmoid()),
    ):
        (gradient,) = torch.autograd.grad(loss(scores, made.detach(), 3.0).sum(), scores)
        assert gradient.numpy() == pytest.approx(0, abs=2e-6)
