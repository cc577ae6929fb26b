"""Vocabularies of three kinds, and random walks through what a constraint allows."""

from __future__ import annotations

import json
import random

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from plait.constraints import Constraint, Tokens
from plait.encoders.config import TrainedConfig
from plait.encoders.subwords import Subwords

TEXTS = [
    "a red cat on a mat",
    "no way, not one cat is here",
    "Yes, there are 12 cats and 3 dogs",
    '{"colour": "red", "count": 3}',
    "nothing is to be seen, maybe a dog",
] * 3


def own() -> Tokens:
    """Our own subwords: lower case, with a space before a text."""
    stem = Subwords(TrainedConfig(vocabulary=400, longest=8))
    stem.fit(TEXTS)
    tokenizer = Tokenizer.from_str(stem.get_extra_state()["tokenizer"])
    tokenizer.add_special_tokens(["[end]"])
    tokenizer.enable_truncation(3)  # which must not cut answers
    return Tokens.of(tokenizer, end=tokenizer.token_to_id("[end]"))


def gpt_like() -> Tokens:
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
    return Tokens.of(fast, size=tokenizer.get_vocab_size() + 7)


def llama_like() -> Tokens:
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
    return Tokens.of(Tokenizer.from_str(json.dumps(facts)), end=1)


MAKERS = {"own": own, "gpt": gpt_like, "llama": llama_like}


def walk(constraint: Constraint, vocabulary: Tokens, seed: int, most: int = 400) -> list[int]:
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


def written(constraint: Constraint, vocabulary: Tokens, seeds: int = 30) -> set[str]:
    """Return the texts of random walks, without the space that the tokenizer puts first."""
    texts = (vocabulary.tokenizer.decode(walk(constraint, vocabulary, s)) for s in range(seeds))
    return {text.removeprefix(" ") for text in texts}


def check_that_states_can_be_shared(constraint: Constraint) -> None:
    """Go to a choice, take every way twice, and see that nothing has changed."""
    state, first = constraint.start(), constraint.allowed(constraint.start())
    for _ in range(4):
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
