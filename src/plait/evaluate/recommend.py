"""Recommendation judged by time: at each later moment, what does a user choose next?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from plait.data.interactions import Interactions
from plait.metrics.retrieval import ndcg_at, rank, share_at
from plait.metrics.uncertainty import Gain, Interval, bootstrap_means, gain, interval
from plait.metrics.uncertainty import resample_counts as resample

DEPTHS = (10, 20)
"""How many recommendations are looked at."""

DECIDES = "nDCG@10"

MOMENTS_AT_ONCE = 512


@dataclass(frozen=True)
class Moments:
    """Users at times, and what they chose then.

    Attributes:
        user: (q) numbers.
        time: (q).
        before: (q) items that the user had chosen strictly before, newest last.
        chosen: (q) items that he chose at this moment.
    """

    user: np.ndarray
    time: np.ndarray
    before: list[np.ndarray]
    chosen: list[np.ndarray]

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: np.ndarray) -> Moments:
        """Return the given moments, (k) numbers."""
        own = rows.tolist()
        return Moments(
            self.user[rows],
            self.time[rows],
            [self.before[row] for row in own],
            [self.chosen[row] for row in own],
        )


Scores = Callable[[Moments], np.ndarray]
"""Gives (q n) scores of all items at q moments."""


@dataclass(frozen=True)
class Line:
    """What one way to recommend scored.

    Attributes:
        name: of it.
        scores: `recall@k` and `nDCG@k`, means over users, with 95 % intervals.
        coverage: by k, the share of the items that anybody is recommended.
        gain: in nDCG@10 over the best baseline; None for baselines.
        new_items: the same scores where only new items are searched; None where nobody chose one.
    """

    name: str
    scores: Mapping[str, Interval]
    coverage: Mapping[str, float]
    gain: Gain | None = None
    new_items: Mapping[str, Interval] | None = None


@dataclass(frozen=True)
class RecommendBoard:
    """Recommenders and baselines on the same moments.

    Attributes:
        lines: baselines first.
        learned: choices that were learned from, all before the cut.
        moments: that were judged, at the cut or later.
        users: that these are of.
        strangers: of these users, those who had not chosen anything before the cut.
        items: that are searched.
        new: of these items, those that nobody had chosen before the cut.
        new_moments: moments at which one of these was chosen.
        cut: the time.
    """

    lines: tuple[Line, ...]
    learned: int
    moments: int
    users: int
    strangers: int
    items: int
    new: int
    new_moments: int
    cut: float

    @property
    def sentence(self) -> str:
        """Say whether the recommender beats the best baseline."""
        own = self.lines[-1]
        best = max(self.lines[:-1], key=lambda line: line.scores[DECIDES].value)
        assert own.gain is not None
        found = own.gain
        verdict = "better" if found.low > 0 else "worse" if found.high < 0 else "not surely other"
        return (
            f"{own.name} is {verdict} than {best.name}: {DECIDES} "
            f"{own.scores[DECIDES].value:.4f} against {best.scores[DECIDES].value:.4f}, "
            f"{found.value:+.4f} [{found.low:+.4f}, {found.high:+.4f}], p = {found.p:.3f}."
        )


def cut_by_time(interactions: Interactions, share: float) -> float:
    """Return the time from which on choices are held out: about that share of them."""
    last = len(interactions) - 1
    return float(interactions.time[min(round((1 - share) * len(interactions)), last)])


def moments_of(interactions: Interactions, cut: float) -> Moments:
    """Return every user at every time from the cut on, with what he had chosen by then."""
    held = interactions.take(interactions.time >= cut)
    both = np.stack([held.user.astype(np.float64), held.time])
    distinct, inverse = np.unique(both, axis=1, return_inverse=True)
    user, time = distinct[0].astype(np.int64), distinct[1]
    order = np.argsort(inverse.reshape(-1), kind="stable")
    ends = np.cumsum(np.bincount(inverse.reshape(-1)))[:-1]
    chosen = np.split(held.item[order], ends)
    return Moments(user, time, interactions.histories(user, time), chosen)


def judge(
    entrants: Mapping[str, Scores],
    baselines: Mapping[str, Scores],
    interactions: Interactions,
    learned: Interactions,
    cut: float,
    seed: int,
) -> RecommendBoard:
    """Let every entrant recommend at every moment from the cut on.

    What a user had chosen before is not recommended again. The moments of a user are averaged
    first, so all users count the same, and intervals are over users.

    Args:
        entrants: recommenders.
        baselines: what they are set against.
        interactions: all choices.
        learned: those that were learned from.
        cut: the time.
        seed: of the resampling.
    """
    moments = moments_of(interactions, cut)
    new = np.bincount(learned.item, minlength=len(learned.items)) == 0
    users, owner = np.unique(moments.user, return_inverse=True)
    counts = resample(np.arange(len(users)), seed)
    found = {n: _values(s, moments, new) for n, s in {**baselines, **entrants}.items()}
    each = {name: _by_user(values, owner) for name, (values, _, _) in found.items()}
    draws = {name: bootstrap_means(own[DECIDES], counts) for name, own in each.items()}
    best = max(baselines, key=lambda name: each[name][DECIDES].mean())
    lines = []
    for name, (_, shown, on_new) in found.items():
        scores = _intervals(each[name], counts)
        coverage = {f"@{depth}": float(own.mean()) for depth, own in shown.items()}
        difference = None
        if name in entrants:
            ahead = scores[DECIDES].value - float(each[best][DECIDES].mean())
            difference = gain(ahead, draws[name] - draws[best])
        lines.append(Line(name, scores, coverage, difference, _of_new(on_new, owner, seed)))
    known = np.isin(users, learned.user)
    new_moments = sum(bool(new[chosen].any()) for chosen in moments.chosen)
    return RecommendBoard(
        tuple(lines), len(learned), len(moments), len(users), int((~known).sum()), len(new),
        int(new.sum()), new_moments, cut,
    )  # fmt: skip


Values = dict[str, np.ndarray]


def _values(
    scores: Scores, moments: Moments, new: np.ndarray
) -> tuple[Values, dict[int, np.ndarray], Values]:
    """Return scores of each moment; which items are shown, by depth; and scores among new items."""
    parts, parts_new = [], []
    shown = {depth: np.zeros(len(new), dtype=bool) for depth in DEPTHS}
    for rows in np.array_split(np.arange(len(moments)), -(-len(moments) // MOMENTS_AT_ONCE)):
        own = moments.take(rows)
        found, relevant = scores(own).astype(np.float64), np.zeros((len(own), len(new)), dtype=bool)
        for row, (before, chosen) in enumerate(zip(own.before, own.chosen, strict=True)):
            found[row, before] = -np.inf
            relevant[row, chosen] = True
        order = np.argsort(-found, axis=1, kind="stable")
        for depth in DEPTHS:
            shown[depth][order[:, :depth]] = True
        parts.append(_scored(found, relevant))
        parts_new.append(_scored(found[:, new], relevant[:, new]) if new.any() else {})
    joined, on_new = (
        {name: np.concatenate([part[name] for part in some]) for name in some[0]}
        for some in (parts, parts_new)
    )
    return joined, shown, on_new


def _scored(scores: np.ndarray, relevant: np.ndarray) -> Values:
    """Return recall and nDCG of each moment; NaN where nothing is relevant."""
    ranked = rank(scores, relevant)
    none = np.where(relevant.any(axis=1), 0.0, np.nan)
    return {
        **{f"recall@{depth}": share_at(ranked, depth) + none for depth in DEPTHS},
        **{f"nDCG@{depth}": ndcg_at(ranked, depth) + none for depth in DEPTHS},
    }


def _by_user(values: Values, owner: np.ndarray) -> Values:
    """Return the mean of each user's moments."""
    return {name: np.bincount(owner, own) / np.bincount(owner) for name, own in values.items()}


def _intervals(values: Values, counts: np.ndarray) -> dict[str, Interval]:
    return {name: interval(float(own.mean()), bootstrap_means(own, counts))
            for name, own in values.items()}  # fmt: skip


def _of_new(values: Values, owner: np.ndarray, seed: int) -> dict[str, Interval] | None:
    """Return the scores among new items, of the users who chose one."""
    there = ~np.isnan(values[DECIDES]) if values else np.zeros(0, dtype=bool)
    if not there.any():
        return None
    own = np.unique(owner[there], return_inverse=True)[1]
    each = _by_user({name: one[there] for name, one in values.items()}, own)
    return _intervals(each, resample(np.arange(own.max() + 1), seed))
