"""A network: encoders, a fusion and a task, one after the other. Read this page first."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from plait.encoders.encoder import Encoder
from plait.fusion.fusion import Fusion
from plait.tasks.task import Task
from plait.types import Batch, Features


class Network(nn.Module):
    """Columns in, scores out.

        batch --encoders--> Features a source --fusion--> Features --task--> scores

    With frozen encoders, `encode` is done once for all rows and training starts from there: `loss`
    and `predict` take the Features of the sources.
    """

    def __init__(self, encoders: Mapping[str, Encoder], fusion: Fusion, task: Task) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.fusion = fusion
        self.task = task

    def encode(self, batch: Batch) -> dict[str, Features]:
        """Return the Features of each source of a batch."""
        return {name: encoder(batch[name]) for name, encoder in self.encoders.items()}

    def loss(self, features: Mapping[str, Features], target: Tensor, weight: Tensor) -> Tensor:
        """Return the scalar loss of b rows, for a target (b c) and row weights (b)."""
        loss: Tensor = self.task.loss(self.fusion(features), target, weight)
        return loss

    def predict(self, features: Mapping[str, Features]) -> Tensor:
        """Return (b c) scores."""
        scores: Tensor = self.task.predict(self.fusion(features))
        return scores

    def forward(self, batch: Batch) -> Tensor:
        """Return (b c) scores of a batch of samples."""
        return self.predict(self.encode(batch))
