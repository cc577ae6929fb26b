"""An expert that is a network: its own encoders where they are trained, a fusion, and a task."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from plait.cache import Encoded
from plait.catalog import FUSIONS, TASKS
from plait.chance import seeded
from plait.encoders.encoder import Encoder
from plait.ensemble.expert import NOTHING, Expert, State
from plait.evaluate.run import metrics_of
from plait.fusion.fusion import FusionConfig
from plait.layers import has_bfloat16, threads
from plait.network import Network
from plait.tasks.target import Target
from plait.tasks.task import HeadConfig
from plait.train.config import TrainConfig
from plait.train.record import Record
from plait.types import Features, Raw

if TYPE_CHECKING:
    from plait.train.distil import Teacher
    from plait.train.step import Lesson

ROWS_A_BATCH = 512


class NetworkExpert(Expert):
    """Trains a fusion by name on frozen Features, and the encoders of the other sources with it.

    Args:
        sources: that it reads.
        target: that it predicts.
        fusion: by name.
        settings: of the fusion.
        head: settings of the task's head.
        train: settings of the training loop.
        encoders: makes the encoder of each source that is trained.
        start: the states that some of these begin with, by source.
    """

    def __init__(
        self,
        sources: tuple[str, ...],
        target: Target,
        fusion: str,
        settings: FusionConfig,
        head: HeadConfig,
        train: TrainConfig,
        encoders: Mapping[str, Callable[[], Encoder]] | None = None,
        start: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__(sources, target)
        self.fusion, self.settings, self.head, self.train_config = fusion, settings, head, train
        self.make = {name: make for name, make in (encoders or {}).items() if name in sources}
        self.start = start or {}
        self.network: Network | None = None

    @property
    def threads(self) -> int:
        """How many threads are worth it: all for encoders, one for heads on Features.

        A second one takes off a tenth of the steps of an `ensemble` in bfloat16, a quarter in
        float32: less than the linear models and trees that have the other core meanwhile.
        """
        return (os.cpu_count() or 1) if self.make else 1

    def _build(self, widths: dict[str, int], encoders: Mapping[str, Encoder]) -> Network:
        fusion = FUSIONS[self.fusion](widths, self.settings)
        task = TASKS[self.target.kind](fusion.width, self.target, self.head, fusion.members)
        return Network(encoders, fusion, task)

    def fit(
        self,
        rows: Encoded,
        target: np.ndarray,
        weight: np.ndarray,
        seed: int,
        record: Record = NOTHING,
        teacher: Teacher | None = None,
    ) -> None:
        """Build and train the network; the random numbers are its own.

        Args:
            rows: n of them, encoded.
            target: (n c).
            weight: (n).
            seed: of everything random.
            record: of the training.
            teacher: of rows that have a source, all of them; it is learned from beside the target.
        """
        from plait.train.step import Lesson

        rows, target, weight = self.present_rows(rows, target, weight)
        # Encoders may draw from torch's own generator while they learn; heads on Features do not,
        # and learn beside one another.
        with threads(self.threads), seeded(seed) if self.make else nullcontext():
            lesson = Lesson(
                self._inputs(rows),
                torch.from_numpy(target),
                torch.from_numpy(weight.astype(np.float32)),
                rows.groups,
            )
            with seeded(seed):
                self.network = learner = self._begin(rows, target, weight, seed)
                if teacher is not None:
                    learner, lesson = teacher.teach(learner, lesson)
            self._learn(learner, lesson, seed, record)
            self.network.eval()

    def _inputs(self, rows: Encoded) -> dict[str, Features | Raw]:
        """Return what the network reads of each source; no step carries tokens that none reads."""
        inputs = rows.inputs(self.sources, self.make)
        if FUSIONS[self.fusion].by_tokens:
            return inputs
        return {
            n: part.vectors if isinstance(part, Features) else part for n, part in inputs.items()
        }

    def _begin(self, rows: Encoded, target: np.ndarray, weight: np.ndarray, seed: int) -> Network:
        """Return the network before the first step."""
        encoders = {name: make() for name, make in self.make.items()}
        for name, encoder in encoders.items():
            encoder.fit(rows.raw[name], self.target.guess(target), seed)
            if name in self.start:
                encoder.load_state_dict(self.start[name])
        widths = {
            name: encoders[name].width if name in encoders else rows.features[name].width
            for name in self.sources
        }
        return self._build(widths, encoders)

    def _learn(self, learner: Network, lesson: Lesson, seed: int, record: Record) -> None:
        """Train the network, or the pupil that it has become."""
        # Predicting must not load what only training needs.
        from plait.train.loop import train

        train(learner, lesson, self._settings(), seed, self._judge(), record)

    def _settings(self) -> TrainConfig:
        """Return the settings of training, with epochs and a precision that suit the fusion."""
        fusion, config = FUSIONS[self.fusion], self.train_config
        config = replace(config, epochs=math.ceil(config.epochs * fusion.passes))
        if config.precision != "auto":
            return config
        half = fusion.large and has_bfloat16()
        return replace(config, precision="bfloat16" if half else "float32")

    def _judge(self) -> Callable[[Tensor, Tensor], float] | None:
        """Return the cost that decides when to stop: of the metric that is named, if it is."""
        if self.train_config.stop_on == "loss":
            return None
        metric = metrics_of(self.target)[self.train_config.stop_on]

        def cost(scores: Tensor, target: Tensor) -> float:
            return -metric.sign * metric.score(target.numpy(), scores.double().numpy())

        return cost

    def scores(self, rows: Encoded) -> np.ndarray:
        """Return (n c)."""
        assert self.network is not None
        return self._of_batches(self.network, rows).double().numpy()

    def vectors(self, rows: Encoded) -> np.ndarray:
        """Return (n d), what the fusion made of each row: zero where it had no source."""
        network = self.network
        assert network is not None
        return self._of_batches(lambda p: network.fusion(network.encode(p)).pooled, rows).numpy()

    @torch.no_grad()
    def _of_batches(
        self, function: Callable[[Mapping[str, Features | Raw]], Tensor], rows: Encoded
    ) -> Tensor:
        inputs = self._inputs(rows)
        with threads(self.threads):
            parts = [
                function({name: part.take(batch) for name, part in inputs.items()})
                for batch in torch.arange(len(rows)).split(ROWS_A_BATCH)
            ]
        return torch.cat(parts)

    def state(self) -> State:
        """Return the weights, and the widths that the network was built for."""
        assert self.network is not None
        tensors: dict[str, Tensor] = dict(self.network.state_dict())
        return State(tensors, {"widths": self.network.fusion.widths})

    def load(self, state: State) -> None:
        """Build the network for the widths, and load the weights."""
        encoders = {name: make() for name, make in self.make.items()}
        self.network = self._build(state.facts["widths"], encoders)
        self._put(self.network, state.tensors)
        self.network.eval()

    def _put(self, network: Network, tensors: Mapping[str, Tensor]) -> None:
        network.load_state_dict(tensors)
