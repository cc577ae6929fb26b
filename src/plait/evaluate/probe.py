"""Vectors judged by a linear classifier on them: on all rows, and on a few a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plait.errors import TableError
from plait.metrics.uncertainty import Interval, bootstrap_means, interval, resample_counts

STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)
"""C that are tried on rows held out from learning; vectors have length 1, so they may be high."""

SHOT_STRENGTH = 10.0
"""C of a few examples, which leave none to choose it by."""

CHOSEN_ON = 0.2
"""Share of the learning rows that the strength is chosen on."""


@dataclass(frozen=True)
class Shots:
    """What a few examples a class do.

    Attributes:
        count: k examples of each class; a class that has fewer gives all that it has.
        accuracy: mean over the draws, with the 95 % interval over the judged rows.
        spread: standard deviation over the draws, which are other examples each time.
        draws: how many.
    """

    count: int
    accuracy: Interval
    spread: float
    draws: int


@dataclass(frozen=True)
class Probe:
    """How well classes are told apart by a linear classifier on frozen vectors.

    Attributes:
        learned: rows that it learned from.
        judged: rows that it was judged on.
        classes: how many.
        chance: accuracy of always saying the commonest class.
        strength: C, the inverse of the penalty on the weights, that was chosen.
        accuracy: of a probe on all learning rows, with the 95 % interval over the judged rows.
        shots: of few examples.
    """

    learned: int
    judged: int
    classes: int
    chance: float
    strength: float
    accuracy: Interval
    shots: tuple[Shots, ...]


def probe(
    vectors: np.ndarray,
    labels: np.ndarray,
    learning: np.ndarray,
    held: np.ndarray,
    groups: np.ndarray,
    shots: Sequence[int],
    draws: int,
    seed: int,
) -> Probe:
    """Return the accuracy of logistic regression on frozen vectors.

    As linear probes are made (Kornblith et al., CVPR 2019, section 3.1; Radford et al., ICML 2021,
    section 3.2 and figure 6): L-BFGS, the penalty chosen on learning rows alone.

    Args:
        vectors: (n d), none of them missing.
        labels: (n) class numbers.
        learning: numbers of the rows to learn from.
        held: numbers of the rows to judge on.
        groups: (n) number of what belongs together; it is resampled, and chosen on, as a whole.
        shots: examples a class.
        draws: of examples, for each of these.
        seed: of everything random.

    Raises:
        TableError: when the learning rows are of one class, or no row is left to judge on.
    """
    present = np.unique(labels[learning])
    if len(present) < 2 or not len(held):
        raise TableError(
            f"A probe needs rows of two classes to learn from and some to judge on; found "
            f"{len(present)} classes in {len(learning)} rows, and {len(held)} rows to judge on."
        )
    counts = resample_counts(groups[held], seed)

    def judged(rows: np.ndarray, strength: float) -> np.ndarray:
        return predicted(vectors, labels, rows, held, strength) == labels[held]

    def accuracy(right: np.ndarray) -> Interval:
        return interval(float(right.mean()), bootstrap_means(right.astype(float), counts))

    strength = choose_strength(vectors, labels, learning, groups, seed)
    few = []
    for count in shots:
        random = np.random.default_rng([seed, count])
        drawn = [examples(labels, learning, count, random) for _ in range(draws)]
        right = np.stack([judged(rows, SHOT_STRENGTH) for rows in drawn])
        spread = float(right.mean(axis=1).std(ddof=1)) if draws > 1 else 0.0
        few.append(Shots(count, accuracy(right.mean(axis=0)), spread, draws))
    commonest = np.bincount(labels[learning]).argmax()
    return Probe(
        len(learning), len(held), len(np.unique(labels)),
        float((labels[held] == commonest).mean()), strength,
        accuracy(judged(learning, strength)), tuple(few),
    )  # fmt: skip


def choose_strength(
    vectors: np.ndarray, labels: np.ndarray, learning: np.ndarray, groups: np.ndarray, seed: int
) -> float:
    """Return the C that does best on learning rows held out; the least of equals."""
    names = np.random.default_rng(seed).permutation(np.unique(groups[learning]))
    apart = np.isin(groups[learning], names[: max(round(CHOSEN_ON * len(names)), 1)])
    rest, own = learning[~apart], learning[apart]
    if len(np.unique(labels[rest])) < 2:
        return SHOT_STRENGTH
    scores = [
        float((predicted(vectors, labels, rest, own, strength) == labels[own]).mean())
        for strength in STRENGTHS
    ]
    return STRENGTHS[int(np.argmax(scores))]


def predicted(
    vectors: np.ndarray, labels: np.ndarray, rows: np.ndarray, held: np.ndarray, strength: float
) -> np.ndarray:
    """Return the class numbers that a probe of some rows gives to others."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=1000)
    found: np.ndarray = model.fit(vectors[rows], labels[rows]).predict(vectors[held])
    return found


def examples(
    labels: np.ndarray, rows: np.ndarray, count: int, random: np.random.Generator
) -> np.ndarray:
    """Return so many rows of each class, drawn without repeats; all of a class with fewer."""
    order = random.permutation(rows)
    return np.concatenate([order[labels[order] == one][:count] for one in np.unique(labels[rows])])
