"""Scores of answers, by hand and against the official evaluation of visual question answering."""

from __future__ import annotations

import json

import numpy as np
import pytest
from reference_captions import FOLDER

from plait.errors import TableError
from plait.metrics.answers import exact_match, normalise_answer, token_f1, vqa_accuracy

SAMPLE = json.loads((FOLDER / "reference_answers.json").read_text(encoding="utf-8"))["answers"]


def people(row: dict[str, dict[str, int]]) -> list[str]:
    return [answer for answer, count in row["references"].items() for _ in range(count)]


def test_accuracy_is_the_official_one() -> None:
    found = vqa_accuracy([row["candidate"] for row in SAMPLE], [people(row) for row in SAMPLE])
    expected = [row["accuracy"] for row in SAMPLE]
    assert len(set(expected)) > 5
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_accuracy_by_hand() -> None:
    # Two of ten agree: leaving out one of them, 1/3; leaving out another, 2/3.
    answers = ["cat"] * 2 + ["dog"] * 8
    assert vqa_accuracy(["cat"], [answers]) == pytest.approx([(2 * 1 / 3 + 8 * 2 / 3) / 10])


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("The two dogs.", "2 dogs"),
        ("dont know", "don't know"),
        ("couldntve", "couldntve"),
        ("couldn'tve", "couldn't've"),
        ("blue/green", "blue green"),
        ("blue / green", "blue green"),
        ("1,000 (a lot)", "1000 lot"),
        ("3.5 m.", "3.5 m"),
        ("none\tof these\n", "0 of these"),
        ("A", ""),
    ],
)
def test_normalised_as_officially(written: str, compared: str) -> None:
    assert normalise_answer(written) == compared


def test_exact_match_by_hand() -> None:
    found = exact_match(
        ["The Red bus!", "red", "", "a"], [["blue", "red bus"], ["red bus"], ["the"], ["an", "b"]]
    )
    assert found.tolist() == [1, 0, 1, 1]


def test_token_f1_by_hand() -> None:
    found = token_f1(
        ["the big red red bus", "red", "", ""],
        [["a red bus", "big bus car"], ["blue"], ["a"], ["b"]],
    )
    # Of `big red red bus` 2 words are shared with `red bus`: 2 * 2 / (4 + 2); 2 * 2 / (4 + 3).
    assert found == pytest.approx([4 / 6, 0, 1, 0])


def test_references_must_belong_to_the_candidates() -> None:
    for metric in (exact_match, token_f1, vqa_accuracy):
        with pytest.raises(TableError, match="1 candidate and 0 lists of references"):
            metric(["a"], [])
