"""Regress: a number, learned in units of its own spread."""

from __future__ import annotations

from torch import Tensor

from plait.losses import epsilon_insensitive, squared_error
from plait.tasks.task import Task


class Regress(Task):
    """One number a row: least squares, or epsilon-insensitive (svm)."""

    def row_losses(self, scores: Tensor, target: Tensor) -> Tensor:
        """Return (b)."""
        loss = epsilon_insensitive if self.config.kind == "svm" else squared_error
        return loss(scores, self.target.scale.to_units(target.double()).to(scores.dtype))

    def soft_losses(self, scores: Tensor, teacher: Tensor, temperature: float) -> Tensor:
        """Return (b): a number has no temperature, it is learned as if it were the truth."""
        return self.row_losses(scores, teacher)

    def to_scores(self, scores: Tensor) -> Tensor:
        """Return (b 1) in the target's units, float64: large numbers may differ by little."""
        return self.target.scale.from_units(scores.double())
