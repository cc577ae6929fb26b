"""Losses: plain functions of scores and targets, (b) out, one value a row."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

LEAST = 1e-6
"""Probability that is held for nothing: no logarithm is taken of less."""


def cross_entropy(scores: Tensor, target: Tensor) -> Tensor:
    """Return -log softmax(scores)[target].

    Args:
        scores: (b c) logits.
        target: (b) class numbers.
    """
    return functional.cross_entropy(scores, target, reduction="none")


def soft_cross_entropy(scores: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return -T^2 sum over classes of p log softmax(scores / T), p = softmax(log(teacher) / T).

    Distillation (Hinton, Vinyals and Dean, 2015, section 2): what a teacher holds for possible
    beside the truth is told too, the more the higher T is; T^2 keeps the size of the gradient.

    Args:
        scores: (b c) logits.
        teacher: (b c) probabilities; at temperature 1 any soft target.
        temperature: T.

    Returns:
        (b).
    """
    soft = (teacher.clamp_min(LEAST).log() / temperature).softmax(dim=1).to(scores.dtype)
    return -(temperature**2) * (soft * (scores / temperature).log_softmax(dim=1)).sum(dim=1)


def soft_label_cross_entropy(scores: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return (b c), the same of each label by itself, with sigmoids in place of the softmax."""
    soft = (torch.logit(teacher, eps=LEAST) / temperature).sigmoid()
    return temperature**2 * label_cross_entropy(scores / temperature, soft)


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
    target = target.to(scores.dtype)
    return functional.binary_cross_entropy_with_logits(scores, target, reduction="none")


def binary_hinge(scores: Tensor, target: Tensor) -> Tensor:
    """Return the mean over labels of max(0, 1 - y s), y in -1, 1.

    Args:
        scores: (b c) margins.
        target: (b c) 0 or 1.
    """
    return (1 - (2 * target.to(scores.dtype) - 1) * scores).clamp_min(0).mean(dim=1)


def squared_error(scores: Tensor, target: Tensor) -> Tensor:
    """Return the mean over columns of (scores - target)^2, both (b c)."""
    return (scores - target).square().mean(dim=1)


def epsilon_insensitive(scores: Tensor, target: Tensor, epsilon: float = 0.1) -> Tensor:
    """Return the mean over columns of max(0, |scores - target| - epsilon), both (b c).

    The loss of support vector regression (Vapnik, 1995).
    """
    return ((scores - target).abs() - epsilon).clamp_min(0).mean(dim=1)


def pixel_cross_entropy(scores: Tensor, target: Tensor, void: int) -> Tensor:
    """Return (b), the mean of -log softmax(scores)[target] over a row's pixels that are not void.

    Args:
        scores: (b c h w) logits.
        target: (b h w) numbers of classes, and `void`.
        void: marks what does not count.
    """
    losses = functional.cross_entropy(scores, target.long(), ignore_index=void, reduction="none")
    return losses.sum(dim=(1, 2)) / (target != void).sum(dim=(1, 2)).clamp_min(1)


def dice_loss(shares: Tensor, target: Tensor, void: int) -> Tensor:
    """Return (b), 1 - the mean over classes of (2 sum p t + 1) / (sum p + sum t + 1).

    The soft Dice of Milletari et al. (V-Net, 3DV 2016, section 3), with sums in place of squares
    and a pixel added, so that a class that is neither there nor predicted costs nothing.

    Args:
        shares: (b c h w) probabilities.
        target: (b h w) numbers of classes, and `void`.
        void: marks what does not count.
    """
    truth, shares = _one_hot(shares, target, void)
    both = (shares * truth).sum(dim=(2, 3))
    sizes = shares.sum(dim=(2, 3)) + truth.sum(dim=(2, 3))
    return 1 - ((2 * both + 1) / (sizes + 1)).mean(dim=1)


def boundary_loss(shares: Tensor, target: Tensor, void: int, reach: int = 1) -> Tensor:
    """Return (b), 1 - the mean over the classes of a row of the F1 of their boundaries.

    Boundaries are where a class ends within a pixel: b(y) = max of (1 - y) around - (1 - y). A
    pixel of the one boundary is right that has the other within reach. Bokhovkin and Burnaev
    (Boundary Loss for Remote Sensing, 2019, section 3), with maxima as in their code.

    Args:
        shares: (b c h w) probabilities.
        target: (b h w) numbers of classes, and `void`.
        void: marks what does not count.
        reach: in pixels.
    """
    truth, shares = _one_hot(shares, target, void)
    true, said = _edges(truth), _edges(shares)
    size = 2 * reach + 1
    near_true = functional.max_pool2d(true, size, 1, reach)
    near_said = functional.max_pool2d(said, size, 1, reach)
    precision = ((said * near_true).sum(dim=(2, 3)) + LEAST) / (said.sum(dim=(2, 3)) + LEAST)
    recall = ((true * near_said).sum(dim=(2, 3)) + LEAST) / (true.sum(dim=(2, 3)) + LEAST)
    scores = 2 * precision * recall / (precision + recall)
    there = (true.sum(dim=(2, 3)) > 0).to(scores.dtype)
    return ((1 - scores) * there).sum(dim=1) / there.sum(dim=1).clamp_min(1)


def _edges(values: Tensor) -> Tensor:
    other = 1 - values
    return functional.max_pool2d(other, 3, 1, 1) - other


def _one_hot(shares: Tensor, target: Tensor, void: int) -> tuple[Tensor, Tensor]:
    """Return (b c h w) truth and probabilities, both zero where a pixel is void."""
    known = (target != void)[:, None]
    numbers = torch.where(known, target[:, None].long(), 0)
    truth = torch.zeros_like(shares).scatter_(1, numbers, 1.0)
    return truth * known, shares * known
