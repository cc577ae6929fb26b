"""Whatever is written under a constraint obeys it: random walks through what is allowed."""

from __future__ import annotations

import json
import random
import re
import sys

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from plait.constraints import Constraint, OneOf, Vocabulary
from plait.encoders.config import TrainedConfig
from plait.encoders.subwords import Subwords
from plait.errors import ConfigError, MissingExtraError
from plait.grammar import following, matching

TEXTS = [
    "a red cat on a mat",
    "no way, not one cat is here",
    "Yes, there are 12 cats and 3 dogs",
    '{"colour": "red", "count": 3}',
    "nothing is to be seen, maybe a dog",
] * 3


def own() -> Vocabulary:
    """Our own subwords: lower case, with a space before a text."""
    stem = Subwords(TrainedConfig(vocabulary=400, longest=8))
    stem.fit(TEXTS)
    tokenizer = Tokenizer.from_str(stem.get_extra_state()["tokenizer"])
    tokenizer.add_special_tokens(["[end]"])
    tokenizer.enable_truncation(3)  # which must not cut answers
    return Vocabulary.of(tokenizer, end=tokenizer.token_to_id("[end]"))


def gpt_like() -> Vocabulary:
    """Bytes as GPT-2 and SmolLM have them, in transformers' wrapper, with scores for no token."""
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=["<|endoftext|>", "<|im_start|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>")
    return Vocabulary.of(fast, size=tokenizer.get_vocab_size() + 7)


def llama_like() -> Vocabulary:
    """SentencePiece's way, with a sign for a space and bytes for what is not known."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    special = ["<unk>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    facts = json.loads(tokenizer.to_str())  # bytes are in the vocabulary, and no control tokens
    facts["added_tokens"] = facts["added_tokens"][:2]
    return Vocabulary.of(Tokenizer.from_str(json.dumps(facts)), end=1)


MAKERS = {"own": own, "gpt": gpt_like, "llama": llama_like}


@pytest.fixture(scope="module", params=list(MAKERS))
def vocabulary(request: pytest.FixtureRequest) -> Vocabulary:
    return MAKERS[request.param]()


def walk(constraint: Constraint, vocabulary: Vocabulary, seed: int, most: int = 400) -> list[int]:
    """Return tokens drawn at random from what is allowed, until the text ends."""
    state, tokens = constraint.start(), []
    draw = random.Random(seed)
    for _ in range(most):
        allowed = constraint.allowed(state)
        assert allowed.shape == (vocabulary.size,)
        token = draw.choice(allowed.nonzero().flatten().tolist())
        state = constraint.advance(state, token)
        if token == vocabulary.end:
            assert constraint.allowed(state).nonzero().flatten().tolist() == [token]
            assert constraint.advance(state, token) is not None
            return tokens
        tokens.append(token)
    raise AssertionError(f"no end after {most} tokens")


def written(constraint: Constraint, vocabulary: Vocabulary, seeds: int = 30) -> set[str]:
    """Return the texts of random walks, without the space that the tokenizer puts first."""
    texts = (vocabulary.tokenizer.decode(walk(constraint, vocabulary, s)) for s in range(seeds))
    return {text.removeprefix(" ") for text in texts}


def test_every_answer_and_no_other_is_written(vocabulary: Vocabulary) -> None:
    answers = ["no", "no way", "nothing", "a red cat", "12 cats and 3 dogs, maybe", "猫"]
    constraint = OneOf(vocabulary, answers)
    assert written(constraint, vocabulary, seeds=80) == set(answers)


def test_answers_are_written_as_the_tokenizer_writes_them(vocabulary: Vocabulary) -> None:
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
def test_texts_match_the_expression(vocabulary: Vocabulary, expression: str) -> None:
    found = written(matching(vocabulary, expression), vocabulary)
    assert all(re.fullmatch(expression, text) for text in found), found
    assert len(found) > 1 or expression in ("b", "x\ny")


def test_a_text_without_choice_is_written_as_the_tokenizer_writes_it(
    vocabulary: Vocabulary,
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


def test_texts_follow_the_schema(vocabulary: Vocabulary) -> None:
    import jsonschema

    found = written(following(vocabulary, SCHEMA), vocabulary)
    assert len(found) > 5
    for text in found:
        jsonschema.validate(json.loads(text), SCHEMA)
        assert json.dumps(json.loads(text), ensure_ascii=False) == text or "\\" in text


def test_states_can_be_shared(vocabulary: Vocabulary) -> None:
    makers = [matching(vocabulary, "(red|blue) cat"), OneOf(vocabulary, ["red cat", "blue cat"])]
    for constraint in makers:
        state, first = constraint.start(), constraint.allowed(constraint.start())
        for _ in range(4):  # down to a choice
            choices = constraint.allowed(state).nonzero().flatten().tolist()
            if len(choices) > 1:
                break
            state = constraint.advance(state, choices[0])
        assert len(choices) > 1
        before = constraint.allowed(state)
        after = [constraint.advance(state, token) for token in choices]
        assert constraint.allowed(state).equal(before)
        assert constraint.allowed(constraint.start()).equal(first)
        again = [constraint.advance(state, token) for token in choices]
        for one, other in zip(after, again, strict=True):
            assert constraint.allowed(one).equal(constraint.allowed(other))


def test_control_tokens_are_never_text() -> None:
    vocabulary = gpt_like()
    allowed = matching(vocabulary, r"(?s).*").allowed(matching(vocabulary, r"(?s).*").start())
    control = vocabulary.tokenizer.token_to_id("<|im_start|>")
    assert not allowed[control]
    assert allowed[vocabulary.end]
    assert not allowed[vocabulary.tokenizer.get_vocab_size() :].any()


def test_tokens_that_are_not_allowed_are_refused(vocabulary: Vocabulary) -> None:
    for constraint in (OneOf(vocabulary, ["no"]), matching(vocabulary, "no")):
        with pytest.raises(ConfigError, match=r"Token \d+ \('.*'\) may not come here; mask"):
            constraint.advance(constraint.start(), vocabulary.end)


def test_what_cannot_be_a_constraint() -> None:
    vocabulary = own()
    with pytest.raises(ConfigError, match="no answers to choose from"):
        OneOf(vocabulary, [])
    with pytest.raises(ConfigError, match="'' has no tokens"):
        OneOf(vocabulary, ["yes", ""])
    with pytest.raises(ConfigError, match="'Yes' and 'yes' are written by the same tokens"):
        OneOf(vocabulary, ["Yes", "yes"])
    with pytest.raises(ConfigError, match=r"expression '\(' cannot be followed.*unclosed group"):
        matching(vocabulary, "(")
    with pytest.raises(ConfigError, match="look-around.*not supported"):
        matching(vocabulary, "(?=a)b")
    with pytest.raises(ConfigError, match="JSON schema cannot be followed.*Invalid type: objec$"):
        following(vocabulary, {"type": "objec"})
    with pytest.raises(ConfigError, match="Unimplemented keys.*uniqueItems"):
        following(vocabulary, {"type": "array", "uniqueItems": True})


def test_a_vocabulary_needs_an_end() -> None:
    tokenizer = Tokenizer(models.BPE(vocab={"a": 0, "b": 1}, merges=[]))
    with pytest.raises(ConfigError, match="no token that ends a text"):
        Vocabulary.of(tokenizer)
    with pytest.raises(ConfigError, match="Token 9 is not one of the tokenizer's 2"):
        Vocabulary.of(tokenizer, end=9)


def test_a_vocabulary_that_cannot_spell_it() -> None:
    tokenizer = Tokenizer(models.BPE(vocab={"a": 0, "!": 1}, merges=[]))
    vocabulary = Vocabulary.of(tokenizer, end=1)
    with pytest.raises(ConfigError, match="can be spelled by no constraint.*decoder type"):
        matching(vocabulary, "a")
    tokenizer.decoder = decoders.ByteLevel()
    vocabulary = Vocabulary.of(tokenizer, end=1)
    constraint = matching(vocabulary, "a?é")
    with pytest.raises(ConfigError, match="No token of the vocabulary goes on.*every byte"):
        walk(constraint, vocabulary, seed=0)


def test_without_llguidance(monkeypatch: pytest.MonkeyPatch) -> None:
    vocabulary = own()
    monkeypatch.setitem(sys.modules, "llguidance", None)
    assert written(OneOf(vocabulary, ["yes"]), vocabulary, seeds=1) == {"yes"}
    with pytest.raises(MissingExtraError, match=r"pip install 'plait\[constrain\]'"):
        matching(vocabulary, "a")
