"""An expert that is a linear model: on sparse text, or on the vectors of frozen networks.

Over several sources each has a penalty of its own, so that the thousand numbers of a photo do not
drown the five of a table: banded ridge (Dupre la Tour et al., NeuroImage 264, 2022), and logistic
regression in the same way. The penalties are found on held-out rows, one source after the other.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from scipy.sparse import hstack
from scipy.special import expit, softmax

from plait.cache import Encoded
from plait.config import check_range
from plait.data.split import apart
from plait.encoders.encoder import Matrix
from plait.ensemble.expert import NOTHING, Expert, State
from plait.ensemble.logistic import logistic
from plait.tasks.target import Target
from plait.train.record import Record

LARGE = 300_000
"""Rows times classes above which SAGA solves, which is near the optimum several times sooner."""

WIDE = 8192
"""Columns of vectors up to which all classes or labels are solved for at once."""

STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0)
"""That are tried on vectors."""

SAYS = (0.01, 0.1, 10.0)
"""Times the common strength that each source is tried with, beside 1."""

WORTH = 0.92
"""Of the loss with one penalty for all, below which penalties of their own are taken: smaller gains
were noise, and cost up to 0.03 of AUROC on 605 X-rays."""

SPARSE_STRENGTH = 10.0
"""On sparse text, of which thousands of words each have a say."""

EXACT, ENOUGH = 1e-4, 1e-3
"""Tolerance that is solved to, and of a strength that is only tried, in float32: its losses on
held-out rows were within 0.002 of the exact ones, in half the time."""

LEAST, FEW, TRIED_ON = 20, 1000, 4000
"""Rows from which on strengths are tried; up to which every fifth is held out; tried on at most."""


@dataclass(frozen=True)
class LinearConfig:
    """Settings of the linear model.

    Attributes:
        strength: inverse of the L2 penalty (scikit-learn's C); larger fits closer. 0 takes 10 on
            sparse text, and elsewhere what is best of STRENGTHS on held-out fifths of the rows.
        iterations: most steps of the solver.
    """

    strength: float = 0.0
    iterations: int = 100

    def __post_init__(self) -> None:
        check_range(self, "strength", 0.0, 1e9)
        check_range(self, "iterations", 1, 1_000_000)


class LinearExpert(Expert):
    """Logistic regression for classes and labels, ridge regression for numbers.

    On sparse text and for numbers scikit-learn solves; on vectors see `plait.ensemble.logistic`.
    """

    def __init__(self, sources: tuple[str, ...], target: Target, config: LinearConfig) -> None:
        super().__init__(sources, target)
        self.config = config
        self.strength = config.strength
        self.weights = np.zeros((0, 0))
        self.bias = np.zeros(0)

    def _blocks(self, rows: Encoded) -> list[Matrix]:
        """Return (n d) of each source: its sparse rows where it has any, or its pooled Features."""
        parts: list[Matrix] = []
        for name in self.sources:
            sparse = rows.matrices.get(name)
            dense = sparse is None or isinstance(sparse, np.ndarray)
            parts.append(rows.features[name].pooled.double().numpy() if dense else sparse)
        return parts

    def fit(
        self,
        rows: Encoded,
        target: np.ndarray,
        weight: np.ndarray,
        seed: int,
        record: Record = NOTHING,
    ) -> None:
        """Solve for the weights."""
        rows, target, weight = self.present_rows(rows, target, weight)
        blocks = self._blocks(rows)
        matrix = joined(blocks)
        sparse = not isinstance(matrix, np.ndarray)
        if self.config.strength or sparse or len(matrix) < LEAST:
            self.strength = self.config.strength or SPARSE_STRENGTH
            self._solve_for(matrix, target, weight, seed)
            return
        widths = [block.shape[1] for block in blocks]
        loss = cache(self._held_out(matrix, widths, target, weight, rows.groups, seed))
        equal = (1.0,) * len(widths)
        best = min(STRENGTHS, key=lambda strength: loss(strength, equal))
        says = balanced(lambda says: loss(best, tuple(says.tolist())), len(widths))
        self.strength, scale = best, scales(says, widths)
        self._solve_for(matrix * scale, target, weight, seed)
        self.weights *= scale

    def _held_out(
        self,
        matrix: np.ndarray,
        widths: Sequence[int],
        target: np.ndarray,
        weight: np.ndarray,
        groups: np.ndarray | None,
        seed: int,
    ) -> Callable[[float, tuple[float, ...]], float]:
        """Return the loss on held-out fifths of the rows, of a strength and each source's say.

        Of many rows a single fifth is held out, for it says enough.
        """
        order = np.random.default_rng(seed).permutation(len(matrix))[:TRIED_ON]
        fifths = apart(order, groups, [len(order) * part // 5 for part in range(1, 5)])
        fifths = [held for held in fifths if len(held)]  # of few groups, some hold more than one
        fifths = fifths if len(order) <= FEW else fifths[:1]
        tried = np.sort(order)
        few, truth, counts = matrix[tried].astype(np.float32), target[tried], weight[tried]
        apart_of = [np.isin(tried, held) for held in fifths]

        def loss(strength: float, says: tuple[float, ...]) -> float:
            self.strength, total = strength, 0.0
            scaled = few * scales(says, widths).astype(np.float32)
            for held in apart_of:
                self._solve_for(scaled[~held], truth[~held], counts[~held], seed)
                total += self._loss(self._answers(scaled[held]), truth[held])
            return total

        return loss

    def _loss(self, answers: np.ndarray, target: np.ndarray) -> float:
        """Return the mean cross-entropy of (n c) probabilities, or the mean square of errors."""
        if self.target.kind == "regress":
            units = self.target.scale.to_units(torch.from_numpy(target[:, 0])).double().numpy()
            return float(np.square(answers[:, 0] - units).mean())
        sure = answers.clip(1e-6, 1 - 1e-6)
        losses = np.where(target > 0.5, -np.log(sure), 0.0)
        if self.target.kind == "multilabel":
            losses -= np.where(target > 0.5, 0.0, np.log(1 - sure))
        return float(losses.sum(axis=1).mean())

    def _solve_for(self, matrix: Matrix, target: np.ndarray, weight: np.ndarray, seed: int) -> None:
        """Solve for the weights with the strength that is set."""
        self.weights = np.zeros((self.target.width, matrix.shape[1]))
        self.bias = np.zeros(self.target.width)
        match self.target.kind:
            case "classify":
                self._fit_classes(matrix, target, weight, seed)
            case "multilabel":
                self._fit_labels(matrix, target, weight, seed)
            case "regress":
                self._fit_number(matrix, target[:, 0].astype(np.float64), weight)

    def _fit_classes(
        self, matrix: Matrix, target: np.ndarray, weight: np.ndarray, seed: int
    ) -> None:
        classes = np.eye(self.target.width)[target.argmax(axis=1)]
        seen = np.flatnonzero(classes.any(axis=0))
        self.bias[:] = -30.0  # a class that never occurs here gets no probability
        if len(seen) == 1:
            self.bias[seen] = 0
        elif len(seen) == 2:  # is a label: the second or not
            weights, bias = self._logistic(matrix, classes[:, seen[1:]], weight, seed, False)
            both = np.array([[-0.5], [0.5]])
            self.weights[seen], self.bias[seen] = both * weights, both[:, 0] * bias
        else:
            solved = self._logistic(matrix, classes[:, seen], weight, seed, True)
            self.weights[seen], self.bias[seen] = solved

    def _fit_labels(
        self, matrix: Matrix, target: np.ndarray, weight: np.ndarray, seed: int
    ) -> None:
        labels = (target > 0.5).astype(float)
        varied = labels.min(axis=0) < labels.max(axis=0)
        self.bias[:] = np.where(labels[0] > 0, 30.0, -30.0)  # of a label that all have, or none
        if varied.any():
            solved = self._logistic(matrix, labels[:, varied], weight, seed, False)
            self.weights[varied], self.bias[varied] = solved

    def _logistic(
        self, matrix: Matrix, target: np.ndarray, weight: np.ndarray, seed: int, exclusive: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights (c d) and biases (c) of exclusive classes or of labels, (n c)."""
        steps = self.config.iterations
        if isinstance(matrix, np.ndarray) and matrix.shape[1] <= WIDE:
            tolerance = ENOUGH if matrix.dtype == np.float32 else EXACT
            return logistic(matrix, target, weight, self.strength, exclusive, steps, tolerance)
        if exclusive:
            model = self._classifier(target.size, seed)
            _solve(model, matrix, target.argmax(axis=1), weight)
            return model.coef_, model.intercept_
        models = [self._classifier(len(target), seed) for _ in target.T]
        for model, label in zip(models, target.T, strict=True):
            _solve(model, matrix, label, weight)
        return (
            np.concatenate([model.coef_ for model in models]),
            np.concatenate([model.intercept_ for model in models]),
        )

    def _classifier(self, size: int, seed: int) -> Any:
        """Return scikit-learn's regression for a target of so many rows times classes."""
        from sklearn.linear_model import LogisticRegression

        large = size > LARGE
        return LogisticRegression(
            C=self.strength,
            max_iter=self.config.iterations,
            solver="saga" if large else "lbfgs",
            tol=1e-2 if large else 1e-4,
            random_state=seed,
        )

    def _fit_number(self, matrix: Matrix, numbers: np.ndarray, weight: np.ndarray) -> None:
        from sklearn.linear_model import Ridge

        model = Ridge(alpha=10 / self.strength, max_iter=self.config.iterations * 10)
        units = self.target.scale.to_units(torch.from_numpy(numbers)).numpy()
        _solve(model, matrix, units, weight)
        self.weights[0], self.bias[0] = model.coef_, model.intercept_

    def scores(self, rows: Encoded) -> np.ndarray:
        """Return (n c)."""
        answers = self._answers(joined(self._blocks(rows)))
        if self.target.kind == "regress":
            return self.target.scale.from_units(torch.from_numpy(answers)).numpy()
        return answers

    def _answers(self, matrix: Matrix) -> np.ndarray:
        """Return (n c) probabilities, or (n 1) numbers in the units that are learned."""
        linear = matrix @ self.weights.T + self.bias
        match self.target.kind:
            case "classify":
                return np.asarray(softmax(linear, axis=1))
            case "multilabel":
                return np.asarray(expit(linear))
        return np.asarray(linear)

    def state(self) -> State:
        """Return the weights and biases, in the precision they were solved in."""
        weights = np.ascontiguousarray(self.weights, dtype=np.float64)
        return State(
            {"weights": torch.from_numpy(weights), "bias": torch.from_numpy(self.bias.copy())}
        )

    def load(self, state: State) -> None:
        """Take back the weights and biases."""
        self.weights = state.tensors["weights"].numpy()
        self.bias = state.tensors["bias"].numpy()


def joined(blocks: Sequence[Matrix]) -> Matrix:
    """Return (n d) of all sources beside one another, sparse where one of them is."""
    if all(isinstance(block, np.ndarray) for block in blocks):
        return np.concatenate(blocks, axis=1)
    return hstack(blocks, format="csr")


def scales(says: Sequence[float] | np.ndarray, widths: Sequence[int]) -> np.ndarray:
    """Return (d) factors of columns by which a common penalty becomes one for each source.

    With x' = sqrt(say) x the penalty |w'|^2 is |w|^2 / say.
    """
    return np.repeat(np.sqrt(says), widths)


def balanced(loss: Callable[[np.ndarray], float], count: int) -> np.ndarray:
    """Return the say of each of some sources, found by trying others for one after the other.

    All have the same where that is as good within noise.
    """
    equal = says = np.ones(count)
    if count == 1:
        return equal
    same = least = loss(equal)
    for place in range(count):
        for say in SAYS:
            other = says.copy()
            other[place] = say
            found = loss(other)
            if found < least:
                says, least = other, found
    return says if least < WORTH * same else equal


def _solve(model: Any, matrix: Matrix, target: np.ndarray, weight: np.ndarray) -> None:
    """Fit a model of scikit-learn; stopping early is a budget here, not a fault."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(matrix, target, sample_weight=weight)
