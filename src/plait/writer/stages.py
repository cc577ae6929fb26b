"""The stages of learning to write: from texts, with the networks that read, from rewards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from plait.cache import Encoded
from plait.config import to_json
from plait.encoders.pretrained.tuned import tuned_of
from plait.layers import has_bfloat16
from plait.network import Network
from plait.progress import Progress
from plait.tasks.language_model import LanguageModel
from plait.tasks.write import padded
from plait.train.config import TrainConfig
from plait.train.record import Record, Watch
from plait.train.step import Lesson
from plait.writer.building import Build
from plait.writer.material import Material
from plait.writer.rewards import rewarded
from plait.writer.writer import Writer

if TYPE_CHECKING:
    from plait.train.checkpoint import Course


@dataclass(frozen=True)
class Stages:
    """What a model learns from some rows, one stage after the other.

    Attributes:
        material: of all rows.
        rows: (k) that are learned from.
        encoded: these, as the network reads them.
        tokens: their texts.
        made: what reads the sources.
        record: of the training.
        progress: where to show it.
    """

    material: Material
    rows: np.ndarray
    encoded: Encoded
    tokens: Sequence[Sequence[int]]
    made: Build
    record: Record
    progress: Progress

    def texts(self, writer: Writer) -> Writer:
        """Learn from texts that people wrote, the encoders of pretrained networks as they are."""
        model, config = writer.task.decoder, writer.config
        if isinstance(model, LanguageModel):
            model.begin_learning()
        self._train(writer, config.writing, "Learning to write", "texts")
        if isinstance(model, LanguageModel):
            model.finish()
        return writer

    def networks(self, writer: Writer) -> Writer:
        """Let the pretrained networks that read learn with what learned on them as they were.

        A language model stays as the first stage left it; see `plait.train.tuning`.
        """
        from plait.train.loop import validate
        from plait.train.tuning import train_on

        network, config = writer.network, writer.config
        tuned = tuned_of(self.made.frozen, config.encoders.finetune)
        if not tuned:
            return writer
        encoders = network.by_name | tuned
        ordered = {name: encoders[name] for name in sorted(encoders)}
        whole = replace(writer, network=Network(ordered, network.fusion, network.task))
        lesson, settings = self._lesson(whole.network), _settings(config.tuned)
        model = writer.task.decoder
        learns = {
            w: w.requires_grad for w in model.parameters() if isinstance(model, LanguageModel)
        }
        for weight in learns:
            weight.requires_grad_(False)
        costs = train_on(
            whole.network, lesson, config.seed,
            lambda: self._train(whole, config.tuned, "Training networks on", "networks"),
            lambda: validate(whole.network, lesson, settings, config.seed),
        )  # fmt: skip
        for weight, learned in learns.items():
            weight.requires_grad_(learned)
        facts = whole.facts | {"kept": min(costs, key=costs.__getitem__)}
        return replace(whole, facts=facts)

    def rewards(self, writer: Writer) -> Writer:
        """Learn from what texts are worth, if a reward is named."""
        config = writer.config
        name = config.write.reinforce.reward
        if not name:
            return writer
        with self.progress.stage(f"Learning from {name}", config.rewarded.epochs) as advance:
            told = Record(self._checkpoint("rewards"), lambda _: advance(1))
            stages = rewarded(writer, self.encoded, self.material, self.rows, config, told)
        return replace(writer, facts=writer.facts | {"rewarded": to_json(list(stages))})

    def _train(self, writer: Writer, config: TrainConfig, title: str, stage: str) -> None:
        from plait.train.loop import train

        settings, lesson = _settings(config), self._lesson(writer.network)
        title = f"{title}, {len(self.rows):,} rows"
        with self.progress.stage(title, settings.epochs) as advance:
            watch = _also(self.record.watch, lambda _: advance(1))
            told = Record(self._checkpoint(stage), watch)
            train(writer.network, lesson, settings, writer.config.seed, None, told)

    def _lesson(self, network: Network) -> Lesson:
        return Lesson(
            self.encoded.inputs(network.fusion.widths, network.by_name),
            self._target(),
            torch.ones(len(self.rows)),
            self.material.groups[self.rows],
        )

    def _target(self) -> Tensor:
        """Return the tokens of the texts, behind what is known of other targets."""
        tokens, truth = padded(self.tokens), self.material.truth
        if truth is None:
            return tokens
        known = torch.from_numpy(truth[self.rows])
        return torch.cat([known, tokens.to(known.dtype)], dim=1)

    def _checkpoint(self, stage: str) -> Path | None:
        path = self.record.checkpoint
        return path if path is None or stage == "texts" else path.with_name(f"{stage}-{path.name}")


def _settings(config: TrainConfig) -> TrainConfig:
    """Return the settings of training, with a precision that suits large products."""
    if config.precision != "auto":
        return config
    return replace(config, precision="bfloat16" if has_bfloat16() else "float32")


def _also(watch: Watch | None, told: Watch) -> Watch:
    """Return what tells both."""
    if watch is None:
        return told

    def both(course: Course) -> None:
        watch(course)
        told(course)

    return both
