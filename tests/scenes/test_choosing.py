"""Questions are chosen in pairs of different answers, rare ones first."""

from __future__ import annotations

import numpy as np

from plait.scenes.choosing import Used, two_each
from plait.scenes.questions import Question

FOUND = {
    "count": [Question("count", {"plural": f"{n}s"}, str(n % 4)) for n in range(12)],
    "group": [Question("group", {"name": "dog"}, "yes"), Question("group", {"name": "cat"}, "yes")],
    "colour": [
        Question("colour", {"name": name}, answer, (name, answer))
        for name, answer in (("dog", "red"), ("cat", "blue"), ("owl", "green"))
    ],
}


def test_two_different_answers_or_none() -> None:
    asked = two_each(FOUND, set(), False, Used(), np.random.default_rng(0))
    assert [kind for kind, _ in asked] == ["count", "count", "colour", "colour"]
    assert asked[0][1].answer != asked[1][1].answer
    assert asked[2][1].answer != asked[3][1].answer


def test_rare_answers_come_first() -> None:
    used = Used({("count", "0"): 5, ("count", "1"): 1, ("count", "2"): 5, ("count", "3"): 0})
    for seed in range(10):
        (_, first), (_, second), *_ = two_each(
            FOUND, set(), False, used, np.random.default_rng(seed)
        )
        assert [first.answer, second.answer] == ["3", "1"]


def test_held_out_combinations_are_kept_apart() -> None:
    held = {("dog", "red"), ("cat", "blue")}
    for seed in range(10):
        random = np.random.default_rng(seed)
        new = two_each(FOUND, held, True, Used(), random)
        assert {question.needs for _, question in new} == held
        seen = two_each(FOUND, held, False, Used(), random)
        assert {kind for kind, _ in seen} == {"count"}  # one colour alone is left


def test_pairs_share_as_many_words_as_they_can() -> None:
    found = [
        Question("relation", dict(zip(("other", "direction", "name"), words, strict=True)), answer)
        for *words, answer in (
            ("cat", "above", "dog", "yes"),
            ("cat", "below", "dog", "no"),
            ("cat", "above", "owl", "no"),
            ("owl", "left of", "dog", "no"),
            ("owl", "left of", "pig", "no"),
        )
    ]
    used, pairs = Used({("relation", "no"): 1}), set()
    for seed in range(20):
        asked = two_each({"relation": found}, set(), False, used, np.random.default_rng(seed))
        pairs.add(tuple(tuple(question.words.values()) for _, question in asked))
    assert pairs == {
        (("cat", "above", "dog"), ("cat", "below", "dog")),
        (("cat", "above", "dog"), ("cat", "above", "owl")),
    }
