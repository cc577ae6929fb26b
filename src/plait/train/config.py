"""Settings of the training loop, apart from it: predicting reads them and never trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from plait.config import check_range

Precision = Literal["auto", "float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class TrainConfig:
    """Settings of the training loop.

    Attributes:
        epochs: most passes over the training rows.
        least_steps: steps below which a small table gets more epochs, with patience to match.
        batch_size: rows a step.
        accumulate: parts that a step is computed in, one after the other, to save memory; the
            gradient is that of the whole batch.
        precision: of what is computed; weights stay in float32. float16 needs a GPU; `auto` is
            bfloat16 for fusions of large products on processors that have it, and else float32.
        learning_rate: of AdamW at its highest, after a warm-up of a tenth of the steps.
        weight_decay: of AdamW.
        clip: length that a step's gradient is cut to; 0 leaves it as it is.
        average: share of the old in a running average of the weights, which is what is judged and
            kept (Polyak and Juditsky, 1992); 0 keeps the weights themselves.
        patience: epochs without a better validation score after which training stops.
        stop_on: what validation looks at: `loss`, or a metric of the task.
        validation_share: share of the training rows that decides when to stop.
        balanced: draw rows so that every class comes up as often as any other.
        together: rows with the same picture, sound or video that come one after the other, at most,
            so that a batch encodes it once; 1 leaves the order to chance. More is quicker where
            encoders are the cost, and learns less from an epoch where they are not. Where rows are
            set against one another (`align`) it is always left to chance.
        modality_dropout: share of the sources that are hidden from a row in training, never all, so
            that a missing one later is nothing new (Neverova et al., ModDrop, TPAMI 2016).
        token_dropout: share of a source's tokens that are hidden from a row in training, never all.
        mixup: rows are blended in pairs, all modalities and the target by one share drawn from
            Beta(mixup, mixup) (Verma et al., Manifold Mixup, ICML 2019); 0 leaves rows apart.
        modulation: alpha of OGM-GE (see `plait.train.modulation`): encoders of modalities that are
            ahead learn slower, so that the others catch up; 0 is off.
        noise: whether modulation adds noise of the gradient's spread, as OGM-GE does with SGD.
    """

    epochs: int = 60
    least_steps: int = 300
    batch_size: int = 128
    accumulate: int = 1
    precision: Precision = "auto"
    learning_rate: float = 1e-2
    weight_decay: float = 0.02
    clip: float = 0.0
    average: float = 0.0
    patience: int = 10
    stop_on: str = "loss"
    validation_share: float = 0.1
    balanced: bool = False
    together: int = 1
    modality_dropout: float = 0.1
    token_dropout: float = 0.0
    mixup: float = 0.0
    modulation: float = 0.0
    noise: bool = False

    def __post_init__(self) -> None:
        check_range(self, "epochs", 1, 100_000)
        check_range(self, "least_steps", 1, 10_000_000)
        check_range(self, "batch_size", 1, 1_000_000)
        check_range(self, "accumulate", 1, 1_000_000)
        check_range(self, "learning_rate", 1e-8, 10.0)
        check_range(self, "weight_decay", 0.0, 10.0)
        check_range(self, "clip", 0.0, 1e9)
        check_range(self, "average", 0.0, 0.99999)
        check_range(self, "patience", 1, 100_000)
        check_range(self, "validation_share", 0.0, 0.5)
        check_range(self, "together", 1, 1_000_000)
        check_range(self, "modality_dropout", 0.0, 0.9)
        check_range(self, "token_dropout", 0.0, 0.9)
        check_range(self, "mixup", 0.0, 100.0)
        check_range(self, "modulation", 0.0, 100.0)
