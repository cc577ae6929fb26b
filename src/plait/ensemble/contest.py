"""The contest: every entrant learns and is judged on the same rows, under one counted budget.

`fit` takes its winner, `compare` prints its board. Experts are fitted on the learning rows of each
fold and predict the held-out rows, until they are clearly behind; combiners learn on these
out-of-fold predictions, and are judged on parts of them that they did not learn from. Published
comparisons find no method that always wins (MulTaBench, arXiv 2605.10616; SimBaMM, arXiv
2512.22991), so the choice is made on the table itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from plait.cache import Encoded, encode, fit_and_encode
from plait.data.loader import Source
from plait.encoders.encoder import Encoder
from plait.ensemble.combine import Combiner
from plait.ensemble.config import FitConfig
from plait.ensemble.entrants import (
    Entrant,
    build_expert,
    frozen_encoders,
    frozen_for,
    trained_encoders,
)
from plait.ensemble.expert import Expert
from plait.ensemble.journal import Done, Journal
from plait.ensemble.lanes import in_lanes
from plait.ensemble.race import Dropped, Race, remaining
from plait.ensemble.several import build_combiner
from plait.evaluate.run import choose_metric
from plait.layers import bytes_of, one_thread
from plait.progress import Advance
from plait.tasks.target import Target
from plait.train.balance import balancing_weights
from plait.types import Sample

Folds = Sequence[tuple[np.ndarray, np.ndarray]]

CHUNKS = 5
"""Parts of a single hold-out, for judging combiners on rows they did not learn from."""


@dataclass(frozen=True)
class Problem:
    """What is to be learned.

    Attributes:
        sources: what is read.
        samples: of all n rows, by source.
        seconds: that preparing the samples took, by source.
        target: what is predicted.
        truth: (n c).
        groups: (n) numbers of rows that belong together.
        start: the states that trained encoders begin with, by source.
        prepared: the encoders that prepared the samples, by source.
        raw: samples for encoders that are trained with their network, by source.
    """

    sources: tuple[Source, ...]
    samples: Mapping[str, Sequence[Sample | None]]
    seconds: Mapping[str, float]
    target: Target
    truth: np.ndarray
    groups: np.ndarray
    start: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    prepared: Mapping[str, Encoder] = field(default_factory=dict)
    raw: Mapping[str, Sequence[Sample | None]] = field(default_factory=dict)


@dataclass
class Outcome:
    """What one entrant did: (n c) scores of held-out rows, time and size.

    Scores are NaN where the entrant had none of its sources, and in rows that were never held out.
    """

    scores: np.ndarray
    fit_seconds: float = 0.0
    predict_seconds: float = 0.0
    size: int = 0

    def add(self, held: np.ndarray, done: Done) -> None:
        """Take in what was done in the fold that held out the given rows."""
        self.scores[held] = done.scores
        self.fit_seconds += done.fit_seconds
        self.predict_seconds += done.predict_seconds
        self.size = done.size


@dataclass(frozen=True)
class Contest:
    """What all entrants did, which rows they were judged on, by fold, and who left early.

    Who left has no outcome.
    """

    outcomes: Mapping[str, Outcome]
    fold_of: np.ndarray = field(repr=False)
    dropped: Mapping[str, Dropped] = field(default_factory=dict)

    @property
    def judged(self) -> np.ndarray:
        """(k) rows that were held out by some fold."""
        return np.flatnonzero(self.fold_of >= 0)


@one_thread()
def hold(
    problem: Problem,
    folds: Folds,
    entrants: Sequence[Entrant],
    config: FitConfig,
    advance: Advance,
    journal: Journal | None = None,
) -> Contest:
    """Run the contest.

    Args:
        problem: what is to be learned.
        folds: (learning rows, held-out rows).
        entrants: who takes part.
        config: settings of all of them.
        advance: is told of each entrant and fold that is done.
        journal: keeps what is done; what it holds already is not done again.
    """
    journal = journal or Journal()
    shape = (len(problem.truth), problem.target.width)
    fold_of = np.full(shape[0], -1)
    outcomes = {e.name: Outcome(np.full(shape, np.nan)) for e in entrants}
    metric = choose_metric(problem.target, config.metric)
    race = Race(problem.target, metric, config.drop, config.seed)
    dropped: dict[str, Dropped] = {}
    for number, (learning, held) in enumerate(folds):
        fold_of[held] = number
        experts = [e for e in remaining(entrants, dropped) if not e.members]
        done = run_fold(problem, number, (learning, held), experts, config, journal, advance)
        for name, part in done.items():
            outcomes[name].add(held, part)
        advance(len(dropped))
        if number + 1 < len(folds):
            rows = np.flatnonzero(fold_of >= 0)
            scores = {expert.name: outcomes[expert.name].scores[rows] for expert in experts}
            truth, groups = problem.truth[rows], problem.groups[rows]
            dropped |= race.behind(experts, scores, truth, groups, number + 1)
    left = remaining(entrants, dropped)
    contest = Contest({e.name: outcomes[e.name] for e in left}, fold_of, dropped)
    for entrant in left:
        if entrant.members:
            _judge_combiner(problem, contest, entrant, config.seed)
            advance(len(folds))
    return contest


def run_fold(
    problem: Problem,
    number: int,
    fold: tuple[np.ndarray, np.ndarray],
    experts: Sequence[Entrant],
    config: FitConfig,
    journal: Journal,
    advance: Advance,
) -> dict[str, Done]:
    """Fit the encoders and every expert on the learning rows, and score the held-out rows."""
    learning, held = fold
    found = {entrant.name: journal.read(number, entrant.name) for entrant in experts}
    finished = {name: done for name, done in found.items() if done is not None}
    advance(len(finished))
    pending = [entrant for entrant in experts if entrant.name not in finished]
    needed = {name for entrant in pending for name in entrant.sources}
    encoders = frozen_encoders(problem.sources, config.encoders)
    rows_of: dict[str, tuple[Encoded, Encoded]] = {}
    cost: dict[str, tuple[float, float]] = {}
    for source in problem.sources:
        if source.name not in needed:
            continue
        one = {name: encoder for name, encoder in encoders.items() if name == source.name}
        kept = {name: own for name, own in problem.raw.items() if name == source.name}
        rows_of[source.name], cost[source.name] = _encode_fold(
            problem, source.name, one, kept, learning, held, config.seed
        )
    truth = problem.truth[learning]

    def run(entrant: Entrant) -> None:
        expert = build_expert(entrant, problem.target, config, problem.sources, problem.start)
        learned = _join([rows_of[name][0] for name in entrant.sources])
        learned = replace(learned, groups=problem.groups[learning])
        judged = _join([rows_of[name][1] for name in entrant.sources])
        record = journal.record(number, entrant.name)
        start = time.perf_counter()
        expert.fit(learned, truth, row_weights(truth, config), config.seed, record)
        fitted = time.perf_counter()
        scores = expert.predict(judged)
        done = time.perf_counter()
        read = [encoders[name] for name in entrant.sources if name in encoders]
        finished[entrant.name] = Done(
            scores,
            fitted - start + sum(cost[n][0] for n in entrant.sources),
            done - fitted + sum(cost[n][1] for n in entrant.sources),
            expert.state().size + sum(map(size_of, read)),
        )
        journal.write(number, entrant.name, finished[entrant.name])
        advance(1)

    in_lanes(pending, run, _beside(problem, pending, config))
    return finished


def _beside(problem: Problem, entrants: Sequence[Entrant], config: FitConfig) -> bool:
    """Return whether entrants may learn beside one another: trained encoders want all cores."""
    return not any(trained_encoders(e, problem.sources, config.encoders) for e in entrants)


def _encode_fold(
    problem: Problem,
    name: str,
    encoder: Mapping[str, Encoder],
    raw: Mapping[str, Sequence[Sample | None]],
    learning: np.ndarray,
    held: np.ndarray,
    seed: int,
) -> tuple[tuple[Encoded, Encoded], tuple[float, float]]:
    """Return the encoded learning and held-out rows, and the seconds each took with preparation."""
    a_row = problem.seconds[name] / len(problem.truth)
    samples = {name: problem.samples[name]}
    start = time.perf_counter()
    truth = problem.target.guess(problem.truth[learning])
    learned = fit_and_encode(encoder, samples, learning, truth, seed, raw)
    middle = time.perf_counter()
    judged = encode(encoder, samples, held, raw)
    end = time.perf_counter()
    seconds = (middle - start + a_row * len(learning), end - middle + a_row * len(held))
    return (learned, judged), seconds


def _join(parts: Sequence[Encoded]) -> Encoded:
    return Encoded(
        {k: v for part in parts for k, v in part.features.items()},
        {k: v for part in parts for k, v in part.matrices.items()},
        {k: v for part in parts for k, v in part.codes.items()},
        {k: v for part in parts for k, v in part.raw.items()},
        {k: v for part in parts for k, v in part.encoders.items()},
    )


def size_of(encoder: Encoder) -> int:
    """Return the bytes of an encoder's tensors and words."""
    tensors = bytes_of(encoder.state_dict().values())
    lists = [v for v in encoder.facts.values() if isinstance(v, (list, tuple, dict))]
    words = sum(len(w) + 1 for v in lists for w in v if isinstance(w, str))
    return tensors + words


def _judge_combiner(problem: Problem, contest: Contest, entrant: Entrant, seed: int) -> None:
    """Score each part of the held-out rows with a combiner that learned on the other parts."""
    judged = contest.judged
    members = [contest.outcomes[name] for name in entrant.members]
    scores = np.stack([member.scores[judged] for member in members])
    truth = problem.truth[judged]
    part_of = _chunks(contest.fold_of[judged], problem.groups[judged], seed)
    outcome = contest.outcomes[entrant.name]
    start = time.perf_counter()
    for part in np.unique(part_of):
        inside = part_of == part
        combiner = fit_combiner(entrant, problem.target, scores[:, ~inside], truth[~inside])
        outcome.scores[judged[inside]] = combiner.combine(scores[:, inside])
    outcome.fit_seconds = time.perf_counter() - start + sum(m.fit_seconds for m in members)
    outcome.predict_seconds = sum(m.predict_seconds for m in members)
    outcome.size = sum(m.size for m in members)


def _chunks(fold_of: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """Return the part of each row: its fold, or for a single fold a random part by group."""
    if len(np.unique(fold_of)) > 1:
        return fold_of
    distinct, inverse = np.unique(groups, return_inverse=True)
    parts = np.random.default_rng(seed).permutation(len(distinct)) % CHUNKS
    return np.asarray(parts[inverse])


def fit_combiner(
    entrant: Entrant, target: Target, scores: np.ndarray, truth: np.ndarray
) -> Combiner:
    """Return the entrant's combiner, fitted on scores (e n c) and truth (n c)."""
    combiner = build_combiner(entrant.method, target)
    if len(truth):
        combiner.fit(scores, truth)
    return combiner


@dataclass(frozen=True)
class Fitted:
    """An entrant fitted on all learning rows: what a model is made of."""

    encoders: Mapping[str, Encoder]
    experts: Mapping[str, Expert]
    combiner: Combiner | None


@one_thread()
def refit(
    problem: Problem,
    rows: np.ndarray,
    winner: Entrant,
    entrants: Sequence[Entrant],
    contest: Contest,
    config: FitConfig,
    advance: Callable[[int], None],
    journal: Journal | None = None,
) -> Fitted:
    """Fit an entrant again on all learning rows; a combiner keeps what it learned out of fold.

    Experts to which a combiner gives no weight are left out.
    """
    combiner: Combiner | None = None
    names = winner.members or (winner.name,)
    if winner.members:
        judged = contest.judged
        chosen = list(names)
        scores = np.stack([contest.outcomes[name].scores[judged] for name in chosen])
        combiner = fit_combiner(winner, problem.target, scores, problem.truth[judged])
        weights = getattr(combiner, "weights", None)
        if winner.method == "blend" and weights is not None:
            chosen = [name for name, weight in zip(names, weights, strict=True) if weight > 0]
            combiner.weights = weights[weights > 0]  # type: ignore[attr-defined]
        names = tuple(chosen)
    by_name = {entrant.name: entrant for entrant in entrants}
    members = [by_name[name] for name in names]
    read = {source for member in members for source in member.sources}
    needed = [source for source in problem.sources if source.name in read]
    encoders, encoded = encode_rows(problem, needed, rows, config)
    truth = problem.truth[rows]
    advance(1)
    keep, experts = journal or Journal(), {}

    def run(entrant: Entrant) -> None:
        expert = build_expert(entrant, problem.target, config, needed, problem.start)
        record = keep.record(None, entrant.name)
        expert.fit(encoded, truth, row_weights(truth, config), config.seed, record)
        experts[entrant.name] = expert
        advance(1)

    in_lanes(members, run, _beside(problem, members, config))
    kept = frozen_for(members, needed, config.encoders)
    ordered = {name: experts[name] for name in names}
    return Fitted({name: encoders[name] for name in kept}, ordered, combiner)


def encode_rows(
    problem: Problem, sources: Sequence[Source], rows: np.ndarray, config: FitConfig
) -> tuple[dict[str, Encoder], Encoded]:
    """Return the frozen encoders of some sources, fitted on the given rows, and these rows."""
    encoders = frozen_encoders(sources, config.encoders)
    for name, encoder in encoders.items():
        encoder.prepared_by(problem.prepared.get(name, encoder))
    read = {source.name for source in sources}
    raw = {name: own for name, own in problem.raw.items() if name in read}
    guess = problem.target.guess(problem.truth[rows])
    encoded = fit_and_encode(encoders, problem.samples, rows, guess, config.seed, raw)
    return encoders, replace(encoded, groups=problem.groups[rows])


def row_weights(truth: np.ndarray, config: FitConfig) -> np.ndarray:
    """Return (n) weights of (n c) rows: one each, or every class the same in sum."""
    if not config.class_weights:
        return np.ones(len(truth))
    return balancing_weights(torch.from_numpy(truth)).double().numpy()
