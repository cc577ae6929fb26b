"""Distillation: a network learns from the truth and from what another model makes of its rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from plait.config import check_range
from plait.network import Network
from plait.tasks.task import Task
from plait.train.step import Lesson
from plait.types import Features


@dataclass(frozen=True)
class DistilConfig:
    """Settings of what a student learns from its teacher.

    Attributes:
        temperature: T, at which probabilities are compared; above 1 what the teacher holds for
            unlikely counts for more.
        alpha: weight of the truth beside the teacher's prediction, where it is known.
        beta: weight of the teacher's vectors; 0 leaves them out.
        seed: of everything random.
    """

    temperature: float = 2.0
    alpha: float = 0.5
    beta: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_range(self, "temperature", 0.1, 100.0)
        check_range(self, "alpha", 0.0, 1.0)
        check_range(self, "beta", 0.0, 1000.0)
        check_range(self, "seed", 0, 2**31 - 1)


@dataclass(frozen=True)
class Teacher:
    """What a teacher makes of the rows that a student learns from.

    Attributes:
        scores: (n c), none of them missing.
        vectors: (n d) what the teacher's network joined of each row; zero where it had nothing.
        config: how they are learned from.
    """

    scores: Tensor
    vectors: Tensor
    config: DistilConfig

    def take(self, rows: Tensor) -> Teacher:
        """Return the given rows, (k) numbers or (n) booleans."""
        return replace(self, scores=self.scores[rows], vectors=self.vectors[rows])

    def teach(self, network: Network, lesson: Lesson) -> tuple[Pupil, Lesson]:
        """Return the network as a pupil, and the lesson with the teacher's part beside the target.

        Vectors are centred: a part that all rows share would make every two of them alike.
        """
        there = (self.vectors != 0).any(dim=1, keepdim=True)
        mean = self.vectors[there[:, 0]].mean(dim=0) if there.any() else 0.0
        vectors = torch.where(there, self.vectors - mean, 0.0)
        target = torch.cat([lesson.target.double(), self.scores.double(), vectors.double()], dim=1)
        return Pupil(network, vectors.shape[1], self.config), replace(lesson, target=target)


class Pupil(Network):
    """A network that learns from a teacher, whose scores and vectors stand beside the truth.

        L = alpha H(y, z) + (1 - alpha) T^2 H(p_T, z / T) + beta (1 - cos(W f + w, v))

    The first two terms follow Hinton, Vinyals and Dean (2015), section 2; y is the truth, z the
    student's scores and p_T the teacher's probabilities at temperature T. Where no truth is known
    alpha is 0. The third brings the student's joint vector f near the teacher's v by a map that is
    learned and thrown away (Romero et al., FitNets, ICLR 2015, section 2.2; by cosine here, so that
    it does not depend on the length of v). It shares all parts with the network it is made of.

    Args:
        network: the student; it has learned when the pupil has.
        width: d of the teacher's vectors.
        config: T, alpha and beta.
    """

    def __init__(self, network: Network, width: int, config: DistilConfig) -> None:
        super().__init__(network.by_name, network.fusion, network.task)
        self.config = config
        self.hint = nn.Linear(network.fusion.width, width)

    def loss_of(self, joined: Features, target: Tensor, weight: Tensor) -> Tensor:
        """Return the scalar loss of b rows, for (b c + c + d): truth, teacher's scores, vectors."""
        config, task = self.config, self.task
        assert isinstance(task, Task)
        classes = task.target.width
        truth, soft, vectors = target.split([classes, classes, self.hint.out_features], dim=1)
        known = ~truth.isnan().all(dim=1)
        scores = task.head(joined.pooled)
        hard = task.row_losses(scores, torch.where(known[:, None], truth, soft))
        alpha = config.alpha * known
        losses = alpha * hard + (1 - alpha) * task.soft_losses(scores, soft, config.temperature)
        if config.beta:
            near = cosine_similarity(self.hint(joined.pooled), vectors.to(joined.pooled.dtype))
            losses = losses + config.beta * (1 - near)
        return (losses * weight).sum() / weight.sum().clamp_min(1e-12)
