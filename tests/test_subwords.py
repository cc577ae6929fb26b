"""Subwords: every script there and back, ends, names of special tokens that are text."""

from __future__ import annotations

import pytest

from plait.subwords import BEGIN, END, Vocabulary, learn_subwords

TEXTS = ["A small Blue thing", "two dogs, one cat", "生气的脸", "naïve café"] * 4


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.learn(TEXTS, 400)


@pytest.mark.parametrize(
    "text", [*TEXTS[:4], "Grüße, ünseen ẞ", "猫は好き?", "tab\tand  spaces", ""]
)
def test_texts_come_back_as_they_were(vocabulary: Vocabulary, text: str) -> None:
    (tokens,) = vocabulary.encode([text], 200)
    assert tokens[-1] == vocabulary.end
    assert vocabulary.decode(tokens[:-1]) == text.strip()


def test_long_texts_are_cut_and_have_no_end(vocabulary: Vocabulary) -> None:
    (tokens,) = vocabulary.encode(["dogs " * 50], 7)
    assert len(tokens) == 7
    assert vocabulary.end not in tokens


def test_names_of_special_tokens_are_text(vocabulary: Vocabulary) -> None:
    (tokens,) = vocabulary.encode([f"say {END} and {BEGIN}"], 100)
    assert tokens.count(vocabulary.end) == 1
    assert vocabulary.begin not in tokens
    assert vocabulary.decode(tokens[:-1]) == f"say {END} and {BEGIN}"
    assert vocabulary.control(END)[-1] == vocabulary.end
    # and they are text again after that
    assert vocabulary.encode([END], 100)[0][:-1] != [vocabulary.end]


def test_pieces_add_up_to_the_text(vocabulary: Vocabulary) -> None:
    text = "two 生气 dogs café"
    (tokens,) = vocabulary.encode([text], 100)
    pieces = vocabulary.pieces(tokens[:-1])
    assert "".join(pieces).strip() == text
    assert "\ufffd" not in "".join(pieces)


def test_capitals_are_kept_by_those_who_write_alone() -> None:
    folded = learn_subwords(TEXTS, 400, [], lowercase=True)
    assert folded.decode(folded.encode("Blue Ｗide").ids).strip() == "blue wide"


def test_a_definition_is_all_that_is_needed(vocabulary: Vocabulary) -> None:
    again = Vocabulary(vocabulary.definition)
    assert again.encode(TEXTS, 50) == vocabulary.encode(TEXTS, 50)
    assert len(again) == len(vocabulary) <= 400
