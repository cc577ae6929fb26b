"""Candidates and their references, as words and as counts of n-grams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from plait.errors import TableError, many
from plait.metrics.tokenise import tokenise

Words = tuple[str, ...]


def pairs(
    candidates: Sequence[str], references: Sequence[Sequence[str]]
) -> Iterator[tuple[Words, list[Words]]]:
    """Yield the words of each candidate and of each of its references.

    Args:
        candidates: (n) texts that were written.
        references: (n) of one or more texts that people wrote, in any number.

    Raises:
        TableError: when there is not at least one reference for each candidate.
    """
    checked(candidates, references)
    for candidate, texts in zip(candidates, references, strict=True):
        yield tokenise(candidate), [tokenise(text) for text in texts]


def checked(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    """Refuse references that do not belong to the candidates.

    Raises:
        TableError: when there is not at least one reference for each candidate, or one is no text.
    """
    if len(candidates) != len(references):
        raise TableError(
            f"There are {many(len(candidates), 'candidate')} and {many(len(references), 'list')}"
            " of references: give one list for each candidate."
        )
    for row, (candidate, texts) in enumerate(zip(candidates, references, strict=True)):
        if not isinstance(candidate, str):
            raise TableError(
                f"The candidate of row {row} is {candidate!r}: give a text, '' for none."
            )
        if isinstance(texts, str) or not len(texts) or not all(isinstance(t, str) for t in texts):
            raise TableError(
                f"The references of row {row} are {texts!r}: give a list of at least one text."
            )


def ngrams(words: Words, longest: int = 4) -> Counter[Words]:
    """Return how often each run of 1 to `longest` words occurs."""
    return Counter(
        words[start : start + length]
        for length in range(1, longest + 1)
        for start in range(len(words) - length + 1)
    )
