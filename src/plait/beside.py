"""Models beside one another: what each scores on the same rows, what it weighs, how fast it is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from plait.data.table import Table
from plait.encoders.pretrained.encoder import Pretrained
from plait.encoders.pretrained.runtime import WORTH
from plait.encoders.pretrained.weights import find_model, weights_size
from plait.ensemble.contest import size_of
from plait.evaluate.run import choose_metric, metrics_of
from plait.metrics.uncertainty import Gain, Interval, gain, interval, resample_counts
from plait.model import Model
from plait.parts import Parts
from plait.progress import Progress

QUIET = Progress(show=False)


@dataclass(frozen=True)
class Side:
    """One model beside another.

    Attributes:
        name: of the model.
        score: on the rows whose truth is known; None where it is of none.
        agreement: the metric with the first model's predictions as the truth; None for itself.
        lead: of the student over this model, on the same rows; None for itself.
        megabytes: of all that it is made of, with the weights of pretrained networks.
        rows_per_second: that it predicts, from files to scores, with nothing in the cache.
    """

    name: str
    score: Interval | None
    agreement: float | None
    lead: Gain | None
    megabytes: float
    rows_per_second: float


@dataclass(frozen=True)
class Beside:
    """Models on the same rows.

    Attributes:
        metric: the one that decides.
        higher: whether higher is better.
        rows: that were judged.
        sides: the teacher, the student, and others.
    """

    metric: str
    higher: bool
    rows: int
    sides: tuple[Side, ...]

    def __getitem__(self, name: str) -> Side:
        return next(side for side in self.sides if side.name == name)


def beside(
    models: Mapping[str, Model],
    student: str,
    table: Table,
    truth: np.ndarray,
    groups: np.ndarray,
    metric: str | None = None,
    seed: int = 0,
) -> Beside:
    """Judge models on the same rows.

    Args:
        models: by name, of one target; the first is what others agree with.
        student: the name of the one whose lead over the others is measured.
        table: of n rows.
        truth: (n c), NaN where it is not known.
        groups: (n) numbers of rows that belong together; they are resampled whole.
        metric: that decides; the task's first by default.
        seed: of the resampling.
    """
    first = next(iter(models))
    target = models[first].target
    name = choose_metric(target, metric)
    judge = metrics_of(target)[name]
    scores = {model: models[model].predict(table, QUIET).scores for model in models}
    said = target.encode(target.decode(scores[first]))
    known = ~np.isnan(truth).all(axis=1)
    truth, own = truth[known], {model: found[known] for model, found in scores.items()}
    counts = resample_counts(groups[known], seed) if known.any() else np.zeros((0, 0))
    draws = {m: judge.draws(truth, found, counts) for m, found in own.items()} if len(truth) else {}
    values = {m: judge.score(truth, own[m]) for m in draws}

    def lead(model: str) -> Gain:
        apart = judge.sign * (draws[student] - draws[model])
        return gain(judge.sign * (values[student] - values[model]), apart)

    sides = tuple(
        Side(
            model,
            interval(values[model], draws[model]) if draws else None,
            None if model == first else float(judge.score(said, scores[model])),
            lead(model) if draws and model != student else None,
            megabytes(models[model]),
            rows_per_second(models[model], table),
        )
        for model in models
    )
    return Beside(name, judge.higher, len(truth) or len(table), sides)


def megabytes(model: Parts) -> float:
    """Return what a model weighs: experts, encoders, and the pretrained networks they stand on."""
    own = sum(expert.state().size for expert in model.experts.values())
    own += sum(map(size_of, model.encoders.values()))
    pretrained = [e for e in model.encoders.values() if isinstance(e, Pretrained)]
    folders = {find_model(encoder.name) for encoder in pretrained}  # a joint one stands for two
    return (own + sum(map(weights_size, folders))) / 1e6


def rows_per_second(model: Model, table: Table) -> float:
    """Return how many rows a second are predicted, on so many as make compiling worth its time.

    They are predicted once before: loading and compiling belong to no row.
    """
    some = table.take(range(min(len(table), WORTH)))
    with _uncached(model):
        model.predict(some, QUIET)
        start = time.perf_counter()
        model.predict(some, QUIET)
    return len(some) / (time.perf_counter() - start)


@contextmanager
def _uncached(model: Parts) -> Iterator[None]:
    """Let pretrained networks compute every vector, and not look it up."""
    encoders = [e for e in model.encoders.values() if isinstance(e, Pretrained)]
    before = [encoder.config for encoder in encoders]
    for encoder in encoders:
        encoder.config = replace(encoder.config, cache=False)
    try:
        yield
    finally:
        for encoder, config in zip(encoders, before, strict=True):
            encoder.config = config
