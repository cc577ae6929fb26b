"""One hold-out of a table, on which benchmarks train experts one by one, without a contest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import plait
from plait.cache import Encoded, encode, fit_and_encode
from plait.ensemble.contest import row_weights
from plait.ensemble.entrants import Entrant, build_expert, frozen_encoders, raw_sources
from plait.ensemble.expert import Expert
from plait.fitting import Setup, set_up
from plait.progress import Progress
from plait.train.record import Record


@dataclass(frozen=True)
class HoldOut:
    """Rows to learn from and rows to be judged on, encoded once.

    `truth` and `held_truth` are (n c).
    """

    setup: Setup
    learned: Encoded
    judged: Encoded
    truth: np.ndarray
    held_truth: np.ndarray

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of all sources."""
        return tuple(source.name for source in self.setup.problem.sources)

    def learn(
        self,
        sources: Sequence[str],
        config: plait.FitConfig,
        fusion: str = "concat",
        record: Record | None = None,
    ) -> Expert:
        """Return a network that was trained on some sources."""
        problem = self.setup.problem
        entrant = Entrant(fusion, "feature", "network", tuple(sources), fusion)
        expert = build_expert(entrant, problem.target, config, problem.sources)
        weights = row_weights(self.truth, config)
        expert.fit(self.learned, self.truth, weights, config.seed, record or Record())
        return expert

    def predict(self, expert: Expert, rows: Encoded | None = None) -> np.ndarray:
        """Return (n c) scores of the held-out rows, or of a version of them."""
        return self.setup.problem.target.fill(expert.predict(rows or self.judged))


def hold_out(
    table: Any,
    target: str,
    config: plait.FitConfig,
    split: str,
    ignore: Sequence[str] = (),
    modalities: Mapping[str, str] | None = None,
) -> HoldOut:
    """Return the table made ready: `split` as `plait.fit` takes it, judged on one hold-out.

    With `column:COLUMN` the test part is judged, and all others learn.
    """
    setup = set_up(table, target, modalities or {}, ignore, split, config, Progress(show=False))
    problem = setup.problem
    learning, held = setup.split.folds[0]
    if len(setup.split.test):
        learning, held = setup.learning, setup.split.test
    encoders = frozen_encoders(problem.sources, config.encoders)
    raw = raw_sources(problem.sources, config.encoders)
    truth = problem.truth[learning]
    learned = fit_and_encode(encoders, problem.samples, learning, truth, config.seed, raw)
    judged = encode(encoders, problem.samples, held, raw)
    return HoldOut(setup, learned, judged, truth, problem.truth[held])
