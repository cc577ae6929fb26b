"""Judging by time: moments, what is new, what was chosen before, scores by hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from plait.data.interactions import Interactions
from plait.evaluate.recommend import (
    Moments,
    RecommendBoard,
    Scores,
    cut_by_time,
    judge,
    moments_of,
)

# Three users, six items; the cut is at 5. Item 4 is new then, item 5 is never chosen.
ROWS = [(0, 0, 1), (1, 1, 1), (0, 1, 2), (2, 2, 3), (1, 3, 4),
        (0, 2, 5), (0, 4, 5), (1, 0, 6), (0, 3, 7), (2, 4, 8)]  # fmt: skip


def choices() -> Interactions:
    user, item, time = np.array(ROWS).T
    return Interactions(user, item, time.astype(float), tuple("abc"), tuple("uvwxyz"))


def fixed(*scores: float) -> Scores:
    return lambda moments: np.tile(np.array(scores), (len(moments), 1))


LEAST = {"least": fixed(0, 0, 0, 0, 0, 1)}
BASELINES = {**LEAST, "first": fixed(6, 5, 4, 3, 2, 1)}


def judged(own: Scores, baselines: Mapping[str, Scores] = BASELINES) -> RecommendBoard:
    found = choices()
    return judge({"own": own}, baselines, found, found.take(found.time < 5), 5.0, 0)


def test_moments_and_what_was_known_then() -> None:
    found = moments_of(choices(), 5.0)
    assert found.user.tolist() == [0, 0, 1, 2]
    assert found.time.tolist() == [5, 7, 6, 8]
    assert [own.tolist() for own in found.before] == [[0, 1], [0, 1, 2, 4], [1, 3], [2]]
    assert [sorted(own.tolist()) for own in found.chosen] == [[2, 4], [3], [0], [4]]
    assert [own.tolist() for own in found.take(np.array([2, 0])).before] == [[1, 3], [0, 1]]


def test_scores_by_hand() -> None:
    # Of unseen items in the order 0, 1, 2, 3, 4, 5: places 1 and 3; 1; 1; 4 of user 2.
    line = judged(fixed(6, 5, 4, 3, 2, 1)).lines[-1]
    gains = 1 / np.log2(np.arange(2, 8))
    first = (gains[0] + gains[2]) / (gains[0] + gains[1])
    each = [(first + gains[0]) / 2, gains[0], gains[3]]
    assert line.scores["nDCG@10"].value == pytest.approx(np.mean(each))
    assert line.scores["recall@10"].value == 1
    assert line.gain is not None
    assert line.gain.value == 0
    assert line.gain.p == 1


def test_new_items_among_themselves() -> None:
    found = judged(fixed(0, 0, 0, 0, 1, 2))
    assert (found.items, found.new, found.new_moments) == (6, 2, 2)
    assert (found.learned, found.moments, found.users, found.strangers) == (5, 4, 3, 0)
    new = found.lines[-1].new_items
    assert new is not None
    assert new["nDCG@10"].value == pytest.approx(1 / np.log2(3))  # item 5 before item 4
    assert judged(fixed(0, 0, 0, 0, 2, 1)).lines[-1].new_items["nDCG@10"].value == 1  # type: ignore[index]
    everything = choices()
    none = judge({"own": fixed(1, 2, 3, 4, 5, 6)}, {"b": fixed(6, 5, 4, 3, 2, 1)}, everything,
                 everything, 5.0, 0)  # fmt: skip
    assert none.lines[-1].new_items is None
    assert none.new == 1


def test_what_was_chosen_before_is_not_recommended() -> None:
    """Scores of items that a user has are of no use to him, however high."""
    seen = {0: [0, 1], 1: [1, 3], 2: [2]}

    def own(moments: Moments) -> np.ndarray:
        found = np.tile(np.array([6.0, 5, 4, 3, 2, 1]), (len(moments), 1))
        for row, user in enumerate(moments.user.tolist()):
            found[row, seen[user]] += 100
        return found

    expected = judged(fixed(6, 5, 4, 3, 2, 1)).lines[-1].scores
    assert judged(own).lines[-1].scores == expected


def test_equal_scores_are_not_praised() -> None:
    assert judged(fixed(1, 1, 1, 1, 1, 1)).lines[-1].scores["nDCG@10"].value < 0.5


def test_coverage_counts_what_anybody_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    import plait.evaluate.recommend as judging

    monkeypatch.setattr(judging, "DEPTHS", (1, 10))
    # Among unseen items the first is 2, 3, 0 and 0.
    lines = judged(fixed(6, 5, 4, 3, 2, 1)).lines
    assert lines[-1].coverage == {"@1": 3 / 6, "@10": 1}


def test_the_sentence() -> None:
    def right(moments: Moments) -> np.ndarray:
        found = np.zeros((len(moments), 6))
        for row, chosen in enumerate(moments.chosen):
            found[row, chosen] = 1
        return found

    def wrong(moments: Moments) -> np.ndarray:
        return -right(moments)

    assert judged(right, LEAST).sentence.startswith("own is better than least: nDCG@10 1.0000 aga")
    assert judged(wrong, {"right": right}).sentence.startswith(
        "own is worse than right: nDCG@10 0."
    )
    assert judged(right).lines[-1].gain.value == pytest.approx(0.2032, abs=1e-4)  # type: ignore[union-attr]
    same = judged(fixed(6, 5, 4, 3, 2, 1)).sentence
    assert "own is not surely other than first" in same
    assert "+0.0000 [+0.0000, +0.0000], p = 1.000" in same


def test_users_count_the_same_however_often_they_come() -> None:
    """User 0 has two moments, of which one is right: a half, and not one of four."""

    def own(moments: Moments) -> np.ndarray:
        found = np.tile(np.array([0.0, 0, 0, 0, 0, 1]), (len(moments), 1))
        found[moments.time == 7, 3] = 2
        return found

    line = judged(own).lines[-1]
    assert (
        line.scores["nDCG@10"].value
        > judged(fixed(0, 0, 0, 0, 0, 1)).lines[-1].scores["nDCG@10"].value
    )


def test_the_cut() -> None:
    found = choices()
    assert cut_by_time(found, 0.3) == 6
    assert cut_by_time(found, 0.9) == 1
    assert cut_by_time(found, 0.01) == 8
