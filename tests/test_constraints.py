"""Answers of a list: random walks through what is allowed give these and no others."""

from __future__ import annotations

import pytest
from made_vocabularies import MAKERS, check_that_states_can_be_shared, own, walk, written
from tokenizers import Tokenizer, models

from plait.constraints import OneOf, Tokens
from plait.errors import ConfigError


@pytest.fixture(scope="module", params=list(MAKERS))
def vocabulary(request: pytest.FixtureRequest) -> Tokens:
    return MAKERS[request.param]()


def test_every_answer_and_no_other_is_written(vocabulary: Tokens) -> None:
    answers = ["no", "no way", "nothing", "a red cat", "12 cats and 3 dogs, maybe", "猫"]
    constraint = OneOf(vocabulary, answers)
    assert written(constraint, vocabulary, seeds=80) == set(answers)


def test_answers_are_written_as_the_tokenizer_writes_them(vocabulary: Tokens) -> None:
    answers = ["nothing is to be seen", "no"]
    constraint = OneOf(vocabulary, answers)
    for seed in range(10):
        tokens = walk(constraint, vocabulary, seed)
        state = constraint.start()
        for token in tokens:
            state = constraint.advance(state, token)
        found = constraint.answer(state)
        assert found in answers
        assert tokens == vocabulary.encode(found)
        assert constraint.answer(constraint.advance(state, vocabulary.end)) == found
    assert constraint.answer(constraint.start()) is None


def test_an_answer_that_lower_case_hides_is_given_back_as_it_was() -> None:
    vocabulary = own()
    constraint = OneOf(vocabulary, ["Yes"])
    state = constraint.start()
    for token in vocabulary.encode("yes"):
        state = constraint.advance(state, token)
    assert constraint.answer(state) == "Yes"


def test_states_can_be_shared(vocabulary: Tokens) -> None:
    check_that_states_can_be_shared(OneOf(vocabulary, ["red cat", "blue cat"]))


def test_tokens_that_are_not_allowed_are_refused(vocabulary: Tokens) -> None:
    constraint = OneOf(vocabulary, ["no"])
    with pytest.raises(ConfigError, match=r"Token \d+ \('.*'\) may not come here; mask"):
        constraint.advance(constraint.start(), vocabulary.end)


def test_answers_that_cannot_be() -> None:
    vocabulary = own()
    with pytest.raises(ConfigError, match="no answers to choose from"):
        OneOf(vocabulary, [])
    with pytest.raises(ConfigError, match="'' has no tokens"):
        OneOf(vocabulary, ["yes", ""])
    with pytest.raises(ConfigError, match="'Yes' and 'yes' are written by the same tokens"):
        OneOf(vocabulary, ["Yes", "yes"])


def test_a_vocabulary_needs_an_end() -> None:
    tokenizer = Tokenizer(models.BPE(vocab={"a": 0, "b": 1}, merges=[]))
    with pytest.raises(ConfigError, match="no token that ends a text"):
        Tokens.of(tokenizer)
    with pytest.raises(ConfigError, match="Token 9 is not one of the tokenizer's 2"):
        Tokens.of(tokenizer, end=9)
