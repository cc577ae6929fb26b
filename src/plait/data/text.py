"""Texts: one clean form, and the scripts that are written in them."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from plait.errors import CellError

LONGEST_TEXT = 100_000
"""Characters of a text that are read; what follows is left."""

UNSPACED = re.compile(
    "["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Burmese
    "\u1780-\u17ff"  # Khmer
    "\u3005-\u3007\u3040-\u30ff\uff66-\uff9f"  # Japanese syllables
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Chinese characters
    "\U00020000-\U0003ffff"
    "]+"
)
"""Runs of scripts that are written without spaces between words."""

_MARKS = "".join(c for c in map(chr, range(0x300, 0x3100)) if unicodedata.category(c)[0] == "M")
_WORD = re.compile(rf"\w[\w{_MARKS}]*")
_CHARACTER = re.compile(rf"[^{_MARKS}][{_MARKS}]*")
"""A letter with its marks: vowels of Thai and Hindi are marks, which `\\w` leaves out."""

SCRIPTS = ("LATIN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "CYRILLIC", "ARABIC", "DEVANAGARI")


def read_text(value: Any) -> str:
    """Return a cell as text in Unicode's composed form, without control characters.

    Raises:
        CellError: when the cell cannot be a text.
    """
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError:
            raise CellError("bytes that are not UTF-8 text") from None
    if isinstance(value, (list, tuple, np.ndarray)):
        value = "\n".join(str(item) for item in value if item is not None)
    if isinstance(value, (np.integer, np.floating, np.bool_)):
        value = value.item()
    if isinstance(value, dict) or not isinstance(value, (str, int, float, bool)):
        raise CellError(f"expected a text, found {type(value).__name__}")
    text = unicodedata.normalize("NFC", str(value)[:LONGEST_TEXT])
    return "".join(map(_without_control, text)).strip()


def _without_control(character: str) -> str:
    if character in "\n\t\r" or unicodedata.category(character)[0] != "C":
        return character
    return " " if character.isspace() else ""


def words(text: str, lower: bool = True) -> list[str]:
    """Return the words of a text; unspaced scripts as single characters and pairs of neighbours.

    Character pairs are what search engines index Chinese, Japanese and Thai by: they need no
    dictionary, and one rule serves every such script (Lucene's CJKAnalyzer).
    """
    found: list[str] = []
    for match in _WORD.finditer(text.lower() if lower else text):
        word = match.group()
        start = 0
        for run in UNSPACED.finditer(word):
            if word[start : run.start()]:
                found.append(word[start : run.start()])
            characters = _CHARACTER.findall(run.group())
            found.extend(characters)
            found.extend(a + b for a, b in pairwise(characters))
            start = run.end()
        if word[start:]:
            found.append(word[start:])
    return found


def script_shares(texts: Iterable[str]) -> dict[str, float]:
    """Return the share of each script among the letters of some texts, largest first."""
    counts: Counter[str] = Counter()
    for text in texts:
        for letter in filter(str.isalpha, text[:500]):
            name = unicodedata.name(letter, "OTHER").split()[0]
            counts[name if name in SCRIPTS else "OTHER"] += 1
    total = max(sum(counts.values()), 1)
    return {name.title(): count / total for name, count in counts.most_common()}
