"""Constraints by a grammar: texts that match a regular expression, or that a JSON schema allows."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from plait.constraints import Tokens, forbidden
from plait.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer


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

    def __init__(self, vocabulary: Tokens, lark: str, what: str) -> None:
        self.vocabulary = vocabulary
        matcher, tokenizer = _llguidance().LLMatcher, _tokens(vocabulary)
        before = '" " ' if _begins_with_space(vocabulary) else ""
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
            raise forbidden(self.vocabulary, token)
        return found


def matching(vocabulary: Tokens, expression: str) -> Grammar:
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


def following(vocabulary: Tokens, schema: Mapping[str, Any]) -> Grammar:
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


@lru_cache(maxsize=8)
def _tokens(vocabulary: Tokens) -> LLTokenizer:
    """Return the tokens by their bytes, as llguidance reads them.

    It asks for the tokens of pieces of text, so nothing may change a piece: without this a
    lower-casing tokenizer, or one that puts a space before a text, would be told to write tokens
    that its own grammar forbids.

    Raises:
        ConfigError: when its tokens are no bytes.
        MissingExtraError: when llguidance is not there.
    """
    guidance, facts = _llguidance(), json.loads(vocabulary.tokenizer.to_str())
    facts["normalizer"] = _harmless(facts["normalizer"])
    facts["pre_tokenizer"] = _without_space(facts["pre_tokenizer"])
    try:
        return guidance.LLTokenizer(
            json.dumps(facts), n_vocab=vocabulary.size, eos_token=vocabulary.end
        )
    except ValueError as error:
        raise ConfigError(
            f"Texts of this tokenizer can be spelled by no constraint ({error}); it must be of "
            "bytes, as those of GPT-2, Llama and plait's own subwords are."
        ) from error


def _begins_with_space(vocabulary: Tokens) -> bool:
    """Return whether the tokenizer puts a space before a text, so that one is written first."""
    first = vocabulary.encode("a")[:1]
    return bool(_tokens(vocabulary).decode_bytes(first).startswith(b" "))


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
