"""Training of a network that makes a column, on rows that are encoded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from plait.cache import Encoded
from plait.layers import has_bfloat16
from plait.making.material import Material
from plait.network import Network
from plait.progress import Progress
from plait.train.config import TrainConfig
from plait.train.record import Record, Watch
from plait.train.step import Lesson, Vary

if TYPE_CHECKING:
    from plait.train.checkpoint import Course


@dataclass(frozen=True)
class Training:
    """What a network learns from.

    Attributes:
        material: of all rows.
        rows: (k) that are learned from.
        encoded: these, as the network reads them.
        target: (k ...) of these.
        seed: of the order of rows.
        record: of the training.
        progress: where to show it.
        vary: changes inputs and target alike at random, while the network learns.
    """

    material: Material
    rows: np.ndarray
    encoded: Encoded
    target: Tensor
    seed: int
    record: Record
    progress: Progress
    vary: Vary | None = None

    def train(self, network: Network, config: TrainConfig, title: str, stage: str = "") -> None:
        """Train a network in place.

        Args:
            network: that learns.
            config: settings.
            title: of what is shown.
            stage: one of several, whose checkpoint is kept apart; the first has none.
        """
        from plait.train.loop import train

        config, lesson = large(config), self.lesson(network)
        with self.progress.stage(f"{title}, {len(self.rows):,} rows", config.epochs) as advance:
            told = Record(self.checkpoint(stage), also(self.record.watch, lambda _: advance(1)))
            train(network, lesson, config, self.seed, None, told)

    def lesson(self, network: Network) -> Lesson:
        """Return the rows as a network reads them."""
        return Lesson(
            self.encoded.inputs(network.fusion.widths, network.by_name),
            self.target,
            torch.ones(len(self.rows)),
            self.material.groups[self.rows],
            self.vary,
        )

    def checkpoint(self, stage: str) -> Path | None:
        """Return where what is under way in a stage is kept."""
        path = self.record.checkpoint
        return path if path is None or not stage else path.with_name(f"{stage}-{path.name}")


def large(config: TrainConfig) -> TrainConfig:
    """Return settings of training with a precision that suits large products."""
    if config.precision != "auto":
        return config
    return replace(config, precision="bfloat16" if has_bfloat16() else "float32")


def also(watch: Watch | None, told: Watch) -> Watch:
    """Return what tells both."""
    if watch is None:
        return told

    def both(course: Course) -> None:
        watch(course)
        told(course)

    return both
