"""Who need not be fitted to the end: entrants that the first folds show to be clearly behind.

A race over folds (Maron and Moore, Hoeffding races, NIPS 1993), as successive halving is one over
budgets (Jamieson and Talwalkar, AISTATS 2016): each fold that is judged is a look at all who are
left. Halving drops half of them whatever they show. Here nobody leaves whom the blend has a use
for, since it is seldom the best alone that wins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from plait.ensemble.combine import Blend
from plait.ensemble.entrants import Entrant
from plait.ensemble.several import EachCombiner, build_combiner
from plait.evaluate.run import metrics_of
from plait.metrics.uncertainty import Gain, gain, resample_counts
from plait.tasks.target import Target


@dataclass(frozen=True)
class Dropped:
    """An entrant that left a contest early.

    Attributes:
        name: of the entrant.
        level: where it combines.
        score: of the deciding metric on the rows judged until then.
        best: name of the best of all on these rows.
        best_score: of that one.
        lead: of the best over it, on the same rows.
        rows: how many rows these were.
        folds: in how many folds.
    """

    name: str
    level: str
    score: float
    best: str
    best_score: float
    lead: Gain
    rows: int
    folds: int

    @property
    def sentence(self) -> str:
        """Why it left."""
        lead = f"{self.lead.value:+.4f} [{self.lead.low:+.4f}, {self.lead.high:+.4f}]"
        return (
            f"{self.name} left after fold {self.folds}: {self.score:.4f} where {self.best} had "
            f"{self.best_score:.4f} ({lead}), and the blend had no use for it."
        )


def stays(entrant: Entrant) -> bool:
    """Return whether an entrant is shown on all rows whatever it scores."""
    return entrant.level == "single" or bool(entrant.members)


def remaining(entrants: Sequence[Entrant], dropped: Mapping[str, Dropped]) -> tuple[Entrant, ...]:
    """Return who is left; combiners combine those that are left."""
    return tuple(
        replace(entrant, members=tuple(m for m in entrant.members if m not in dropped))
        for entrant in entrants
        if entrant.name not in dropped
    )


@dataclass(frozen=True)
class Race:
    """What decides who leaves.

    Those leave to whom the greedy blend gives no weight on the rows judged so far, and whom the
    best leads there with p < chance, by the paired bootstrap that the board is made with.

    Attributes:
        target: what is predicted.
        metric: name of the one that decides.
        chance: p under which a lead is clear; 0 lets everyone stay.
        seed: of the bootstrap.
    """

    target: Target
    metric: str
    chance: float
    seed: int

    def behind(
        self,
        experts: Sequence[Entrant],
        scores: Mapping[str, np.ndarray],
        truth: np.ndarray,
        groups: np.ndarray,
        folds: int,
    ) -> dict[str, Dropped]:
        """Return the experts that are clearly behind, by name.

        Args:
            experts: those that are left.
            scores: (k c) of the rows judged so far, by name.
            truth: (k c).
            groups: (k) numbers of rows that belong together.
            folds: that are judged.
        """
        useless = self._useless(experts, scores, truth)
        if not useless:
            return {}
        metric = metrics_of(self.target)[self.metric]
        filled = {expert.name: self.target.fill(scores[expert.name]) for expert in experts}
        values = {name: metric.score(truth, own) for name, own in filled.items()}
        best = max(values, key=lambda name: metric.sign * values[name])
        counts = resample_counts(groups, self.seed)
        first, found = metric.draws(truth, filled[best], counts), {}
        for expert in useless:
            own = metric.draws(truth, filled[expert.name], counts)
            apart = metric.sign * (values[best] - values[expert.name])
            lead = gain(apart, metric.sign * (first - own))
            if apart > 0 and lead.p < self.chance:
                found[expert.name] = Dropped(
                    expert.name, expert.level, values[expert.name], best, values[best], lead,
                    len(truth), folds,
                )  # fmt: skip
        return found

    def _useless(
        self, experts: Sequence[Entrant], scores: Mapping[str, np.ndarray], truth: np.ndarray
    ) -> list[Entrant]:
        """Return those that may leave, and that the blend would do without."""
        if not self.chance or all(map(stays, experts)):
            return []
        combiner = build_combiner("blend", self.target)
        combiner.fit(np.stack([scores[expert.name] for expert in experts]), truth)
        parts = combiner.combiners if isinstance(combiner, EachCombiner) else (combiner,)
        weights = sum(part.weights for part in parts if isinstance(part, Blend))
        return [
            expert
            for expert, weight in zip(experts, np.asarray(weights), strict=True)
            if weight == 0 and not stays(expert)
        ]
