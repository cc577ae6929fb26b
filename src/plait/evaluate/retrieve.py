"""Search judged as the field does: each side asks, the whole other side is searched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from plait.evaluate.sides import Side
from plait.metrics.retrieval import (
    average_precision,
    first_rank,
    ndcg_at,
    rank,
    recall_at,
    reciprocal_rank,
)
from plait.metrics.uncertainty import Interval, bootstrap_means, interval, resample_counts

AT_ONCE = 512
"""Queries whose results are ordered together."""


@dataclass(frozen=True)
class Retrieval:
    """How well one group finds another.

    Attributes:
        query: the group that asks.
        found: the group that is searched.
        queries: distinct values that asked.
        gallery: distinct values that were searched.
        scores: `recall@1`, `recall@5`, `recall@10`, `MRR`, `nDCG@10` and `mAP`, each 0..1, and the
            `median rank`, from 1; with 95 % intervals over the queries.
        chance: the `recall@1` of a random order.
    """

    query: str
    found: str
    queries: int
    gallery: int
    scores: Mapping[str, Interval]
    chance: float


def retrieve(
    names: tuple[str, str],
    sides: tuple[Side, Side],
    keys: tuple[np.ndarray, np.ndarray],
    groups: np.ndarray,
    seed: int,
) -> Retrieval:
    """Return how well the first side finds the second.

    Values that occur in several rows stand in the gallery once, and what any of their rows belongs
    to is right: so five captions of a photo are judged as published (Hodosh et al., JAIR 2013).

    Args:
        names: of the two groups.
        sides: what is compared of each, n rows.
        keys: (n) of each: rows with the same number have the same value; NaN where it is missing.
        groups: (n) number of what belongs together; queries are resampled with their group.
        seed: of the resampling.
    """
    missing = [np.isnan(key) | own.missing for key, own in zip(keys, sides, strict=True)]
    both = np.flatnonzero(~(missing[0] | missing[1]))
    values = [np.unique(key[both], return_index=True, return_inverse=True) for key in keys]
    (_, asks, left), (_, finds, right) = values
    belongs = np.zeros((len(asks), len(finds)), dtype=bool)
    belongs[left, right] = True
    asking, searched = sides[0].take(both[asks]), sides[1].take(both[finds])
    parts = [_of(asking.take(own).scores(searched), belongs[own])  # type: ignore[arg-type]
             for own in np.array_split(np.arange(len(asks)), -(-len(asks) // AT_ONCE))]  # fmt: skip
    each = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    counts = resample_counts(groups[both][asks], seed)
    scores = {name: interval(float(own.mean()), bootstrap_means(own, counts))
              for name, own in each.items() if name != "median rank"}  # fmt: skip
    ranks = each["median rank"]
    medians = np.array([np.median(np.repeat(ranks, drawn)) for drawn in counts])
    scores["median rank"] = interval(float(np.median(ranks)), medians)
    chance = float(belongs.mean(axis=1).mean())
    return Retrieval(*names, len(asks), len(finds), scores, chance)


def _of(scores: np.ndarray, relevant: np.ndarray) -> dict[str, np.ndarray]:
    """Return what each query scores."""
    ranked = rank(scores, relevant)
    return {
        **{f"recall@{count}": recall_at(ranked, count) for count in (1, 5, 10)},
        "MRR": reciprocal_rank(ranked),
        "nDCG@10": ndcg_at(ranked, 10),
        "mAP": average_precision(ranked),
        "median rank": first_rank(ranked),
    }
