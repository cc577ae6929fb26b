"""Settings of `align`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from plait.catalog import FUSIONS
from plait.config import check_range
from plait.encoders.config import EncoderConfig
from plait.encoders.history import HistoryConfig
from plait.errors import ConfigError, unknown
from plait.fusion.fusion import FusionConfig
from plait.fusion.tokens import TokenFusion
from plait.tasks.align import AlignTaskConfig
from plait.train.config import TrainConfig

KEEP_TOKENS = ("concat", *(n for n, fusion in FUSIONS.items() if issubclass(fusion, TokenFusion)))
"""Fusions that leave all tokens to late interaction."""


@dataclass(frozen=True)
class AlignConfig:
    """Settings of `align`.

    Attributes:
        fusion: of the columns of each group, by its name in `plait.catalog.FUSIONS`; for the loss
            `filip` one of `KEEP_TOKENS`, of which `concat` then sets tokens side by side.
        fusion_settings: of that fusion.
        task: the loss, its temperature, the width of the space.
        encoders: which encoder reads what, and their settings.
        train: settings of the training loop on frozen Features.
        deep: settings of the training loop where encoders are trained from scratch.
        tuned: settings of the training loop where pretrained networks are trained on, after their
            maps have learned on them as they are.
        start: where linear maps on frozen encoders begin: `canonical`, as regularised canonical
            correlations of the rows that are learned from (`plait.fusion.canonical`), or `random`.
            Maps of tokens (`filip`), with a hidden layer, or beside encoders that are trained from
            scratch and histories begin at random; those of a joint model in its own space.
        history: how histories are read, if there are any.
        as_is: learn nothing; a joint model (CLIP, SigLIP, CLAP) has a space of its own.
        seed: of everything random.
        max_bad_share: share of a column's cells that may be unreadable before the run stops.
    """

    fusion: str = "concat"
    fusion_settings: FusionConfig = field(default_factory=FusionConfig)
    task: AlignTaskConfig = field(default_factory=AlignTaskConfig)
    encoders: EncoderConfig = field(default_factory=EncoderConfig)
    train: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            batch_size=512, learning_rate=3e-3, weight_decay=0.1, patience=30, modality_dropout=0.0
        )
    )  # fmt: skip
    deep: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            epochs=30, least_steps=1000, batch_size=128, learning_rate=1e-3, weight_decay=0.05,
            patience=8, clip=1.0, modality_dropout=0.0,
        )
    )  # fmt: skip
    tuned: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            epochs=5, least_steps=100, batch_size=64, learning_rate=5e-4, weight_decay=0.1,
            patience=2, clip=1.0, modality_dropout=0.0,
        )
    )  # fmt: skip
    start: Literal["canonical", "random"] = "canonical"
    history: HistoryConfig = field(default_factory=HistoryConfig)
    as_is: bool = False
    seed: int = 0
    max_bad_share: float = 0.2

    def __post_init__(self) -> None:
        check_range(self, "seed", 0, 2**31 - 1)
        check_range(self, "max_bad_share", 0.0, 1.0)
        if self.fusion not in FUSIONS:
            raise ConfigError(unknown("Fusion", self.fusion, FUSIONS))
        if self.task.loss == "filip" and self.fusion not in KEEP_TOKENS:
            raise ConfigError(
                f"The loss 'filip' compares tokens, and the fusion {self.fusion!r} leaves one "
                f"vector a group; say one of {', '.join(KEEP_TOKENS)}, or another loss."
            )
