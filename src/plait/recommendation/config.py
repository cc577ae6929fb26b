"""Settings of `recommend`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from plait.attention import require_heads
from plait.catalog import FUSIONS
from plait.config import check_range
from plait.encoders.config import EncoderConfig
from plait.encoders.history import HistoryConfig
from plait.errors import ConfigError, unknown
from plait.fusion.fusion import FusionConfig
from plait.tasks.align import AlignTaskConfig
from plait.train.config import TrainConfig


@dataclass(frozen=True)
class RecommendConfig:
    """Settings of `recommend`.

    Attributes:
        fusion: of what is known of a user, and of an item, by name in `plait.catalog.FUSIONS`.
        fusion_settings: of that fusion.
        task: temperature, and width of the vectors; the loss is `infonce`.
        identity: width of what is learned of each item beside its content; 0 is content alone.
        hidden: share of identities hidden in training, so that new items are nothing new.
        history: how it is read: `attention`, `mean`, or `none`.
        longest: items of a history that are read, the newest.
        heads: of the attention.
        layers: of the attention.
        dropout: of the attention.
        neighbours: of each item, in the baseline.
        held_out: share of the choices, the latest, on which recommendations are judged.
        encoders: which encoder reads what; all are frozen.
        train: settings of the training loop.
        seed: of everything random.
        max_bad_share: share of a column's cells that may be unreadable before the run stops.
    """

    fusion: str = "concat"
    fusion_settings: FusionConfig = field(default_factory=FusionConfig)
    task: AlignTaskConfig = field(default_factory=lambda: AlignTaskConfig(width=64, noise=0.0))
    identity: int = 32
    hidden: float = 0.2
    history: Literal["attention", "mean", "none"] = "attention"
    longest: int = 20
    heads: int = 4
    layers: int = 1
    dropout: float = 0.1
    neighbours: int = 100
    held_out: float = 0.2
    encoders: EncoderConfig = field(default_factory=EncoderConfig)
    train: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            epochs=30, least_steps=300, batch_size=512, learning_rate=3e-3, weight_decay=0.05,
            patience=4, modality_dropout=0.0,
        )
    )  # fmt: skip
    seed: int = 0
    max_bad_share: float = 0.2

    def __post_init__(self) -> None:
        check_range(self, "identity", 0, 65536)
        check_range(self, "hidden", 0.0, 0.9)
        check_range(self, "neighbours", 1, 1_000_000)
        check_range(self, "held_out", 0.01, 0.9)
        check_range(self, "seed", 0, 2**31 - 1)
        check_range(self, "max_bad_share", 0.0, 1.0)
        if self.fusion not in FUSIONS:
            raise ConfigError(unknown("Fusion", self.fusion, FUSIONS))
        if self.task.loss != "infonce":
            raise ConfigError(
                f"Loss {self.task.loss!r} does not recommend: the correction for popular items is "
                "one of 'infonce'."
            )
        if self.train.modality_dropout:
            raise ConfigError(
                "Setting 'train.modality_dropout' must be 0 here, as it would hide the items "
                "themselves; 'hidden' hides identities."
            )
        if self.reading is not None and self.history == "attention":
            require_heads(self.task.width, self.heads)

    @property
    def reading(self) -> HistoryConfig | None:
        """How a history is read, if it is."""
        if self.history == "none":
            return None
        return HistoryConfig(self.history, self.longest, self.heads, self.layers, self.dropout)
