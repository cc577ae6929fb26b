"""Combiners: the predictions of several experts in, one prediction out.

All take scores (e n c) where a row of NaN is an expert that has nothing to say of that row: it is
passed over. The result does not depend on the order of the experts, and is NaN only where every
expert is absent. The rules follow Kittler, Hatef, Duin and Matas (TPAMI 1998).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from scipy.special import expit, logit, softmax
from torch import Tensor

from plait.tasks.target import Kind, Target

EPSILON = 1e-7
"""Probabilities are kept this far from 0 and 1 before their logarithm is taken."""


class Combiner(ABC):
    """Learns from out-of-fold scores, if at all; then combines."""

    kinds: ClassVar[tuple[Kind, ...]] = ("classify", "multilabel", "regress")

    def __init__(self, target: Target) -> None:
        self.target = target

    def fit(self, scores: np.ndarray, truth: np.ndarray) -> None:  # noqa: B027 - most learn nothing
        """Learn from scores (e n c) of rows that the experts had not seen, and the truth (n c)."""

    @abstractmethod
    def rule(self, scores: np.ndarray, absent: np.ndarray) -> np.ndarray:
        """Return (n c) from scores (e n c) and absent (e n), where no row lacks all experts."""

    def combine(self, scores: np.ndarray) -> np.ndarray:
        """Return (n c); rows of NaN where all experts are absent."""
        absent = np.isnan(scores).any(axis=2)
        known = ~absent.all(axis=0)
        combined = np.full(scores.shape[1:], np.nan)
        if known.any():
            combined[known] = self.rule(scores[:, known], absent[:, known])
        return combined

    def state(self) -> dict[str, Tensor]:
        """Return what was learned."""
        return {}

    def load(self, tensors: Mapping[str, Tensor]) -> None:  # noqa: B027 - most learn nothing
        """Take back what `state` gave."""

    def _normalise(self, scores: np.ndarray) -> np.ndarray:
        if self.target.kind != "classify":
            return scores
        return scores / np.maximum(scores.sum(axis=1, keepdims=True), EPSILON)


class Average(Combiner):
    """The mean over present experts (sum rule)."""

    def rule(self, scores: np.ndarray, absent: np.ndarray) -> np.ndarray:
        """Return (n c)."""
        mean: np.ndarray = np.nanmean(scores, axis=0)
        return mean


class Product(Combiner):
    """P(c) proportional to prior(c)^(1 - r) * product over the r present experts of p_i(c).

    Kittler et al., equation 8. For labels, each on its own against its complement.
    """

    kinds = ("classify", "multilabel")

    def rule(self, scores: np.ndarray, absent: np.ndarray) -> np.ndarray:
        """Return (n c)."""
        count = (~absent).sum(axis=0)[:, None]
        transform = logit if self.target.kind == "multilabel" else np.log
        prior = transform(np.clip(self.target.prior, EPSILON, 1 - EPSILON))
        logs = np.nansum(transform(scores.clip(EPSILON, 1 - EPSILON)), axis=0)
        evidence = logs - (count - 1) * prior
        return expit(evidence) if self.target.kind == "multilabel" else softmax(evidence, axis=1)


class Maximum(Combiner):
    """The highest probability that any present expert gives (max rule)."""

    kinds = ("classify", "multilabel")

    def rule(self, scores: np.ndarray, absent: np.ndarray) -> np.ndarray:
        """Return (n c)."""
        return self._normalise(np.nanmax(scores, axis=0))


class Majority(Combiner):
    """The share of present experts that vote for a class or label; for numbers, their median.

    The mean probability breaks ties: it counts as much as one more voter.
    """

    def rule(self, scores: np.ndarray, absent: np.ndarray) -> np.ndarray:
        """Return (n c)."""
        if self.target.kind == "regress":
            return np.asarray(np.nanmedian(scores, axis=0))
        if self.target.kind == "classify":
            votes = (
                np.nan_to_num(scores).argmax(axis=2)[:, :, None] == np.arange(scores.shape[2])
            ) * 1.0
        else:
            votes = (scores >= 0.5) * 1.0
        count = (~absent).sum(axis=0)[:, None]
        cast = (votes * ~absent[:, :, None]).sum(axis=0)
        return np.asarray((cast + np.nanmean(scores, axis=0)) / (count + 1))


class Weighted(Combiner):
    """sum over present i of w_i p_i / sum of their w_i, with w on the simplex.

    The weights minimise the log loss, or the squared error, of the combination on rows that the
    experts had not seen; without such rows they are equal.
    """

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self.weights = np.zeros(0)

    def fit(self, scores: np.ndarray, truth: np.ndarray) -> None:
        """Learn the weights by L-BFGS on their logits."""
        logits = torch.zeros(len(scores), dtype=torch.float64, requires_grad=True)
        absent = np.isnan(scores).any(axis=2)
        known = ~absent.all(axis=0)
        if not known.any():
            return
        values = torch.from_numpy(np.nan_to_num(scores[:, known]))
        there = torch.from_numpy(~absent[:, known])
        wanted = torch.from_numpy(truth[known].astype(np.float64))

        def loss() -> Tensor:
            weights = logits.softmax(dim=0)[:, None] * there
            mixed = torch.einsum("en,enc->nc", weights / weights.sum(dim=0), values)
            return _loss(mixed, wanted, self.target) + 1e-3 * logits.square().mean()

        _minimise(loss, [logits])
        self.weights = logits.detach().softmax(dim=0).numpy()

    def rule(self, scores: np.ndarray, absent: np.ndarray) -> np.ndarray:
        """Return (n c)."""
        # Experts of weight zero may be the only ones present: they then count alike.
        learned = self.weights if len(self.weights) else np.ones(len(scores))
        weights = np.maximum(learned, 1e-9)[:, None] * ~absent
        return np.asarray(
            np.einsum("en,enc->nc", weights / weights.sum(axis=0), np.nan_to_num(scores))
        )

    def state(self) -> dict[str, Tensor]:
        """Return the weights (e)."""
        return {"weights": torch.from_numpy(self.weights.copy())}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back the weights."""
        self.weights = tensors["weights"].numpy()


class Blend(Weighted):
    """Weights from greedy ensemble selection: again and again add the expert that helps most.

    Follows Caruana, Niculescu-Mizil, Crew and Ksikes (ICML 2004), section 2, with replacement; it
    starts from the best expert and keeps the best stage.
    """

    rounds: ClassVar[int] = 30

    def fit(self, scores: np.ndarray, truth: np.ndarray) -> None:
        """Count how often each expert is chosen."""
        filled = np.stack([self.target.fill(expert) for expert in scores])
        wanted = truth.astype(np.float64)
        counts = np.zeros(len(scores))
        total = np.zeros_like(filled[0])
        stages: list[tuple[float, np.ndarray]] = []
        for chosen in range(1, self.rounds + 1):
            losses = [_array_loss((total + one) / chosen, wanted, self.target) for one in filled]
            best = int(np.argmin(losses))
            counts[best] += 1
            total = total + filled[best]
            stages.append((losses[best], counts / chosen))
        self.weights = min(stages, key=lambda stage: stage[0])[1]


class Stacking(Combiner):
    """A linear model on the experts' scores (Wolpert, 1992), learned on out-of-fold predictions.

    Inputs are log probabilities (or standardised numbers), the mean of the others' where an expert
    is absent, and which are absent; it starts from the plain mean and is held near it by an L2
    penalty.
    """

    penalty: ClassVar[float] = 1e-3

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self.weights, self.bias = torch.zeros(0), torch.zeros(0)

    def _inputs(self, scores: np.ndarray) -> Tensor:
        """Return (n, e c + e) float64."""
        absent = np.isnan(scores).any(axis=2)
        if self.target.kind == "regress":
            values = (scores - self.target.prior[0]) / self.target.spread
        else:
            clipped = scores.clip(EPSILON, 1 - EPSILON)
            values = logit(clipped) if self.target.kind == "multilabel" else np.log(clipped)
        there = ~absent[:, :, None]
        values = np.where(there, values, 0)
        mean = values.sum(axis=0) / np.maximum(there.sum(axis=0), 1)
        flat = np.where(there, values, mean).transpose(1, 0, 2).reshape(scores.shape[1], -1)
        return torch.from_numpy(np.concatenate([flat, absent.T], axis=1))

    def fit(self, scores: np.ndarray, truth: np.ndarray) -> None:
        """Minimise the log loss or the squared error."""
        known = ~np.isnan(scores).any(axis=2).all(axis=0)
        if not known.any():
            return
        inputs = self._inputs(scores[:, known])
        start, bias = self._start(len(scores))
        weights = start.clone().requires_grad_()
        bias.requires_grad_()
        wanted = torch.from_numpy(truth[known].astype(np.float64))

        def loss() -> Tensor:
            away = (weights - start).square().sum()
            mixed = self._output(inputs @ weights + bias)
            return _loss(mixed, wanted, self.target) + self.penalty * away

        _minimise(loss, [weights, bias])
        self.weights, self.bias = weights.detach(), bias.detach()

    def _start(self, e: int) -> tuple[Tensor, Tensor]:
        """Return the weights and the bias that give the plain mean of the inputs."""
        c = self.target.width
        mean = torch.eye(c, dtype=torch.float64).repeat(e, 1) / e
        return torch.cat([mean, mean.new_zeros(e, c)]), mean.new_zeros(c)

    def _output(self, linear: Tensor) -> Tensor:
        match self.target.kind:
            case "classify":
                return linear.softmax(dim=1)
            case "multilabel":
                return linear.sigmoid()
        return linear * self.target.spread + self.target.prior[0]

    def rule(self, scores: np.ndarray, absent: np.ndarray) -> np.ndarray:
        """Return (n c)."""
        fitted = (self.weights, self.bias) if len(self.weights) else self._start(len(scores))
        weights, bias = fitted
        return self._output(self._inputs(scores) @ weights + bias).numpy()

    def state(self) -> dict[str, Tensor]:
        """Return the weights (e c + e, c) and the bias (c)."""
        return {"weights": self.weights, "bias": self.bias}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back the weights and the bias."""
        self.weights, self.bias = tensors["weights"], tensors["bias"]


def _loss(scores: Tensor, truth: Tensor, target: Target) -> Tensor:
    """Return the mean log loss, or the squared error in standard deviations."""
    if target.kind == "regress":
        return ((scores - truth) / target.spread).square().mean()
    kept = scores.clamp(EPSILON, 1 - EPSILON)
    if target.kind == "classify":
        return -(truth * kept.log()).sum(dim=1).mean()
    return -(truth * kept.log() + (1 - truth) * (1 - kept).log()).mean()


def _array_loss(scores: np.ndarray, truth: np.ndarray, target: Target) -> float:
    return float(_loss(torch.from_numpy(scores), torch.from_numpy(truth), target))


def _minimise(loss, parameters: list[Tensor], steps: int = 100) -> None:  # type: ignore[no-untyped-def]
    optimizer = torch.optim.LBFGS(parameters, max_iter=steps, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        value: Tensor = loss()
        value.backward()
        return value

    optimizer.step(closure)


COMBINERS: dict[str, type[Combiner]] = {
    "average": Average,
    "weighted": Weighted,
    "product": Product,
    "maximum": Maximum,
    "majority": Majority,
    "stacking": Stacking,
    "blend": Blend,
}
"""Every combiner by its name."""
