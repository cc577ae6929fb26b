"""Scores of short answers: exact match, token F1 and the accuracy of visual question answering."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from plait.metrics.captions import checked

NUMBERS = {
    "none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
    "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10",
}  # fmt: skip
CONTRACTIONS = """
ain't aren't can't could've couldn't didn't doesn't don't hadn't hasn't haven't he'd he's how'd
how'll how's I'm I've isn't it'd it'll ma'am mightn't might've mustn't must've needn't not've
o'clock oughtn't shan't should've shouldn't somebody'll somebody's someone'd someone'll someone's
something'd something'll that's there'd there're there's they'd they'll they're they've 'twas
wasn't we've weren't what'll what're what's what've when's where'd where's where've who'd who'll
who's who've why'll why're why's won't would've wouldn't y'all you'd you'll you're you've
"""
TWICE = """
couldn't've hadn't've he'd've I'd've it'd've mightn't've she'd've shouldn't've somebody'd've
someone'd've something'd've there'd've they'd've we'd've who'd've wouldn't've y'all'll you'd've
"""
WITH_APOSTROPHES = {
    **{word.replace("'", ""): word for word in CONTRACTIONS.split()},
    **{word.replace("'", "", 1): word for word in TWICE.split()},
    **{"".join(word.rsplit("'", 1)): word for word in TWICE.split()},
    **dict.fromkeys(("ow's'at", "'ows'at", "'ow'sat"), "'ow's'at"),
    **dict.fromkeys(("yall'd've", "y'alld've", "y'all'dve"), "y'all'd've"),
    "somebody'd": "somebodyd",
}
"""How a word without one of its apostrophes is written; the list of the official evaluation."""


def exact_match(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """Return (n), 1 where the candidate is one of the references, but for case, articles and marks.

    Source: the evaluation of SQuAD (Rajpurkar et al., EMNLP 2016, section 6.1).

    Args:
        candidates: (n) answers.
        references: (n) of one or more answers that are right.

    Raises:
        TableError: when there is not at least one reference for each candidate.
    """
    return _best(lambda mine, right: float(mine == right), candidates, references)


def token_f1(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """Return (n), the harmonic mean of the precision and recall of words, with the best reference.

    2 s / (c + r) with s words shared, c in the candidate and r in the reference; 1 where both have
    no word. Source: the evaluation of SQuAD 2.0 (Rajpurkar et al., EMNLP 2016, section 6.1).

    Args:
        candidates: (n) answers.
        references: (n) of one or more answers that are right.

    Raises:
        TableError: when there is not at least one reference for each candidate.
    """
    return _best(_f1, candidates, references)


def vqa_accuracy(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """Return (n), in the mean over sets that leave one person out, min(1, those who agree / 3).

    Source: the official evaluation (Antol et al., ICCV 2015, section 3). As there, punctuation is
    taken out of the people's answers only where they differ, and their number words and articles
    stay, while the candidate's are replaced.

    Args:
        candidates: (n) answers.
        references: (n) of the answers of all persons asked, usually 10.

    Raises:
        TableError: when there is not at least one reference for each candidate.
    """
    checked(candidates, references)
    scores = np.zeros(len(candidates))
    for row, (candidate, answers) in enumerate(zip(candidates, references, strict=True)):
        if len(set(answers)) > 1:
            answers = [without_marks(answer) for answer in answers]
        agree = list(answers).count(normalise_answer(candidate))
        left_out = agree * min(1, (agree - 1) / 3) + (len(answers) - agree) * min(1, agree / 3)
        scores[row] = left_out / len(answers)
    return scores


def normalise_answer(text: str) -> str:
    """Return an answer as the official evaluation of visual question answering compares it.

    Without punctuation and articles, in lower case, number words to ten as digits and contractions
    with their apostrophes (visualqa.org, evaluation).

    Args:
        text: one answer.
    """
    words = without_marks(re.sub(r"[\n\t]", " ", text).strip()).lower().split()
    numbers = [NUMBERS.get(word, word) for word in words]
    return " ".join(
        WITH_APOSTROPHES.get(word, word) for word in numbers if word not in ("a", "an", "the")
    )


def without_marks(text: str) -> str:
    """Return a text whose marks are taken out where a space is beside them, else become one.

    In a text with a comma between digits all are taken out; full stops go unless a digit follows.

    Args:
        text: one answer.
    """
    written = text
    comma = re.search(r"\d,\d", text)
    for mark in ';/[]"{}()=+\\_-><@`,?!':
        beside = comma or f"{mark} " in text or f" {mark}" in text
        written = written.replace(mark, "" if beside else " ")
    # The official code gives a flag where the number of replacements belongs: 32.
    return re.sub(r"\.(?!\d)", "", written, count=32)


def _best(
    score: Callable[[list[str], list[str]], float],
    candidates: Sequence[str],
    references: Sequence[Sequence[str]],
) -> np.ndarray:
    checked(candidates, references)
    return np.array([
        max(score(_words(candidate), _words(answer)) for answer in answers)
        for candidate, answers in zip(candidates, references, strict=True)
    ])  # fmt: skip


def _words(text: str) -> list[str]:
    """Return the words that SQuAD compares."""
    kept = "".join(sign for sign in text.lower() if sign not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


def _f1(mine: list[str], right: list[str]) -> float:
    if not mine or not right:
        return float(mine == right)
    shared = (Counter(mine) & Counter(right)).total()
    return 2 * shared / (len(mine) + len(right))
