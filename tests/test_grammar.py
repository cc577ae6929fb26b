"""Texts of random walks match the expression, or follow the schema, whatever the tokenizer."""

from __future__ import annotations

import json
import re
import sys

import pytest
from made_vocabularies import (
    MAKERS,
    check_that_states_can_be_shared,
    gpt_like,
    own,
    walk,
    written,
)
from tokenizers import Tokenizer, decoders, models

from plait.constraints import OneOf, Tokens
from plait.errors import ConfigError, MissingExtraError
from plait.grammar import following, matching


@pytest.fixture(scope="module", params=list(MAKERS))
def vocabulary(request: pytest.FixtureRequest) -> Tokens:
    return MAKERS[request.param]()


EXPRESSIONS = [
    r"[0-9]{2,3} (cats|dogs)",
    r"^(no|nothing)$",
    r"BAD? [A-Z]{3}",  # forced letters that a lower-casing tokenizer would change
    "b",
    r"a/b\/c|x",
    "x\ny",
    "é猫?",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_texts_match_the_expression(vocabulary: Tokens, expression: str) -> None:
    found = written(matching(vocabulary, expression), vocabulary)
    assert all(re.fullmatch(expression, text) for text in found), found
    assert len(found) > 1 or expression in ("b", "x\ny")


def test_a_text_without_choice_is_written_as_the_tokenizer_writes_it(
    vocabulary: Tokens,
) -> None:
    text = "a red cat on a mat"
    assert walk(matching(vocabulary, text), vocabulary, seed=0) == vocabulary.encode(text)


SCHEMA = {
    "type": "object",
    "properties": {
        "colour": {"enum": ["red", "Blue"]},
        "count": {"type": "integer", "minimum": 2, "maximum": 14},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 4}, "maxItems": 2},
        "where": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/point"}]},
    },
    "required": ["colour", "count"],
    "additionalProperties": False,
    "$defs": {
        "point": {
            "type": "object",
            "properties": {"x": {"type": "boolean"}},
            "required": ["x"],
            "additionalProperties": False,
        }
    },
}


def test_texts_follow_the_schema(vocabulary: Tokens) -> None:
    import jsonschema

    found = written(following(vocabulary, SCHEMA), vocabulary)
    assert len(found) > 5
    for text in found:
        jsonschema.validate(json.loads(text), SCHEMA)
        assert json.dumps(json.loads(text), ensure_ascii=False) == text or "\\" in text


def test_states_can_be_shared(vocabulary: Tokens) -> None:
    check_that_states_can_be_shared(matching(vocabulary, "(red|blue) cat"))


def test_control_tokens_are_never_text() -> None:
    vocabulary = gpt_like()
    allowed = matching(vocabulary, r"(?s).*").allowed(matching(vocabulary, r"(?s).*").start())
    control = vocabulary.tokenizer.token_to_id("<|im_start|>")
    assert not allowed[control]
    assert allowed[vocabulary.end]
    assert not allowed[vocabulary.tokenizer.get_vocab_size() :].any()


def test_tokens_that_are_not_allowed_are_refused(vocabulary: Tokens) -> None:
    constraint = matching(vocabulary, "no")
    with pytest.raises(ConfigError, match=r"Token \d+ \('.*'\) may not come here; mask"):
        constraint.advance(constraint.start(), vocabulary.end)


def test_what_cannot_be_followed() -> None:
    vocabulary = own()
    with pytest.raises(ConfigError, match=r"expression '\(' cannot be followed.*unclosed group"):
        matching(vocabulary, "(")
    with pytest.raises(ConfigError, match="look-around.*not supported"):
        matching(vocabulary, "(?=a)b")
    with pytest.raises(ConfigError, match="JSON schema cannot be followed.*Invalid type: objec$"):
        following(vocabulary, {"type": "objec"})
    with pytest.raises(ConfigError, match="Unimplemented keys.*uniqueItems"):
        following(vocabulary, {"type": "array", "uniqueItems": True})


def test_a_vocabulary_that_cannot_spell_it() -> None:
    tokenizer = Tokenizer(models.BPE(vocab={"a": 0, "!": 1}, merges=[]))
    vocabulary = Tokens.of(tokenizer, end=1)
    with pytest.raises(ConfigError, match="can be spelled by no constraint.*decoder type"):
        matching(vocabulary, "a")
    tokenizer.decoder = decoders.ByteLevel()
    vocabulary = Tokens.of(tokenizer, end=1)
    constraint = matching(vocabulary, "a?é")
    with pytest.raises(ConfigError, match="No token of the vocabulary goes on.*every byte"):
        walk(constraint, vocabulary, seed=0)


def test_without_llguidance(monkeypatch: pytest.MonkeyPatch) -> None:
    vocabulary = own()
    monkeypatch.setitem(sys.modules, "llguidance", None)
    assert written(OneOf(vocabulary, ["yes"]), vocabulary, seeds=1) == {"yes"}
    with pytest.raises(MissingExtraError, match=r"pip install 'plait\[constrain\]'"):
        matching(vocabulary, "a")
