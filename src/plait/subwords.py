"""Subwords: learned on texts, and from texts to numbers and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BEGIN, END = "[begin]", "[end]"


def learn_subwords(
    texts: Iterable[str], size: int, special: Sequence[str], lowercase: bool
) -> Tokenizer:
    """Return byte-pair encoding learned on texts (Sennrich et al., ACL 2016, section 3.2).

    Bytes (Radford et al., 2019) can spell any script, so there is no unknown word.

    Args:
        texts: to learn from.
        size: most subwords; the 256 bytes and the special ones are always there.
        special: names of tokens that are no text; they get the first numbers.
        lowercase: take texts in NFKC and lower case, and not in NFC as they are.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    folded = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.normalizer = folded if lowercase else normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=2,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


class Vocabulary:
    """Subwords of one's own, or those of a language model.

    Names of special tokens in a text are text: nobody ends an answer by writing "[end]" into a
    question.

    Args:
        definition: JSON of the `tokenizers` library.
        end: the token that ends a text.
    """

    def __init__(self, definition: str, end: str = END) -> None:
        self.definition = definition
        self.end_name = end

    @classmethod
    def learn(cls, texts: Iterable[str], size: int) -> Vocabulary:
        """Return subwords learned on texts as they are, capitals included; `size` at most."""
        tokenizer = learn_subwords(texts, size, [BEGIN, END], lowercase=False)
        return cls(tokenizer.to_str())

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """What takes texts apart."""
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_str(self.definition)
        tokenizer.encode_special_tokens = True
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    def __len__(self) -> int:
        return self.tokenizer.get_vocab_size()

    @property
    def begin(self) -> int:
        """The token that stands before every text; subwords of one's own have it."""
        return self._number(BEGIN)

    @property
    def end(self) -> int:
        """The token that ends a text."""
        return self._number(self.end_name)

    def _number(self, name: str) -> int:
        number = self.tokenizer.token_to_id(name)
        assert number is not None
        return number

    def encode(self, texts: Sequence[str], longest: int) -> list[list[int]]:
        """Return the tokens of texts with the end after each; long ones are cut, without an end."""
        encoded = self.tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [[*own.ids, self.end][:longest] for own in encoded]

    def control(self, text: str) -> list[int]:
        """Return the tokens of a text of the program's own, in which special ones have effect."""
        self.tokenizer.encode_special_tokens = False
        try:
            return list(self.tokenizer.encode(text, add_special_tokens=False).ids)
        finally:
            self.tokenizer.encode_special_tokens = True

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens."""
        return self.tokenizer.decode(list(tokens), skip_special_tokens=True).strip()

    def pieces(self, tokens: Sequence[int]) -> list[str]:
        """Return what each token adds to the text; a letter of several tokens is its last one's."""
        whole, found = "", []
        for count in range(1, len(tokens) + 1):
            now = self.tokenizer.decode(list(tokens[:count]), skip_special_tokens=True)
            now = now.rstrip("\ufffd")  # half a letter
            found.append(now[len(whole) :])
            whole = now
        return found
