"""A linear probe equals scikit-learn's; few examples are drawn a class; intervals and errors."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from plait.errors import TableError
from plait.evaluate import probe as module
from plait.evaluate.probe import SHOT_STRENGTH, STRENGTHS, choose_strength, examples, probe


def rows(count: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, count)
    centres = np.random.default_rng(5).normal(size=(4, 8))
    vectors = centres[labels] + 0.9 * random.normal(size=(count, 8))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), labels


def test_it_is_scikit_learns_and_more_examples_help() -> None:
    vectors, labels = rows()
    learning, held = np.arange(200), np.arange(200, 300)
    found = probe(vectors, labels, learning, held, np.arange(300), (1, 4, 16), 8, 0)
    own = LogisticRegression(C=found.strength, max_iter=1000)
    own.fit(vectors[:200], labels[:200])
    assert found.accuracy.value == pytest.approx(own.score(vectors[200:], labels[200:]))
    assert found.accuracy.low < found.accuracy.value < found.accuracy.high
    one, four, sixteen = (shots.accuracy.value for shots in found.shots)
    assert one < four < sixteen < found.accuracy.value + 0.05
    assert found.shots[0].spread > found.shots[2].spread > 0
    commonest = np.bincount(labels[:200]).argmax()
    assert found.chance == pytest.approx((labels[200:] == commonest).mean())
    assert (found.learned, found.judged, found.classes) == (200, 100, 4)
    again = probe(vectors, labels, learning, held, np.arange(300), (1, 4, 16), 8, 0)
    assert again == found


def test_labels_at_random_score_chance() -> None:
    vectors, labels = rows()
    labels = np.random.default_rng(1).permutation(labels)
    found = probe(vectors, labels, np.arange(200), np.arange(200, 300), np.arange(300), (), 1, 0)
    assert found.accuracy.value < 0.4
    assert found.shots == ()


def test_so_many_examples_of_each_class() -> None:
    labels = np.array([0] * 9 + [1] * 2 + [2] * 9)
    learning = np.arange(1, 20)
    drawn = examples(labels, learning, 4, np.random.default_rng(0))
    assert np.bincount(labels[drawn]).tolist() == [4, 2, 4]  # one class has two only
    assert len(set(drawn.tolist())) == 10
    assert 0 not in drawn
    single = probe(rows()[0], rows()[1], np.arange(200), np.arange(200, 300), np.arange(300), (2,),
                   1, 0)  # fmt: skip
    assert single.shots[0].spread == 0


def test_the_strength_is_chosen_on_groups_held_out_whole(monkeypatch) -> None:
    seen, real = [], module.predicted

    def watched(vectors, labels, rows, held, strength) -> np.ndarray:
        seen.append((set(rows // 3), set(held // 3), strength))
        return real(vectors, labels, rows, held, strength)

    monkeypatch.setattr(module, "predicted", watched)
    vectors, labels = rows(180)
    choose_strength(vectors, labels, np.arange(30, 180), np.arange(180) // 3, 0)
    assert [strength for *_, strength in seen] == list(STRENGTHS)
    for learned, held, _ in seen:
        assert not learned & held
        assert (len(learned), len(held)) == (40, 10)


def test_one_class_left_to_tune_on() -> None:
    labels = np.array([0] * 5 + [1])
    found = {choose_strength(np.eye(6), labels, np.arange(6), np.arange(6), seed)
             for seed in range(8)}  # fmt: skip
    assert SHOT_STRENGTH in found


def test_too_little_to_learn_from() -> None:
    vectors, labels = rows(10)
    with pytest.raises(TableError, match="found 1 classes in 5 rows, and 5 rows to judge on"):
        probe(vectors, labels * 0, np.arange(5), np.arange(5, 10), np.arange(10), (), 1, 0)
    with pytest.raises(TableError, match="and 0 rows to judge on"):
        probe(vectors, labels, np.arange(10), np.arange(0), np.arange(10), (), 1, 0)
