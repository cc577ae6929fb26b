"""Scores of drawn pictures beside real ones, all on vectors of a stated encoder.

None of them means anything without the encoder that made the vectors: name it beside the number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plait.errors import ConfigError

BLOCK = 1024
"""Rows that are compared with all others at a time."""


def frechet_distance(real: np.ndarray, drawn: np.ndarray) -> float:
    """Return how far two sets lie apart as normal distributions; 0 where these are equal.

        |m - m'|^2 + tr(S + S' - 2 (S^1/2 S' S^1/2)^1/2)

    The FID, if the encoder is Inception (Heusel et al., NeurIPS 2017, equation 6). It falls with
    the number of rows alone: compare sets of one size, and small ones by `kernel_distance`.

    Args:
        real: (n d).
        drawn: (k d).

    Raises:
        ConfigError: for fewer than two rows.
    """
    _require(real, drawn, 2)
    real, drawn = real.astype(np.float64), drawn.astype(np.float64)
    apart = real.mean(axis=0) - drawn.mean(axis=0)
    one, other = (np.atleast_2d(np.cov(own, rowvar=False)) for own in (real, drawn))
    # S^1/2 S' S^1/2 is symmetric and has the eigenvalues of S S': no complex roots to be cut.
    values, vectors = np.linalg.eigh(one)
    half = vectors * np.sqrt(values.clip(min=0)) @ vectors.T
    common = np.sqrt(np.linalg.eigvalsh(half @ other @ half).clip(min=0)).sum()
    return float(apart @ apart + np.trace(one) + np.trace(other) - 2 * common)


@dataclass(frozen=True)
class KernelDistance:
    """The mean over subsets, its standard deviation, and their number and size."""

    value: float
    spread: float
    subsets: int
    size: int


def kernel_distance(
    real: np.ndarray, drawn: np.ndarray, subsets: int = 100, size: int = 1000, seed: int = 0
) -> KernelDistance:
    """Return the KID: unbiased, so about 0, below it too, where both sets are of one kind.

        1/(k(k-1)) sum_(i!=j) (k(x_i, x_j) + k(y_i, y_j)) - 2/k^2 sum_ij k(x_i, y_j)

    with k(x, y) = (x y / d + 1)^3, a mean over subsets of k rows (Binkowski et al., ICLR 2018,
    section 3).

    Args:
        real: (n d).
        drawn: (m d).
        subsets: drawn without repeats within one.
        size: k; no more than the smaller set has.
        seed: of the subsets.

    Raises:
        ConfigError: for fewer than two rows.
    """
    _require(real, drawn, 2)
    size, random = min(size, len(real), len(drawn)), np.random.default_rng(seed)
    found = [
        _mmd(real[random.choice(len(real), size, replace=False)],
             drawn[random.choice(len(drawn), size, replace=False)])
        for _ in range(subsets)
    ]  # fmt: skip
    return KernelDistance(float(np.mean(found)), float(np.std(found)), subsets, size)


def _mmd(one: np.ndarray, other: np.ndarray) -> float:
    one, other, size = one.astype(np.float64), other.astype(np.float64), len(one)

    def kernel(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return np.asarray((left @ right.T / left.shape[1] + 1) ** 3)

    within = sum(
        (own.sum() - np.trace(own)) / (size * (size - 1))
        for own in (kernel(one, one), kernel(other, other))
    )
    return float(within - 2 * kernel(one, other).mean())


@dataclass(frozen=True)
class Coverage:
    """Shares in 0..1 of drawn pictures that might be real, and of real that might be drawn."""

    precision: float
    recall: float


def coverage(real: np.ndarray, drawn: np.ndarray, neighbours: int = 3) -> Coverage:
    """Return precision and recall.

    A vector lies in a set when it is no further from one of its members than that one's k-th
    nearest neighbour in the set (Kynkaanniemi et al., NeurIPS 2019, section 2).

    Args:
        real: (n d).
        drawn: (m d).
        neighbours: k.

    Raises:
        ConfigError: when a set has no more rows than neighbours are asked for.
    """
    _require(real, drawn, neighbours + 1)
    return Coverage(_inside(real, drawn, neighbours), _inside(drawn, real, neighbours))


def _inside(members: np.ndarray, asked: np.ndarray, neighbours: int) -> float:
    """Return the share of the asked that lies in the set of the members."""
    # A vector's nearest neighbour in its own set is itself.
    radii = np.concatenate([
        np.partition(_squared(members[start : start + BLOCK], members), neighbours, axis=1)[
            :, neighbours
        ]
        for start in range(0, len(members), BLOCK)
    ])  # fmt: skip
    found = [
        (_squared(asked[start : start + BLOCK], members) <= radii).any(axis=1)
        for start in range(0, len(asked), BLOCK)
    ]
    return float(np.concatenate(found).mean())


@dataclass(frozen=True)
class Nearest:
    """Of each of k drawn pictures the real one that is most like it.

    Attributes:
        rows: (k) numbers of the real ones.
        distances: (k) to them.
        copied: (k) in 0..1: the share of real pictures whose nearest other one is no nearer. Near 1
            the drawn one lies closer to a real one than real ones ever do: it is a copy.
    """

    rows: np.ndarray
    distances: np.ndarray
    copied: np.ndarray


def nearest(real: np.ndarray, drawn: np.ndarray) -> Nearest:
    """Return the nearest real picture of each drawn one.

    Args:
        real: (n d), that were learned from.
        drawn: (k d).

    Raises:
        ConfigError: for fewer than two real ones or none drawn.
    """
    _require(real, drawn, 1)
    _require(real, real, 2)
    rows, distances = _nearest(real, drawn, skip_self=False)
    among = np.sort(_nearest(real, real, skip_self=True)[1])
    copied = 1 - np.searchsorted(among, distances, side="left") / len(among)
    return Nearest(rows, distances, copied)


def _nearest(real: np.ndarray, drawn: np.ndarray, skip_self: bool) -> tuple[np.ndarray, np.ndarray]:
    rows, distances = [], []
    for start in range(0, len(drawn), BLOCK):
        squared = _squared(drawn[start : start + BLOCK], real)
        if skip_self:
            own = np.arange(len(squared))
            squared[own, start + own] = np.inf
        rows.append(squared.argmin(axis=1))
        distances.append(np.sqrt(squared.min(axis=1)))
    return np.concatenate(rows), np.concatenate(distances)


def _squared(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return (n k) squared distances."""
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(one, other, "sqeuclidean"))


def _require(real: np.ndarray, drawn: np.ndarray, least: int) -> None:
    if min(len(real), len(drawn)) < least:
        raise ConfigError(
            f"Pictures are compared as sets: {least} of each are needed at least, found "
            f"{len(real)} real and {len(drawn)} drawn."
        )
