"""The words of a text, and which of its tokens each of them is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from plait.data.text import UNSPACED

Span = tuple[int, int]
"""The first character, and one past the last."""

_INNER = r"[^\s.,;:!?\"'()\[\]{}«»„“”‘’…，。！？、；：（）《》「」]"
WORD = re.compile(rf"{_INNER}(?:\S*{_INNER})?")
"""What stands between spaces, without punctuation at its ends."""


def words_of(text: str, spans: Sequence[Span]) -> dict[str, list[int]]:
    """Return the numbers of the tokens of each word, by the word; one that recurs is numbered.

    Words stand between spaces; in scripts without spaces each token is one. Words whose tokens were
    cut off are left out.

    Args:
        text: of which the tokens are pieces.
        spans: of each token; empty ones are of no word.
    """
    found: dict[str, list[int]] = {}
    for start, end in _words(text, spans):
        tokens = [n for n, span in enumerate(spans) if _common(span, (start, end))]
        word, count = text[start:end], 1
        while word in found:
            count += 1
            word = f"{text[start:end]} ({count})"
        if tokens:
            found[word] = tokens
    return found


def _words(text: str, spans: Sequence[Span]) -> Iterator[Span]:
    for match in WORD.finditer(text):
        if not UNSPACED.search(match.group()):
            yield match.span()
            continue
        # Several tokens may be bytes of one character.
        pieces = {_common(span, match.span()): None for span in spans}
        yield from (piece for piece in pieces if piece)


def _common(one: Span, other: Span) -> Span | None:
    start, end = max(one[0], other[0]), min(one[1], other[1])
    return (start, end) if start < end else None
