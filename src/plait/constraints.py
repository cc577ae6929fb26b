"""Constraints on what a decoder may write: a list of answers, a regular expression, a JSON schema.

A decoding loop masks the scores of the next token with `allowed`, and goes on with `advance`.
States are values: `advance` returns another and leaves the one it is given: beams may share them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from plait.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

State = Any
"""Where in the text a constraint stands; opaque to the decoding loop."""


class Constraint(Protocol):
    """Says which token may come next."""

    def start(self) -> State:
        """Return the state before the first token."""
        ...

    def allowed(self, state: State) -> Tensor:
        """Return (v) booleans: the tokens that may follow, and the end where the text may end.

        Once it has ended, only the end may follow, so that shorter rows of a batch are padded.
        """
        ...

    def advance(self, state: State, token: int) -> State:
        """Return the state after a token that is allowed.

        Raises:
            ConfigError: for a token that is not.
        """
        ...


@dataclass(frozen=True)
class Vocabulary:
    """The tokens that a decoder writes.

    Attributes:
        tokenizer: turns texts into tokens, without truncation or padding.
        end: the token that ends a text; one that the tokenizer knows.
        size: v, the scores that the decoder gives; it may be more than the tokenizer knows.
    """

    tokenizer: Tokenizer
    end: int
    size: int

    @classmethod
    def of(
        cls,
        tokenizer: Tokenizer | PreTrainedTokenizerFast,
        end: int | None = None,
        size: int | None = None,
    ) -> Vocabulary:
        """Return the vocabulary of a tokenizer of `tokenizers` or `transformers`.

        Args:
            tokenizer: stays as it is.
            end: the token that ends a text; that of the tokenizer by default, where it has one.
            size: v; what the tokenizer knows by default.

        Raises:
            ConfigError: when no end is known, or the tokenizer does not know it.
        """
        from tokenizers import Tokenizer

        end = getattr(tokenizer, "eos_token_id", None) if end is None else end
        if end is None:
            raise ConfigError("The tokenizer names no token that ends a text; say end=NUMBER.")
        own = Tokenizer.from_str(getattr(tokenizer, "backend_tokenizer", tokenizer).to_str())
        own.no_truncation()
        own.no_padding()
        if own.id_to_token(end) is None:
            raise ConfigError(
                f"Token {end} is not one of the tokenizer's {own.get_vocab_size():,}, so it cannot "
                "end a text; add a special token to the tokenizer first."
            )
        return cls(own, end, own.get_vocab_size() if size is None else size)

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text, as the tokenizer itself writes it."""
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def mask(self, tokens: Sequence[int]) -> Tensor:
        """Return (v) booleans, True at the given tokens."""
        found = torch.zeros(self.size, dtype=torch.bool)
        found[list(tokens)] = True
        return found

    @cached_property
    def grammatical(self) -> LLTokenizer:
        """The tokens by their bytes, as llguidance reads them.

        It asks for the tokens of pieces of text, so nothing may change a piece: without this a
        lower-casing tokenizer, or one that puts a space before a text, would be told to write
        tokens that its own grammar forbids.

        Raises:
            ConfigError: when its tokens are no bytes.
            MissingExtraError: when llguidance is not there.
        """
        guidance = _llguidance()
        facts = json.loads(self.tokenizer.to_str())
        facts["normalizer"] = _harmless(facts["normalizer"])
        facts["pre_tokenizer"] = _without_space(facts["pre_tokenizer"])
        try:
            return guidance.LLTokenizer(json.dumps(facts), n_vocab=self.size, eos_token=self.end)
        except ValueError as error:
            raise ConfigError(
                f"Texts of this tokenizer can be spelled by no constraint ({error}); it must be of "
                "bytes, as those of GPT-2, Llama and plait's own subwords are."
            ) from error

    @cached_property
    def begins_with_space(self) -> bool:
        """Whether the tokenizer puts a space before a text, so that one is to be written first."""
        first = self.encode("a")[:1]
        return bool(self.grammatical.decode_bytes(first).startswith(b" "))


def _llguidance() -> Any:
    try:
        import llguidance
    except ImportError as error:
        raise MissingExtraError(
            "Writing by a regular expression or a JSON schema needs llguidance: "
            "pip install 'plait[constrain]'"
        ) from error
    return llguidance


def _harmless(normalizer: Any) -> Any:
    """Return a normaliser with nothing but replacements in it: SentencePiece's sign for a space."""
    if normalizer is None:
        return None
    parts = normalizer.get("normalizers", [normalizer])
    return {"type": "Sequence", "normalizers": [p for p in parts if p["type"] == "Replace"]}


def _without_space(pre_tokenizer: Any) -> Any:
    """Return a pre-tokenizer that puts no space before a text."""
    if pre_tokenizer is None:
        return None
    found = dict(pre_tokenizer)
    if "pretokenizers" in found:
        found["pretokenizers"] = [_without_space(part) for part in found["pretokenizers"]]
    if "add_prefix_space" in found:
        found["add_prefix_space"] = False
    if "prepend_scheme" in found:
        found["prepend_scheme"] = "never"
    return found


class OneOf:
    """A list of answers, each in the one way that the tokenizer writes it: a trie of tokens.

    States are nodes of the trie, and `~node` once the text has ended there.

    Args:
        vocabulary: of the decoder.
        answers: that are allowed.

    Raises:
        ConfigError: for no answers, an empty one, or two that are written by the same tokens.
    """

    def __init__(self, vocabulary: Vocabulary, answers: Sequence[str]) -> None:
        if not answers:
            raise ConfigError("There are no answers to choose from; name at least one.")
        self.vocabulary = vocabulary
        self._children: list[dict[int, int]] = [{}]
        self._answers: dict[int, str] = {}
        for answer in answers:
            tokens = vocabulary.encode(answer)
            if not tokens:
                raise ConfigError(f"The answer {answer!r} has no tokens; leave it out.")
            other = self._answers.setdefault(self._node(tokens), answer)
            if other != answer:
                raise ConfigError(
                    f"The answers {other!r} and {answer!r} are written by the same tokens; leave "
                    "one of them out."
                )

    def _node(self, tokens: Sequence[int]) -> int:
        node = 0
        for token in tokens:
            if token not in self._children[node]:
                self._children[node][token] = len(self._children)
                self._children.append({})
            node = self._children[node][token]
        return node

    def start(self) -> int:
        """Return the root of the trie."""
        return 0

    def allowed(self, state: int) -> Tensor:
        """Return (v), True at the tokens of the node's children, and at the end of an answer."""
        end = [self.vocabulary.end] if state < 0 or state in self._answers else []
        return self.vocabulary.mask(end + ([] if state < 0 else list(self._children[state])))

    def advance(self, state: int, token: int) -> int:
        """Return the child of a node; `~node` when the answer ends there.

        Raises:
            ConfigError: for a token that is not allowed.
        """
        if state >= 0 and token in self._children[state]:
            return self._children[state][token]
        if token == self.vocabulary.end and (state < 0 or state in self._answers):
            return min(state, ~state)
        raise _forbidden(self.vocabulary, token)

    def answer(self, state: int) -> str | None:
        """Return the answer that the tokens so far are, as it was given; None within one."""
        return self._answers.get(max(state, ~state))


class Grammar:
    """A regular expression or a JSON schema, in any tokens that spell a text which matches.

    The parser is llguidance's: a state is one of its matchers, which is copied to go on.

    Args:
        vocabulary: of the decoder.
        lark: the grammar in llguidance's dialect of Lark, from its rule `start` on.
        what: it is, for messages.

    Raises:
        ConfigError: when the grammar cannot be followed.
        MissingExtraError: when llguidance is not there.
    """

    def __init__(self, vocabulary: Vocabulary, lark: str, what: str) -> None:
        self.vocabulary = vocabulary
        matcher, tokenizer = _llguidance().LLMatcher, vocabulary.grammatical
        before = '" " ' if vocabulary.begins_with_space else ""
        grammar = matcher.grammar_from_lark(f"start: {before}text\n{lark}")
        if error := matcher.validate_grammar(grammar, tokenizer):
            # What follows shows the grammar's own lines.
            reason = " ".join(re.split(r"\n\s*1 \| start", error)[0].split())
            raise ConfigError(f"The {what} cannot be followed: {reason}")
        self._start = matcher(tokenizer, grammar, log_level=0)

    def start(self) -> LLMatcher:
        """Return a matcher that has read nothing."""
        return self._start

    def allowed(self, state: LLMatcher) -> Tensor:
        """Return (v), True at the tokens after which the text can still come to match.

        Raises:
            ConfigError: when there is none: the vocabulary cannot spell what must follow.
        """
        packed = torch.frombuffer(bytearray(state.compute_bitmask()), dtype=torch.uint8)
        bits = (packed[:, None] >> torch.arange(8)) & 1
        found = bits.flatten()[: self.vocabulary.size].bool()
        found[self.vocabulary.end] &= state.is_accepting()  # it also ends what is stuck
        if not found.any():
            reason = state.get_error().split("\n")[0] or state.stop_reason()
            raise ConfigError(
                f"No token of the vocabulary goes on towards a text that is allowed ({reason}); "
                "allow others, or take a tokenizer that knows every byte."
            )
        return found

    def advance(self, state: LLMatcher, token: int) -> LLMatcher:
        """Return a copy of the matcher that has read the token.

        Raises:
            ConfigError: for a token that is not allowed.
        """
        found = state.deep_copy()
        if not found.consume_token(token):
            raise _forbidden(self.vocabulary, token)
        return found


def _forbidden(vocabulary: Vocabulary, token: int) -> ConfigError:
    return ConfigError(
        f"Token {token} ({vocabulary.tokenizer.id_to_token(token)!r}) may not come here; mask the "
        "scores with allowed(state) first."
    )


def matching(vocabulary: Vocabulary, expression: str) -> Grammar:
    """Return the constraint that the whole text matches a regular expression.

    Args:
        vocabulary: of the decoder.
        expression: in Rust's syntax: Python's without look-around and references back.

    Raises:
        ConfigError: when it cannot be read.
        MissingExtraError: when llguidance is not there.
    """
    # A slash would end it, unless a backslash stands before it.
    escaped = re.sub(r"(\\.)|/", lambda found: found[1] or r"\/", expression)
    lark = "text: /" + escaped.replace("\n", r"\n") + "/"
    return Grammar(vocabulary, lark, f"regular expression {expression!r}")


def following(vocabulary: Vocabulary, schema: Mapping[str, Any]) -> Grammar:
    """Return the constraint that the whole text is JSON which a schema allows.

    It is written as `json.dumps` does, with one space after a colon or a comma: a model that could
    write any space might write nothing else. Properties come in the order of the schema.

    Args:
        vocabulary: of the decoder.
        schema: of JSON Schema, draft 2020-12; a keyword that cannot be followed is refused.

    Raises:
        ConfigError: when the schema cannot be followed.
        MissingExtraError: when llguidance is not there.
    """
    spaces = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
    guided = json.dumps({**schema, "x-guidance": spaces})
    return Grammar(vocabulary, f"text: %json {guided}", "JSON schema")
