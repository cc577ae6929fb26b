"""Evaluation: every metric of a task, with its interval; names that are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as sk

from plait.errors import ConfigError
from plait.evaluate.run import METRICS, choose_metric, evaluate
from plait.tasks.target import Target
from plait.types import Modality

RNG = np.random.default_rng(0)
N = 90
CLASSES = [str(k) for k in RNG.integers(0, 3, N)]
LABELS = [tuple(label for label in "ab" if RNG.random() < 0.5) for _ in range(N)]
NUMBERS = (10 + 3 * RNG.normal(size=N)).tolist()
TARGETS = {
    "classify": (Target.learn("y", Modality.CATEGORY, CLASSES), CLASSES),
    "multilabel": (Target.learn("y", Modality.CATEGORIES, LABELS), LABELS),
    "regress": (Target.learn("y", Modality.NUMBER, NUMBERS), NUMBERS),
}


def scored(kind: str) -> tuple[Target, np.ndarray, np.ndarray]:
    target, values = TARGETS[kind]
    truth = target.encode(values)
    scores = (truth + RNG.random(truth.shape)) / 2
    if kind == "classify":
        scores /= scores.sum(axis=1, keepdims=True)
    return target, truth, scores * 2 if kind == "regress" else scores


@pytest.mark.parametrize("kind", METRICS)
def test_every_metric_lies_in_its_interval_and_repeats(kind) -> None:
    target, truth, scores = scored(kind)
    found = evaluate(target, truth, scores, seed=3)
    assert set(found.scores) == set(METRICS[kind])
    assert found.rows == N
    for name, score in found.scores.items():
        assert score.low <= score.value <= score.high, name
        assert found[name] == score.value
    again = evaluate(target, truth, scores, seed=3)
    assert again == found
    assert evaluate(target, truth, scores, seed=4).scores != found.scores


@pytest.mark.parametrize("kind", METRICS)
def test_the_truth_itself_is_best(kind) -> None:
    target, truth, scores = scored(kind)
    perfect = evaluate(target, truth, truth.astype(np.float64))
    for name, score in perfect.scores.items():
        assert score.value == pytest.approx(1.0 if METRICS[kind][name].higher else 0.0, abs=1e-9)
        worse = METRICS[kind][name].score(truth, scores)
        assert METRICS[kind][name].sign * (score.value - worse) >= 0
    if kind != "regress":
        assert all(line[:3] == (1, 1, 1) for line in perfect.classes.values())


def test_a_score_that_is_a_mean_over_rows_equals_its_function() -> None:
    for kind, metrics in METRICS.items():
        _, truth, scores = scored(kind)
        for metric in metrics.values():
            if metric.rows is not None:
                mean = metric.rows(truth, scores).mean()
                assert mean == pytest.approx(metric.score(truth, scores))


def test_classes_and_confusion_equal_scikit_learn() -> None:
    target, truth, scores = scored("classify")
    scores[:40] = scores[40:80]
    y, p = truth.argmax(axis=1), scores.argmax(axis=1)
    found = evaluate(target, truth, scores)
    theirs = sk.precision_recall_fscore_support(y, p)
    for number, label in enumerate(target.labels):
        assert found.classes[label] == pytest.approx([column[number] for column in theirs])
    assert np.array_equal(found.confusion, sk.confusion_matrix(y, p))


def test_groups_widen_the_intervals() -> None:
    target, truth, scores = scored("classify")
    groups = np.repeat(np.arange(9), 10)
    wrong = np.isin(groups, [1, 4, 7])  # groups are right or wrong as a whole
    scores[wrong] = np.roll(truth[wrong], 1, axis=1)
    alone, whole = evaluate(target, truth, scores), evaluate(target, truth, scores, groups)
    for name in ("accuracy", "f1_macro"):
        widths = [e.scores[name].high - e.scores[name].low for e in (alone, whole)]
        assert widths[1] > 2 * widths[0]


def test_metrics_are_chosen_by_name() -> None:
    assert choose_metric(TARGETS["classify"][0], None) == "accuracy"
    assert choose_metric(TARGETS["regress"][0], "mae") == "mae"
    with pytest.raises(ConfigError, match=r"Metric of the task 'regress' 'rmsee' is not known\. "
                                          r"Did you mean 'rmse'\?"):  # fmt: skip
        choose_metric(TARGETS["regress"][0], "rmsee")


def test_several_targets_are_scored_each_on_the_rows_that_know_it() -> None:
    names = ("classify", "multilabel", "regress")
    parts = [scored(kind) for kind in names]
    named = [replace(t, name=n) for n, (t, _, _) in zip(names, parts, strict=True)]
    together = Target.together(named)
    truth = np.concatenate([t for _, t, _ in parts], axis=1).astype(np.float64)
    scores = np.concatenate([s for _, _, s in parts], axis=1)
    unknown = [np.arange(N) % 3 == 0, np.arange(N) % 4 == 1, np.arange(N) % 5 == 2]
    for (_, own), gone in zip(together.each, unknown, strict=True):
        truth[gone, own] = np.nan
    found = evaluate(together, truth, scores)
    firsts = []
    for name, (target, own_truth, own), gone, part in zip(
        names, parts, unknown, found.parts, strict=True
    ):
        alone = evaluate(target, own_truth[~gone].astype(np.float64), own[~gone])
        assert part.scores == alone.scores
        assert part.left_out == gone.sum()
        first = next(iter(METRICS[name]))
        assert found[f"{name} {first}"] == alone[first]
        firsts.append(alone[first])
    assert list(found.scores) == ["mean", "classify accuracy", "multilabel map", "regress r2"]
    assert found["mean"] == pytest.approx(np.mean(firsts))
    assert found.scores["mean"].low < found["mean"] < found.scores["mean"].high
    assert choose_metric(together, None) == "mean"
    assert choose_metric(together, "regress r2") == "regress r2"
    with pytest.raises(ConfigError, match="Metric of the task 'several' 'accuracy' is not known"):
        choose_metric(together, "accuracy")


def test_both_of_two_labels_count_in_the_area() -> None:
    target, truth, _ = scored("multilabel")
    scores = np.stack([1 - truth[:, 0], truth[:, 1]], axis=1)  # always wrong, always right
    assert evaluate(target, truth, scores)["auroc"] == 0.5
