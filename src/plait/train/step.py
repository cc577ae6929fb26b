"""One step of training: the gradient of a batch, in as many parts as memory asks for."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from plait.errors import TrainingError, many
from plait.network import Network
from plait.train.augment import drop_sources, drop_tokens, mix
from plait.train.balance import alone, modulate
from plait.train.checkpoint import Course
from plait.train.config import TrainConfig
from plait.types import Features, Raw, one_below_other

if TYPE_CHECKING:
    from accelerate import Accelerator


Vary = Callable[["Lesson", torch.Generator], "Lesson"]
"""From b rows to the same rows, changed at random."""


@dataclass(frozen=True)
class Lesson:
    """What a network learns from.

    Attributes:
        rows: of n rows, by source: Features, or samples for an encoder of the network.
        target: (n c).
        weight: (n), weights of the rows.
        groups: (n) number of the group of each row, for what is held out; None where all rows are
            independent.
        vary: changes inputs and target alike at random, while a network learns.
        held: (n) True for rows that decide when to stop, as those do that an earlier training held
            out; None lets a share be drawn.
    """

    rows: Mapping[str, Features | Raw]
    target: Tensor
    weight: Tensor
    groups: np.ndarray | None = None
    vary: Vary | None = None
    held: Tensor | None = None

    def take(self, rows: Tensor, device: torch.device | None = None) -> Lesson:
        """Return the given rows, (k) long, on a device."""
        parts = {name: part.take(rows) for name, part in self.rows.items()}
        target, weight = self.target[rows], self.weight[rows]
        if device is None:
            return Lesson(parts, target, weight, vary=self.vary)
        moved = {k: p.to(device) if isinstance(p, Features) else p for k, p in parts.items()}
        return Lesson(moved, target.to(device), weight.to(device), vary=self.vary)


class Learner(nn.Module):
    """The loss of a network on what it is shown in training; a module, to be wrapped as one."""

    def __init__(self, network: Network, config: TrainConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.network, self.config, self.generator = network, config, generator
        self.alone: dict[str, float] = {}

    def forward(self, lesson: Lesson) -> Tensor:
        """Return the weighted mean loss of b rows, a scalar, never in bfloat16."""
        with self.autocast(lesson):
            loss = self._loss(lesson)
            return loss.float() if loss.dtype == torch.bfloat16 else loss

    def autocast(self, lesson: Lesson) -> AbstractContextManager[Any]:
        """Return what lets products of a lesson be computed in bfloat16, where the settings say."""
        if self.config.precision != "bfloat16":
            return nullcontext()
        # Its cache of weights is one for all threads: a network that learns beside would empty it.
        return torch.autocast(lesson.weight.device.type, torch.bfloat16, cache_enabled=False)

    def joined(self, lesson: Lesson) -> Features:
        """Return what the fusion makes of b rows as they are shown."""
        with self.autocast(lesson):
            joined: Features = self.network.fusion(self.shown(lesson))
            return joined

    def _loss(self, lesson: Lesson) -> Tensor:
        config, network = self.config, self.network
        if lesson.vary is not None:
            lesson = lesson.vary(lesson, self.generator)
        features = self.shown(lesson)
        if not config.mixup:
            return network.loss(features, lesson.target, lesson.weight)
        features, other, share = mix(features, config.mixup, self.generator)
        joined = network.fusion(features)
        one = network.loss_of(joined, lesson.target, lesson.weight)
        two = network.loss_of(joined, lesson.target[other], lesson.weight[other])
        return share * one + (1 - share) * two

    def shown(self, lesson: Lesson) -> dict[str, Features]:
        """Return the Features of each source, without what is hidden in training."""
        config, network = self.config, self.network
        features = network.encode(lesson.rows)
        if config.modulation:
            for name, score in alone(network, features, lesson.target).items():
                self.alone[name] = self.alone.get(name, 0.0) + score
        features = drop_sources(features, config.modality_dropout, self.generator)
        return drop_tokens(features, config.token_dropout, self.generator)


class Step:
    """Moves the weights by one batch."""

    def __init__(self, course: Course, accelerator: Accelerator) -> None:
        self.course, self.accelerator = course, accelerator
        self.learner = Learner(course.network, course.config, course.generators["hide"])
        self.wrapped = accelerator.prepare_model(self.learner)
        # Only scaled losses need accelerate's optimiser, which looks for packages in every step.
        scaled = accelerator.scaler is not None
        self.optimiser = (
            accelerator.prepare_optimizer(course.optimiser) if scaled else course.optimiser
        )

    def __call__(self, lesson: Lesson, batch: Tensor) -> float:
        """Take the step of a batch (b), and return its loss.

        Raises:
            TrainingError: when the loss is no number, or a single row does not fit into memory.
        """
        course, config = self.course, self.course.config
        loss = self._gradient(lesson, batch)
        if not math.isfinite(loss):
            raise TrainingError(_no_number(loss, course))
        if config.modulation and len(self.learner.alone) > 1:
            modulate(course.network, self._alone(), config, course.generators["shuffle"])
        if config.clip:
            self.accelerator.clip_grad_norm_(course.network.parameters(), config.clip)
        self.optimiser.step()
        course.schedule.step()
        course.average.update()
        return loss

    def _gradient(self, lesson: Lesson, batch: Tensor) -> float:
        """Return the loss, its gradient computed in parts; in more of them when memory runs out."""
        from accelerate.utils.memory import should_reduce_batch_size

        while True:
            self.optimiser.zero_grad()
            self.learner.alone = {}
            try:
                return self._in_parts(lesson, batch)
            except RuntimeError as error:
                if not should_reduce_batch_size(error):
                    raise
                if self.course.parts >= len(batch):
                    raise TrainingError(
                        "A single row does not fit into the memory of the device. Use smaller "
                        "encoders (encoders.trained), or shorter texts and smaller pictures."
                    ) from error
            self.course.parts *= 2
            torch.cuda.empty_cache()
            print(
                f"Out of memory: batches of {len(batch)} are computed in "
                f"{many(self.course.parts, 'part')} from now on.",
                file=sys.stderr,
            )

    def _in_parts(self, lesson: Lesson, batch: Tensor) -> float:
        processes, index = self.accelerator.num_processes, self.accelerator.process_index
        whole = float(lesson.weight[batch].sum().clamp_min(1e-12))
        parts = batch[index::processes].chunk(self.course.parts)
        if not len(parts[0]):  # every process must take part
            parts = (batch[:1],)
        if len(parts) > 1 and not self.course.network.task.by_rows:
            return self._cached(lesson, parts)
        total = 0.0
        for number, rows in enumerate(parts):
            part = lesson.take(rows, self.accelerator.device)
            share = float(lesson.weight[rows].sum()) / whole * (len(batch) > index)
            last = number == len(parts) - 1
            with nullcontext() if last else self.accelerator.no_sync(self.wrapped):
                loss = self.wrapped(part) * share
                self.accelerator.backward(loss * processes)
            total += loss.item()
        return total if processes == 1 else self._sum([total])[0]

    def _cached(self, lesson: Lesson, parts: Sequence[Tensor]) -> float:
        """Return the loss of a batch whose rows are set against one another, with its gradient.

        Gradient caching (Gao et al., RepL4NLP 2021): the vectors of all parts without a graph, the
        loss and its gradient by these vectors, then each part once more with a graph, and the
        same random numbers, to carry the gradient on. Memory is that of one part.
        """
        learner, device = self.learner, self.accelerator.device
        drawn = list(self.course.generators.values())
        states, made = [], []
        for rows in parts:
            states.append((torch.get_rng_state(), [own.get_state() for own in drawn]))
            with torch.no_grad():
                made.append(self._joined(lesson.take(rows, device)))
        whole = one_below_other(made)
        leaves = [part.detach().requires_grad_() for part in (whole.tokens, whole.pooled)]
        batch = lesson.take(torch.cat(list(parts)), device)
        joined = whole.with_tokens(*leaves)
        loss = learner.network.loss_of(joined, batch.target, batch.weight)
        self.accelerator.backward(loss)
        slopes = [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]
        start = 0
        for rows, (state, hidden) in zip(parts, states, strict=True):
            torch.set_rng_state(state)
            for own, before in zip(drawn, hidden, strict=True):
                own.set_state(before)
            again = self._joined(lesson.take(rows, device))
            tokens, pooled = (slope[start : start + len(rows)] for slope in slopes)
            carried = (again.tokens * tokens[:, : again.tokens.shape[1]]).sum()
            (carried + (again.pooled * pooled).sum()).backward()
            start += len(rows)
        self._share_gradients()
        return loss.item()

    def _joined(self, lesson: Lesson) -> Features:
        with self.accelerator.autocast():
            return self.learner.joined(lesson)

    def _share_gradients(self) -> None:
        """Let every process have the mean of the gradients of all."""
        if self.accelerator.num_processes > 1:
            for weight in self.course.network.parameters():
                if weight.grad is not None:
                    weight.grad = self.accelerator.reduce(weight.grad, "mean")

    def _alone(self) -> dict[str, float]:
        names, scores = list(self.learner.alone), list(self.learner.alone.values())
        return dict(zip(names, self._sum(scores), strict=True))

    def _sum(self, numbers: list[float]) -> list[float]:
        """Return the numbers, each added up over all processes."""
        here = torch.tensor(numbers, device=self.accelerator.device)
        added: list[float] = self.accelerator.reduce(here, "sum").tolist()
        return added


def _no_number(loss: float, course: Course) -> str:
    rate = course.config.learning_rate
    return (
        f"The loss is {loss} in step {course.step} of epoch {course.epoch}, so the network cannot "
        f"learn further. Lower learning_rate (now {rate:g}), set clip (to 1, say), and look for "
        "extreme numbers with `plait check`."
    )
