"""Settings of the training loop, apart from it: predicting reads them and never trains."""

from __future__ import annotations

from dataclasses import dataclass

from plait.config import check_range


@dataclass(frozen=True)
class TrainConfig:
    """Settings of the training loop.

    Attributes:
        epochs: most passes over the training rows.
        least_steps: steps below which a small table gets more epochs, with patience to match.
        batch_size: rows a step.
        learning_rate: of AdamW at its highest, after a warm-up of a tenth of the steps.
        weight_decay: of AdamW.
        patience: epochs without a lower validation loss after which training stops.
        clip: length that a step's gradient is cut to; 0 leaves it as it is.
        validation_share: share of the training rows that decides when to stop.
        modality_dropout: share of the sources that are hidden from a row in training, never all, so
            that a missing one later is nothing new (Neverova et al., ModDrop, TPAMI 2016).
    """

    epochs: int = 60
    least_steps: int = 300
    batch_size: int = 128
    learning_rate: float = 1e-2
    weight_decay: float = 0.02
    patience: int = 10
    clip: float = 0.0
    validation_share: float = 0.1
    modality_dropout: float = 0.1

    def __post_init__(self) -> None:
        check_range(self, "epochs", 1, 100_000)
        check_range(self, "least_steps", 1, 10_000_000)
        check_range(self, "batch_size", 1, 1_000_000)
        check_range(self, "learning_rate", 1e-8, 10.0)
        check_range(self, "weight_decay", 0.0, 10.0)
        check_range(self, "patience", 1, 100_000)
        check_range(self, "clip", 0.0, 1e9)
        check_range(self, "validation_share", 0.0, 0.5)
        check_range(self, "modality_dropout", 0.0, 0.9)
