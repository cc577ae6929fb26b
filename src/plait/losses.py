"""Losses: plain functions of scores and targets, (b) out, one value a row."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def cross_entropy(scores: Tensor, target: Tensor) -> Tensor:
    """Return -log softmax(scores)[target].

    Args:
        scores: (b c) logits.
        target: (b) class numbers.
    """
    return functional.cross_entropy(scores, target, reduction="none")


def focal(row_losses: Tensor, focusing: float) -> Tensor:
    """Return (1 - p)^focusing * loss, with p = exp(-loss) the probability of the truth.

    Focal loss (Lin et al., ICCV 2017, equation 4): rows that are right already count for less.

    Args:
        row_losses: -log p, of any shape.
        focusing: gamma; 0 changes nothing.
    """
    return (1 - (-row_losses).exp()).clamp_min(0) ** focusing * row_losses


def adjusted(scores: Tensor, prior: Tensor, strength: float) -> Tensor:
    """Return scores + strength * log prior, for learning; what is predicted is without it.

    Logit adjustment (Menon et al., ICLR 2021, equation 10): the softmax of the scores themselves
    then minimises the balanced error, not the error.

    Args:
        scores: (b c) logits.
        prior: (c) log odds or logarithms of how often each class occurs.
        strength: tau of the paper; 0 changes nothing.
    """
    return scores + strength * prior


def multiclass_hinge(scores: Tensor, target: Tensor) -> Tensor:
    """Return max(0, 1 + max over wrong classes of scores - scores[target]).

    The multiclass support vector machine of Crammer and Singer (JMLR 2001), equation 2.

    Args:
        scores: (b c) margins.
        target: (b) class numbers.
    """
    right = scores.gather(1, target[:, None]).squeeze(1)
    wrong = scores.scatter(1, target[:, None], -torch.inf).max(dim=1).values
    return (1 + wrong - right).clamp_min(0)


def binary_cross_entropy(scores: Tensor, target: Tensor) -> Tensor:
    """Return the mean over labels of -[y log p + (1 - y) log(1 - p)], p = sigmoid(scores).

    Args:
        scores: (b c) logits.
        target: (b c) 0 or 1.
    """
    return label_cross_entropy(scores, target).mean(dim=1)


def label_cross_entropy(scores: Tensor, target: Tensor) -> Tensor:
    """Return (b c), the binary cross-entropy of each label."""
    return functional.binary_cross_entropy_with_logits(scores, target, reduction="none")


def binary_hinge(scores: Tensor, target: Tensor) -> Tensor:
    """Return the mean over labels of max(0, 1 - y s), y in -1, 1.

    Args:
        scores: (b c) margins.
        target: (b c) 0 or 1.
    """
    return (1 - (2 * target - 1) * scores).clamp_min(0).mean(dim=1)


def squared_error(scores: Tensor, target: Tensor) -> Tensor:
    """Return the mean over columns of (scores - target)^2, both (b c)."""
    return (scores - target).square().mean(dim=1)


def epsilon_insensitive(scores: Tensor, target: Tensor, epsilon: float = 0.1) -> Tensor:
    """Return the mean over columns of max(0, |scores - target| - epsilon), both (b c).

    The loss of support vector regression (Vapnik, 1995).
    """
    return ((scores - target).abs() - epsilon).clamp_min(0).mean(dim=1)
