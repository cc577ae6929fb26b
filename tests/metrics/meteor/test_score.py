"""METEOR, by hand and against METEOR 1.5."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_meteor import made_resources

from plait.errors import TableError
from plait.metrics.meteor.resources import Resources
from plait.metrics.meteor.score import meteor, meteor_statistics


@pytest.fixture
def known(tmp_path: Path) -> Resources:
    return made_resources(tmp_path)


def one(candidate: str, references: list[str], known: Resources) -> float:
    return float(meteor(meteor_statistics([candidate], [references], known))[0])


def test_credit_by_stage_and_by_kind_of_word(known: Resources) -> None:
    # exact function word 1/4, synonyms 0.8 * 3/4 twice, of 1/4 + 3 * 3/4.
    expected = (0.25 + 2 * 0.75 * 0.8) / (0.25 + 3 * 0.75)
    found = one("the dog ran away", ["the hound sprints slowly"], known)
    runs = 1 - 0.6 * (1 / 3) ** 0.2
    assert found == pytest.approx(expected * runs)


def test_all_matched_in_one_run_is_not_penalised(known: Resources) -> None:
    assert one("a dog walks", ["a dog walks"], known) == pytest.approx(1)
    expected = (0.25 + 0.75 * 0.8 + 0.75 * 0.6) / (0.25 + 2 * 0.75)
    assert one("the dog walk", ["the hound walking"], known) == pytest.approx(expected)


def test_precision_and_recall_weigh_differently(known: Resources) -> None:
    # P = 1, R = 1/2 of content words, in one run of the candidate's two.
    mean = 1 / (0.15 / 1 + 0.85 / 0.5)
    assert one("x y", ["x y u v"], known) == pytest.approx(mean * (1 - 0.6 * 0.5**0.2))
    mean = 1 / (0.15 / 0.5 + 0.85 / 1)
    assert one("x y u v", ["x y"], known) == pytest.approx(mean * (1 - 0.6 * 0.5**0.2))


def test_the_order_of_words_counts(known: Resources) -> None:
    assert one("y x", ["x y"], known) == pytest.approx(1 - 0.6)


def test_phrases_of_unequal_length(known: Resources) -> None:
    rows = meteor_statistics(["u before v"], [["u in front of v"]], known)
    assert rows[0, :4].tolist() == [3, 5, 0, 0]
    assert rows[0, [4, 7, 12, 15, 20]].tolist() == [2, 1, 2, 3, 0]


def test_the_best_reference_is_kept(known: Resources) -> None:
    alone = one("x y z", ["x y z w"], known)
    assert one("x y z", ["u", "x y z w", "z"], known) == alone
    assert meteor_statistics(["x y z"], [["u", "x y z w"]], known)[0, 1] == 4


def test_nothing_in_common_and_nothing_at_all_are_zero(known: Resources) -> None:
    rows = meteor_statistics(["u", "", "u", "."], [["v"], ["v"], [""], ["."]], known)
    assert meteor(rows).tolist() == [0, 0, 0, 0]
    assert meteor(rows.sum(axis=0)) == 0
    assert meteor_statistics([], [], known).shape == (0, 21)


def test_of_all_comes_from_sums(known: Resources) -> None:
    rows = meteor_statistics(["x y", "x y u v"], [["x y"], ["y u x w w"]], known)
    whole, sums = meteor(rows.sum(axis=0)), rows.sum(axis=0)
    assert sums[20] == rows[1, 20]  # the first row is matched in one run, which counts none
    assert not np.isclose(whole, meteor(rows).mean())


def test_references_must_belong_to_the_candidates(known: Resources) -> None:
    with pytest.raises(TableError, match="1 candidate and 0 lists of references"):
        meteor_statistics(["a"], [], known)
