"""How METEOR splits a text once more: dashes, dots, commas and apostrophes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

LETTERS = "A-Za-zŠŽšžŸÀ-ÖØ-öø-žЀ-ӿԀ-ԧꙀ-ꙮꙿ-ꚗᴀ-ᵿ"
LETTER = f"[{LETTERS}]"
NO_LETTER = f"[^{LETTERS}]"

# In this order; where matches touch, the later one waits for the next step, as in the reference.
STEPS = tuple(
    (re.compile(pattern), written)
    for pattern, written in (
        (rf"([^0-9{LETTERS}\s.'`,‘’-])", r" \1 "),
        (r"(\.{2,})", r" \1 "),
        (r"([^0-9]),([^0-9])", r"\1 , \2"),
        (r"([0-9]),([^0-9])", r"\1 , \2"),
        (r"([^0-9]),([0-9])", r"\1 , \2"),
        (r"[`‘’]", "'"),
        (r"[“”]|''", ' " '),
        ("–", "-"),
        ("--", "-"),
        (rf"([0-9{LETTERS}.])-([0-9{LETTERS}])", r"\1 \2"),
        (rf"({NO_LETTER})'({NO_LETTER})", r"\1 ' \2"),
        (rf"([^0-9{LETTERS}])'({LETTER})", r"\1 ' \2"),
        (rf"({LETTER})'({NO_LETTER})", r"\1 ' \2"),
        (rf"({LETTER})'({LETTER})", r"\1 '\2"),
        (r"([0-9])'(s)", r"\1 '\2"),
    )
)


def normalise(text: str, prefixes: Mapping[str, bool]) -> list[str]:
    """Return the words that METEOR compares, in lower case.

    Source: the normaliser of METEOR 1.5 for English, which follows Moses' tokeniser
    (Denkowski and Lavie, WMT 2014, section 2).

    Args:
        text: one text.
        prefixes: words that keep their full stop; True for those that do so before a number only.
    """
    line = f" {text} "
    for pattern, written in STEPS:
        line = pattern.sub(written, line)
    words = line.split()
    split = (_stop(word, after, prefixes) for word, after in pairwise([*words, ""]))
    return " ".join(split).lower().split()


def _stop(word: str, following: str, prefixes: Mapping[str, bool]) -> str:
    """Return a word with its full stop kept, split off, or dropped as in `U.S.`."""
    before = word[:-1]
    if not before.strip(".") or not word.endswith("."):
        return word
    if "." in before and re.search(LETTER, before):
        return word.replace(".", "")
    only_before_numbers = prefixes.get(before)
    if only_before_numbers is False or re.match("[a-z]", following):
        return word
    if only_before_numbers and re.match("[0-9]", following):
        return word
    return f"{before} ."
