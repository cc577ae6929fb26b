"""The contract of a task, and the heads that tasks choose from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from plait.config import check_range
from plait.errors import ConfigError
from plait.layers import MLP
from plait.tasks.target import Target
from plait.types import Features

Loss = Literal["plain", "focal", "adjusted"]


@dataclass(frozen=True)
class HeadConfig:
    """Settings of the head of a task.

    Attributes:
        kind: `linear` (logistic or least squares), `svm` (linear, hinge loss) or `mlp`.
        loss: of classes and labels with `linear` and `mlp`: `plain` cross-entropy, or for classes
            of unequal size `focal` or `adjusted` (logit adjustment; see `plait.losses`).
        focusing: gamma of `focal`.
        strength: tau of `adjusted`.
        hidden: width of the hidden layer of `mlp`.
        dropout: share of hidden features dropped while training `mlp`.
        weighting: of several targets: by `uncertainty`, which is learned, or all `equal`.
    """

    kind: Literal["linear", "svm", "mlp"] = "linear"
    loss: Loss = "plain"
    focusing: float = 2.0
    strength: float = 1.0
    hidden: int = 256
    dropout: float = 0.2
    weighting: Literal["uncertainty", "equal"] = "uncertainty"

    def __post_init__(self) -> None:
        check_range(self, "focusing", 0.0, 100.0)
        check_range(self, "strength", 0.0, 100.0)
        if self.kind == "svm" and self.loss != "plain":
            raise ConfigError(
                f"Loss {self.loss!r} is a form of cross-entropy, which head 'svm' does not have; "
                "use head 'linear' or 'mlp'."
            )
        check_range(self, "hidden", 2, 65536)  # the hidden layer is normalised: one number is none
        check_range(self, "dropout", 0.0, 0.95)


class Objective(nn.Module, ABC):
    """What a network learns: a loss of joint Features; `by_rows`, whether it is a mean over rows.

    A loss that sets rows against one another cannot be computed a part of the batch at a time.
    """

    by_rows: ClassVar[bool] = True

    @abstractmethod
    def loss(self, features: Features, target: Tensor, weight: Tensor) -> Tensor:
        """Return the scalar loss of b rows, for a target (b c) and row weights (b)."""

    @abstractmethod
    def predict(self, features: Features) -> Tensor:
        """Return what is made of b rows, (b ...)."""


class Task(Objective):
    """Owns its head: Features in; a loss while learning, scores afterwards.

    Args:
        width: d of the Features.
        target: that is predicted.
        config: settings of the head.
        members: k, of a fusion that sees every row in k ways (see `Fusion.members`).
    """

    def __init__(self, width: int, target: Target, config: HeadConfig, members: int = 1) -> None:
        super().__init__()
        self.target, self.config, self.members = target, config, members
        self.head = self._build(width)
        # A hinge has no probabilities: one scale is learned beside it (Platt, 1999).
        self.log_scale = nn.Parameter(torch.zeros(()), requires_grad=config.kind == "svm")

    def scale(self) -> Tensor:
        """Return what a hinge's margins are multiplied with to become logits; 1 for other heads.

        Adam moves every weight by about the learning rate; a scale has further to go than others.
        """
        return (10 * self.log_scale).exp()

    def _build(self, width: int) -> nn.Module:
        if self.config.kind == "mlp":
            return MLP(width, self.config.hidden, self.target.width, self.config.dropout)
        head = nn.Linear(width, self.target.width)
        nn.init.zeros_(head.weight)  # the problem is convex: start from "nothing is known"
        nn.init.zeros_(head.bias)
        return head

    @abstractmethod
    def row_losses(self, scores: Tensor, target: Tensor) -> Tensor:
        """Return (b) losses of the head's (b c) scores and the (b c) target."""

    @abstractmethod
    def soft_losses(self, scores: Tensor, teacher: Tensor, temperature: float) -> Tensor:
        """Return (b) losses of the head's (b c) scores for what a teacher predicts.

        Args:
            scores: (b c), of the head.
            teacher: (b c) probabilities or numbers, as `to_scores` gives them.
            temperature: at which probabilities are compared.
        """

    @abstractmethod
    def to_scores(self, scores: Tensor) -> Tensor:
        """Return the head's (b c) scores as probabilities, or in the target's units."""

    def loss(self, features: Features, target: Tensor, weight: Tensor) -> Tensor:
        """Return the weighted mean loss, a scalar.

        Args:
            features: of b rows.
            target: (b c), as `Target.encode` gives it.
            weight: (b) weights of the rows.
        """
        losses = self._mean(self.row_losses, features, target)
        return (losses * weight).sum() / weight.sum().clamp_min(1e-12)

    def likelihoods(self, features: Features, target: Tensor) -> Tensor:
        """Return (b) exp(-loss) of the (b c) target; the probability of the class it names."""
        return self._mean(lambda *given: (-self.row_losses(*given)).exp(), features, target)

    def _mean(
        self, of: Callable[[Tensor, Tensor], Tensor], features: Features, target: Tensor
    ) -> Tensor:
        """Return (b), the mean over a row's members of what they get for the (b c) target."""
        each = of(self._scores(features), target.repeat_interleave(self.members, 0))
        return each.unflatten(0, (-1, self.members)).mean(dim=1)

    def _scores(self, features: Features) -> Tensor:
        """Return the head's (b*k c) scores, those of a row's k members one after the other."""
        values = features.pooled if self.members == 1 else features.tokens.flatten(0, 1)
        scores: Tensor = self.head(values)
        return scores

    def predict(self, features: Features) -> Tensor:
        """Return (b c) scores: probabilities, or numbers in the target's units."""
        scores = self.to_scores(self._scores(features))
        return scores.unflatten(0, (-1, self.members)).mean(dim=1)
