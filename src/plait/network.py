"""A network: encoders, a fusion and a task, one after the other. Read this page first."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from plait.encoders.encoder import Encoder
from plait.fusion.fusion import Fusion
from plait.tasks.task import Objective
from plait.types import Features, Raw


class Network(nn.Module):
    """Columns in, scores out.

        samples --encoders--> Features a source --fusion--> Features --task--> scores

    `encoders` are those that are trained with the network; sources of frozen encoders come as
    Features, computed once for all rows.
    """

    def __init__(self, encoders: Mapping[str, Encoder], fusion: Fusion, task: Objective) -> None:
        super().__init__()
        # By number: the name of a column may hold what the name of a module may not.
        self.encoders = nn.ModuleList(encoders.values())
        self.names = tuple(encoders)
        self.fusion = fusion
        self.task = task

    @property
    def by_name(self) -> dict[str, Encoder]:
        """The encoders by source."""
        return dict(zip(self.names, self.encoders, strict=True))  # type: ignore[arg-type]

    def encode(self, rows: Mapping[str, Features | Raw]) -> dict[str, Features]:
        """Return the Features of each source of b rows; samples go through their encoder.

        What several of the rows hold does so once.
        """
        encoders = self.by_name
        return {
            name: _encoded(encoders[name], part) if isinstance(part, Raw) else part
            for name, part in rows.items()
        }

    def loss(self, features: Mapping[str, Features], target: Tensor, weight: Tensor) -> Tensor:
        """Return the scalar loss of b rows, for a target (b c) and row weights (b)."""
        return self.loss_of(self.fusion(features), target, weight)

    def loss_of(self, joined: Features, target: Tensor, weight: Tensor) -> Tensor:
        """Return the same of Features that were joined already."""
        return self.task.loss(joined, target, weight)

    def predict(self, features: Mapping[str, Features]) -> Tensor:
        """Return (b c) scores."""
        scores: Tensor = self.task.predict(self.fusion(features))
        return scores

    def forward(self, rows: Mapping[str, Features | Raw]) -> Tensor:
        """Return (b c) scores of b rows."""
        return self.predict(self.encode(rows))


def _encoded(encoder: Encoder, rows: Raw) -> Features:
    once, places = rows.once()
    features: Features = encoder(list(once))
    return features if len(once) == len(rows) else features.take(places)
