"""Logistic regression on dense vectors, of all classes or all labels at once."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.special import expit, log_expit, log_softmax

LARGE = 10_000_000
"""Numbers in a matrix from which on several threads are worth it for its curvature."""

LEAST = 1e-9
"""Share of the mean curvature that is added to all directions, so that none has none."""


def logistic(
    matrix: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray,
    strength: float,
    exclusive: bool,
    iterations: int = 100,
    tolerance: float = 1e-4,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights (c d) and biases (c) of the least penalised loss, by L-BFGS (SciPy).

    The loss, scikit-learn's, is sum_i w_i l(y_i, W x_i + b) + |W|^2 / (2 C), where l is the
    cross-entropy of one softmax over exclusive classes, or of a sigmoid a label. The pooled vectors
    of networks are far from round, and L-BFGS takes hundreds of steps on them. So it is solved for
    U = W L instead, where L L' = X' X / 4 + I / C bounds the curvature from above (Boehning and
    Lindsay, 1988): in U it is nearly the same in all directions, and some twenty steps do.

    Args:
        matrix: (n d), X. Most products take its precision: float32 is half the work, and near
            enough to tell one strength from another.
        target: (n c) of 0 and 1.
        weight: (n) of the rows.
        strength: C.
        exclusive: whether a row is of one class alone.
        iterations: most steps.
        tolerance: largest part of the gradient, in U, at which it is solved; or the root of what
            a last step takes off the loss, as a share of it or of 1.
    """
    from threadpoolctl import threadpool_limits

    # Small sums, in which the threads of a library only wait for one another.
    with threadpool_limits(1 if matrix.size < LARGE else None, "blas"):
        return _solved(matrix, target, weight, strength, exclusive, iterations, tolerance)


def _solved(
    matrix: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray,
    strength: float,
    exclusive: bool,
    iterations: int,
    tolerance: float,
) -> tuple[np.ndarray, np.ndarray]:
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    columns, total = target.shape[1], weight.sum()
    share = (weight / total)[:, None]
    ones = np.concatenate([matrix.astype(np.float64), np.ones((len(matrix), 1))], axis=1)
    kind = matrix.dtype
    # Of small sums the threads of a library only wait for one another.
    with threadpool_limits(1 if matrix.size < LARGE else None, "blas"):
        half = ones * np.sqrt(share) / 2
        curvature = half.T @ half  # of equal factors, which NumPy computes once
        penalty = np.full(len(curvature), 1 / (strength * total))
        penalty[-1] = 0  # of the bias
        curvature[np.diag_indices_from(curvature)] += penalty + LEAST * np.diag(curvature).mean()
        factor = cholesky(curvature, lower=True)
        round_rows = solve_triangular(factor.astype(kind), ones.T.astype(kind), lower=True).T

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        unknown = flat.reshape(columns, -1)
        linear = (round_rows @ unknown.T.astype(kind)).astype(np.float64)
        if exclusive:
            log = log_softmax(linear, axis=1)
            cost, slope = -target * log, np.exp(log) - target
        else:
            # The cross-entropy of a sigmoid is -log s(z) for a one, and z - log s(z) for a zero.
            cost, slope = (1 - target) * linear - log_expit(linear), expit(linear) - target
        # |U|^2 counts z^2 / 4 of every row beside the penalty.
        value = (share * (cost - np.square(linear) / 8)).sum() + np.square(flat).sum() / 2
        steep = (share * (slope - linear / 4)).astype(kind).T @ round_rows
        return float(value), steep.astype(np.float64).ravel() + flat

    with threadpool_limits(1, "blas"):  # the steps are small sums however many rows there are
        found = minimize(
            loss, np.zeros(columns * len(curvature)), jac=True, method="L-BFGS-B",
            options={"maxiter": iterations, "gtol": tolerance, "ftol": tolerance**2},
        )  # fmt: skip
        both = solve_triangular(factor, found.x.reshape(columns, -1).T, lower=True, trans="T").T
    return both[:, :-1], both[:, -1]
