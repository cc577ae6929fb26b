"""Classify: one of several classes, or any of several labels."""

from __future__ import annotations

import torch
from torch import Tensor

from plait.losses import (
    LEAST,
    adjusted,
    binary_cross_entropy,
    binary_hinge,
    cross_entropy,
    focal,
    label_cross_entropy,
    multiclass_hinge,
    soft_cross_entropy,
    soft_label_cross_entropy,
)
from plait.tasks.task import Task


class Classify(Task):
    """One class a row: softmax over classes (logistic), or the multiclass hinge (svm)."""

    def row_losses(self, scores: Tensor, target: Tensor) -> Tensor:
        """Return (b)."""
        classes = target.argmax(dim=1)
        if self.config.kind == "svm":
            scaled = scores.detach() * self.scale()
            return multiclass_hinge(scores, classes) + cross_entropy(scaled, classes)
        if self.config.loss == "adjusted":
            prior = scores.new_tensor(self.target.prior).clamp_min(LEAST).log()
            scores = adjusted(scores, prior, self.config.strength)
        losses = cross_entropy(scores, classes)
        return focal(losses, self.config.focusing) if self.config.loss == "focal" else losses

    def soft_losses(self, scores: Tensor, teacher: Tensor, temperature: float) -> Tensor:
        """Return (b)."""
        return soft_cross_entropy(scores * self.scale(), teacher, temperature)

    def to_scores(self, scores: Tensor) -> Tensor:
        """Return (b c) probabilities that sum to one."""
        return (scores * self.scale()).softmax(dim=1)


class Multilabel(Task):
    """Any labels a row: a sigmoid each (logistic), or a hinge each (svm)."""

    def row_losses(self, scores: Tensor, target: Tensor) -> Tensor:
        """Return (b)."""
        if self.config.kind == "svm":
            scaled = scores.detach() * self.scale()
            return binary_hinge(scores, target) + binary_cross_entropy(scaled, target)
        if self.config.loss == "adjusted":
            prior = torch.logit(scores.new_tensor(self.target.prior), eps=LEAST)
            scores = adjusted(scores, prior, self.config.strength)
        losses = label_cross_entropy(scores, target)
        losses = focal(losses, self.config.focusing) if self.config.loss == "focal" else losses
        return losses.mean(dim=1)

    def soft_losses(self, scores: Tensor, teacher: Tensor, temperature: float) -> Tensor:
        """Return (b)."""
        scaled = scores * self.scale()
        return soft_label_cross_entropy(scaled, teacher, temperature).mean(dim=1)

    def to_scores(self, scores: Tensor) -> Tensor:
        """Return (b c) probabilities, each on its own."""
        return (scores * self.scale()).sigmoid()
