"""Classify: one of several classes, or any of several labels."""

from __future__ import annotations

from torch import Tensor

from plait.losses import binary_cross_entropy, binary_hinge, cross_entropy, multiclass_hinge
from plait.tasks.task import Task


class Classify(Task):
    """One class a row: softmax over classes (logistic), or the multiclass hinge (svm)."""

    def row_losses(self, scores: Tensor, target: Tensor) -> Tensor:
        """Return (b)."""
        classes = target.argmax(dim=1)
        if self.config.kind != "svm":
            return cross_entropy(scores, classes)
        scaled = scores.detach() * self.scale()
        return multiclass_hinge(scores, classes) + cross_entropy(scaled, classes)

    def to_scores(self, scores: Tensor) -> Tensor:
        """Return (b c) probabilities that sum to one."""
        return (scores * self.scale()).softmax(dim=1)


class Multilabel(Task):
    """Any labels a row: a sigmoid each (logistic), or a hinge each (svm)."""

    def row_losses(self, scores: Tensor, target: Tensor) -> Tensor:
        """Return (b)."""
        if self.config.kind != "svm":
            return binary_cross_entropy(scores, target)
        scaled = scores.detach() * self.scale()
        return binary_hinge(scores, target) + binary_cross_entropy(scaled, target)

    def to_scores(self, scores: Tensor) -> Tensor:
        """Return (b c) probabilities, each on its own."""
        return (scores * self.scale()).sigmoid()
