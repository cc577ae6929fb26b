"""Constraints on what a decoder may write; here, a list of answers (others: `plait.grammar`).

A decoding loop masks the scores of the next token with `allowed`, and goes on with `advance`.
States are values: `advance` returns another and leaves the one it is given: beams may share them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from plait.errors import ConfigError

if TYPE_CHECKING:
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


@dataclass(frozen=True, eq=False)
class Tokens:
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
    ) -> Tokens:
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


class OneOf:
    """A list of answers, each in the one way that the tokenizer writes it: a trie of tokens.

    States are nodes of the trie, and `~node` once the text has ended there.

    Args:
        vocabulary: of the decoder.
        answers: that are allowed.

    Raises:
        ConfigError: for no answers, an empty one, or two that are written by the same tokens.
    """

    def __init__(self, vocabulary: Tokens, answers: Sequence[str]) -> None:
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
        raise forbidden(self.vocabulary, token)

    def answer(self, state: int) -> str | None:
        """Return the answer that the tokens so far are, as it was given; None within one."""
        return self._answers.get(max(state, ~state))


def forbidden(vocabulary: Tokens, token: int) -> ConfigError:
    """Return the error for a token that a constraint does not allow."""
    return ConfigError(
        f"Token {token} ({vocabulary.tokenizer.id_to_token(token)!r}) may not come here; mask the "
        "scores with allowed(state) first."
    )
