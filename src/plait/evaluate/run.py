"""Which metrics each task has, and how predictions are scored with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from plait.errors import ConfigError, unknown
from plait.metrics import classification as c
from plait.metrics import regression as r
from plait.metrics.uncertainty import (
    Interval,
    bootstrap_means,
    bootstrap_scores,
    interval,
    resample_counts,
)
from plait.tasks.target import Kind, Target, known

Arrays = Callable[[np.ndarray, np.ndarray], np.ndarray]
Score = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class Metric:
    """A score of (n c) predictions against the (n c) truth.

    Attributes:
        score: the function.
        higher: whether higher is better.
        rows: (n) values whose mean is the score, where it is such a mean; it makes intervals cheap.
    """

    score: Score
    higher: bool = True
    rows: Arrays | None = None

    @property
    def sign(self) -> int:
        """1 when higher is better, else -1."""
        return 1 if self.higher else -1

    def draws(self, truth: np.ndarray, scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Return the score on each resample of the rows."""
        if self.rows is not None:
            return bootstrap_means(self.rows(truth, scores), counts)
        # A score that must sort its rows anew each time gets fewer draws.
        return bootstrap_scores(self.score, truth, scores, counts[: len(counts) // 4])


def _mean(rows: Arrays) -> Score:
    return lambda truth, scores: float(rows(truth, scores).mean())


def _decided(score: Score, decide: Callable[[np.ndarray], np.ndarray]) -> Metric:
    return Metric(lambda truth, scores: score(truth, decide(scores)))


def _decisions(decide: Callable[[np.ndarray], np.ndarray]) -> dict[str, Metric]:
    return {
        "f1_macro": _decided(c.f1_macro, decide),
        "f1_micro": _decided(c.f1_micro, decide),
        "precision_macro": _decided(c.precision_macro, decide),
        "recall_macro": _decided(c.recall_macro, decide),
    }


METRICS: Mapping[Kind, Mapping[str, Metric]] = {
    "classify": {
        "accuracy": Metric(c.accuracy, rows=c.correct),
        "balanced_accuracy": _decided(c.balanced_accuracy, c.one_hot),
        **_decisions(c.one_hot),
        "auroc": Metric(c.auroc),
        "map": Metric(c.mean_average_precision),
        "log_loss": Metric(_mean(c.row_log_loss), higher=False, rows=c.row_log_loss),
    },
    "multilabel": {
        "map": Metric(c.mean_average_precision),
        "auroc": Metric(c.auroc_labels),
        **_decisions(c.above_half),
        "exact": Metric(_mean(c.row_all_right), rows=c.row_all_right),
        "log_loss": Metric(_mean(c.row_binary_log_loss), higher=False, rows=c.row_binary_log_loss),
    },
    "regress": {
        "r2": Metric(r.r2),
        "rmse": Metric(r.rmse, higher=False),
        "mae": Metric(r.mae, higher=False, rows=r.row_absolute_error),
        "spearman": Metric(r.spearman),
    },
}
"""The metrics of each task; the first is the one that decides."""


def metrics_of(target: Target) -> Mapping[str, Metric]:
    """Return the metrics of a target; the first is the one that decides.

    Those of several targets are the first of each, `price r2`, and before them their `mean`.
    """
    if not target.parts:
        return METRICS[target.kind]
    firsts: dict[str, Metric] = {}
    for part, columns in target.each:
        name, metric = next(iter(METRICS[part.kind].items()))
        firsts[f"{part.name} {name}"] = _of_columns(metric, columns)

    def mean(truth: np.ndarray, scores: np.ndarray) -> float:
        return float(np.mean([metric.score(truth, scores) for metric in firsts.values()]))

    return {"mean": Metric(mean), **firsts}


def _of_columns(metric: Metric, columns: slice) -> Metric:
    """Return the metric of one of several targets, on the rows of which it is known."""

    def score(truth: np.ndarray, scores: np.ndarray) -> float:
        rows = known(truth[:, columns])
        return metric.score(truth[rows, columns], scores[rows, columns])

    return Metric(score, metric.higher)


def choose_metric(target: Target, name: str | None) -> str:
    """Return the name of the metric that decides.

    Raises:
        ConfigError: when the target has no such metric.
    """
    metrics = metrics_of(target)
    if name is None:
        return next(iter(metrics))
    if name not in metrics:
        raise ConfigError(unknown(f"Metric of the task {target.kind!r}", name, metrics))
    return name


@dataclass(frozen=True)
class Evaluation:
    """The scores of one model on one table.

    Attributes:
        target: what was predicted.
        rows: how many rows had a known target.
        scores: each metric with its interval.
        classes: precision, recall, F1 and rows of each class or label.
        confusion: (c c) counts, true classes in rows; empty unless the task is classify.
        left_out: rows without a known target.
        parts: of each target, where there are several.
    """

    target: Target
    rows: int
    scores: Mapping[str, Interval]
    classes: Mapping[str, tuple[float, float, float, int]]
    confusion: tuple[tuple[int, ...], ...]
    left_out: int = 0
    parts: tuple[Evaluation, ...] = ()

    def __getitem__(self, metric: str) -> float:
        return self.scores[metric].value


def evaluate(
    target: Target,
    truth: np.ndarray,
    scores: np.ndarray,
    groups: np.ndarray | None = None,
    seed: int = 0,
) -> Evaluation:
    """Return every metric of the task with its 95 % interval.

    Args:
        target: what was predicted.
        truth: (n c), as `Target.encode` gives it.
        scores: (n c), as experts give it.
        groups: (n) numbers of rows that belong together; they are resampled whole.
        seed: of the resampling.
    """
    counts = resample_counts(np.arange(len(truth)) if groups is None else groups, seed)
    results = {}
    for name, metric in metrics_of(target).items():
        draws = metric.draws(truth, scores, counts)
        results[name] = interval(metric.score(truth, scores), draws)
    if target.parts:
        parts = tuple(
            _of_part(part, truth[:, own], scores[:, own], groups, seed) for part, own in target.each
        )
        return Evaluation(target, len(truth), results, {}, (), 0, parts)
    if target.kind == "regress":
        return Evaluation(target, len(truth), results, {}, ())
    decide = c.one_hot if target.kind == "classify" else c.above_half
    table = np.stack(c.precision_recall_f1(truth, decide(scores)), axis=1)
    rows = truth.sum(axis=0)
    classes = {
        label: (float(precision), float(recall), float(f1), int(count))
        for label, (precision, recall, f1), count in zip(target.labels, table, rows, strict=True)
    }
    matrix = (
        c.confusion(truth, c.one_hot(scores)) if target.kind == "classify" else np.zeros((0, 0))
    )
    confusion = tuple(tuple(int(v) for v in row) for row in matrix)
    return Evaluation(target, len(truth), results, classes, confusion)


def _of_part(
    target: Target, truth: np.ndarray, scores: np.ndarray, groups: np.ndarray | None, seed: int
) -> Evaluation:
    rows = known(truth)
    own = None if groups is None else groups[rows]
    result = evaluate(target, truth[rows], scores[rows], own, seed)
    return replace(result, left_out=int((~rows).sum()))
