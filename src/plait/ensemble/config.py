"""All settings of a fit in one place; each part belongs to the component that reads it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from plait.config import check_range
from plait.encoders.config import EncoderConfig
from plait.ensemble.linear import LinearConfig
from plait.ensemble.trees import TreesConfig
from plait.errors import ConfigError, unknown
from plait.fusion.fusion import FusionConfig
from plait.tasks.draw_config import DrawConfig
from plait.tasks.segment_config import SegmentConfig
from plait.tasks.task import HeadConfig
from plait.tasks.write import WriteConfig
from plait.train.config import TrainConfig


@dataclass(frozen=True)
class FitConfig:
    """Settings of `fit` and `compare`.

    Attributes:
        fusion: the fusion asked for, by its name in `plait.catalog.FUSIONS`.
        fusion_settings: of that fusion.
        metric: the metric that decides; None takes the task's first.
        folds: folds that entrants are judged on; 1 is one hold-out, 0 chooses by the rows.
        seed: of everything random.
        max_bad_share: share of a column's cells that may be unreadable before the run stops.
        drop: experts that are behind with p below this after a fold are not fitted in the others;
            0 fits all to the end, as `compare` does.
        class_weights: let every class weigh the same in what is learned, however rare it is; all
            experts heed it.
        encoders: which encoder reads what, and their settings.
        head: settings of the heads of networks.
        train: settings of the training loop on frozen Features.
        deep: settings of the training loop of networks that train their encoders.
        tuned: settings of the training loop of pretrained networks that are trained on.
        linear: settings of the linear models of one modality alone.
        trees: settings of the trees.
        segment: settings of what segments, where the target is a mask.
        segmenting: settings of the training loop of what segments.
        write: settings of what writes, where the target is a text.
        writing: settings of the training loop of what writes.
        rewarded: settings of the training loop where rewards are learned from.
        draw: settings of what draws, where the target is a picture.
        drawing: settings of the training loop of what draws.
    """

    fusion: str = "concat"
    fusion_settings: FusionConfig = field(default_factory=FusionConfig)
    metric: str | None = None
    folds: int = 0
    seed: int = 0
    max_bad_share: float = 0.2
    drop: float = 0.01
    class_weights: bool = False
    encoders: EncoderConfig = field(default_factory=EncoderConfig)
    head: HeadConfig = field(default_factory=HeadConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    deep: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            epochs=30,
            least_steps=1000,
            batch_size=64,
            learning_rate=2e-3,
            weight_decay=0.05,
            patience=8,
            clip=1.0,
        )
    )
    tuned: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            epochs=5,
            least_steps=100,
            batch_size=32,
            learning_rate=5e-4,
            patience=2,
            clip=1.0,
        )
    )
    linear: LinearConfig = field(default_factory=LinearConfig)
    trees: TreesConfig = field(default_factory=TreesConfig)
    segment: SegmentConfig = field(default_factory=SegmentConfig)
    segmenting: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            epochs=40,
            least_steps=500,
            batch_size=16,
            learning_rate=1e-3,
            weight_decay=0.05,
            patience=8,
            clip=1.0,
            together=10,
            modality_dropout=0.0,
        )
    )
    write: WriteConfig = field(default_factory=WriteConfig)
    writing: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            epochs=30,
            least_steps=1000,
            batch_size=64,
            learning_rate=1e-3,
            weight_decay=0.05,
            patience=4,
            clip=1.0,
        )
    )

    rewarded: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            epochs=10,
            least_steps=200,
            batch_size=32,
            learning_rate=1e-4,
            weight_decay=0.0,
            patience=3,
            clip=1.0,
            modality_dropout=0.0,
        )
    )

    draw: DrawConfig = field(default_factory=DrawConfig)
    drawing: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            epochs=20,
            least_steps=2000,
            batch_size=64,
            learning_rate=1e-3,
            weight_decay=0.01,
            average=0.995,
            clip=1.0,
            validation_share=0.0,  # the loss rises long before pictures are at their best
            modality_dropout=0.0,
        )
    )

    def __post_init__(self) -> None:
        check_range(self, "folds", 0, 100)
        check_range(self, "seed", 0, 2**31 - 1)
        check_range(self, "max_bad_share", 0.0, 1.0)
        check_range(self, "drop", 0.0, 1.0)


BALANCES = ("weights", "sampling", "focal", "adjusted")
"""Ways to learn from classes of unequal size."""


def balanced(config: FitConfig, way: str) -> FitConfig:
    """Return the settings with a way of balancing classes.

    Args:
        config: all other settings.
        way: `weights` in every expert; or in networks alone: `sampling` of rows, `focal` loss, or
            logits `adjusted` by how often each class occurs.

    Raises:
        ConfigError: for another word.
    """
    match way:
        case "weights":
            return replace(config, class_weights=True)
        case "sampling":
            train, deep = (replace(part, balanced=True) for part in (config.train, config.deep))
            return replace(config, train=train, deep=deep)
        case "focal":
            return replace(config, head=replace(config.head, loss="focal"))
        case "adjusted":
            return replace(config, head=replace(config.head, loss="adjusted"))
    raise ConfigError(unknown("Way of balancing", way, BALANCES))
