"""Words and their tokens: subwords merged, punctuation, repeats, scripts without spaces."""

from __future__ import annotations

from plait.encoders.pretrained.fewer import fewer_spans
from plait.encoders.subwords import Subwords
from plait.encoders.trained import TrainedConfig
from plait.explain.words import words_of


def test_subwords_are_merged_by_hand() -> None:
    text = 'A "fire truck", and fire!'
    spans = [(0, 0), (0, 1), (2, 3), (3, 5), (5, 7), (7, 13), (13, 15), (15, 19), (20, 24), (24, 25)]  # fmt: skip # noqa: E501
    assert words_of(text, spans) == {
        "A": [1], "fire": [3, 4], "truck": [5], "and": [7], "fire (2)": [8]
    }  # fmt: skip


def test_words_without_tokens_are_left_out() -> None:
    assert words_of("one two three", [(0, 3), (3, 6)]) == {"one": [0], "two": [1]}
    assert words_of("?!", [(0, 1), (1, 2)]) == {}


def test_unspaced_scripts_fall_into_their_tokens() -> None:
    # The second and the third token are bytes of one character.
    assert words_of("红苹果 car", [(0, 1), (1, 2), (1, 2), (2, 3), (4, 7)]) == {
        "红": [0], "苹": [1, 2], "果": [3], "car": [4]
    }  # fmt: skip


def test_learned_subwords_know_their_characters() -> None:
    stem = Subwords(TrainedConfig(width=8, vocabulary=300))
    stem.fit(["red apple and truck", "red apples"] * 4)
    text = "Red apple, Zug"
    spans = stem.spans(text)
    assert len(spans) == stem([text]).tokens.shape[1]
    words = words_of(text, spans)
    assert list(words) == ["Red", "apple", "Zug"]
    assert len(words["Zug"]) == 3  # never seen: a byte each
    assert stem.spans("") == [(0, 0)]


def test_spans_of_tokens_that_were_averaged() -> None:
    spans = [(0, 0), (0, 2), (2, 5), (6, 7), (7, 9), (0, 0)]
    assert fewer_spans(spans, 6) == spans
    assert fewer_spans(spans, 3) == [(0, 2), (2, 7), (7, 9)]
    assert fewer_spans([(0, 0)] * 4, 2) == [(0, 0)] * 2
