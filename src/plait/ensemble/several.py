"""Several targets for what knows one only: an expert, or a combiner, for each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from plait.cache import Encoded
from plait.ensemble.combine import COMBINERS, Combiner
from plait.ensemble.expert import NOTHING, Expert, State
from plait.tasks.target import Target, known
from plait.train.record import Record


class EachExpert(Expert):
    """An expert for each target, on the rows of which it is known.

    Args:
        sources: that they read.
        target: of several parts.
        experts: one a part, not yet fitted.
    """

    def __init__(self, sources: tuple[str, ...], target: Target, experts: Sequence[Expert]) -> None:
        super().__init__(sources, target)
        self.experts = tuple(experts)

    def fit(
        self,
        rows: Encoded,
        target: np.ndarray,
        weight: np.ndarray,
        seed: int,
        record: Record = NOTHING,
    ) -> None:
        """Learn each target by itself."""
        for expert, (_, own) in zip(self.experts, self.target.each, strict=True):
            there = known(target[:, own])
            expert.fit(rows.take(there), target[there, own], weight[there], seed, record)

    def scores(self, rows: Encoded) -> np.ndarray:
        """Return (n c), side by side."""
        return np.concatenate([expert.scores(rows) for expert in self.experts], axis=1)

    def state(self) -> State:
        """Return what all of them learned."""
        states = [expert.state() for expert in self.experts]
        return State(
            {f"{i}/{key}": value for i, s in enumerate(states) for key, value in s.tensors.items()},
            {"facts": [s.facts for s in states], "trees": [len(s.trees) for s in states]},
            [text for s in states for text in s.trees],
        )

    def load(self, state: State) -> None:
        """Give each its part."""
        trees = iter(state.trees)
        for place, expert in enumerate(self.experts):
            own = [next(trees) for _ in range(state.facts["trees"][place])]
            expert.load(State(_under(state.tensors, place), state.facts["facts"][place], own))


class EachCombiner(Combiner):
    """A combiner for each target.

    Args:
        method: name of `COMBINERS`.
        target: of several parts.
    """

    def __init__(self, method: str, target: Target) -> None:
        super().__init__(target)
        self.combiners = tuple(COMBINERS[method](part) for part in target.parts)

    def fit(self, scores: np.ndarray, truth: np.ndarray) -> None:
        """Learn each target on the rows of which it is known."""
        for combiner, (_, own) in zip(self.combiners, self.target.each, strict=True):
            there = known(truth[:, own])
            combiner.fit(scores[:, there, own], truth[there, own])

    def rule(self, scores: np.ndarray, absent: np.ndarray) -> np.ndarray:
        """Return (n c), side by side."""
        parts = [
            combiner.rule(scores[:, :, own], absent)
            for combiner, (_, own) in zip(self.combiners, self.target.each, strict=True)
        ]
        return np.concatenate(parts, axis=1)

    def state(self) -> dict[str, Tensor]:
        """Return what all of them learned."""
        return {
            f"{i}/{key}": value
            for i, combiner in enumerate(self.combiners)
            for key, value in combiner.state().items()
        }

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Give each its part."""
        for place, combiner in enumerate(self.combiners):
            combiner.load(_under(tensors, place))


def build_combiner(method: str, target: Target) -> Combiner:
    """Return the combiner of that name, for one target or for each of several."""
    return EachCombiner(method, target) if target.parts else COMBINERS[method](target)


def _under(tensors: Mapping[str, Tensor], place: int) -> dict[str, Tensor]:
    start = f"{place}/"
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}
