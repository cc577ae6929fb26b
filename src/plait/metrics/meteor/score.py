"""METEOR 1.5: words of a text that its reference has, alike, by stem, synonym or paraphrase."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plait.metrics.captions import pairs
from plait.metrics.meteor.align import Paraphrases, align, phrases
from plait.metrics.meteor.normalise import normalise
from plait.metrics.meteor.resources import Resources, read_paraphrases, resources

ALPHA, BETA, GAMMA, DELTA = 0.85, 0.2, 0.6, 0.75
CREDIT = np.array([1.0, 0.6, 0.8, 0.6])
"""Of exact matches, stems, synonyms and paraphrases; all of them tuned to rank English texts."""


def meteor_statistics(
    candidates: Sequence[str],
    references: Sequence[Sequence[str]],
    known: Resources | None = None,
) -> np.ndarray:
    """Return (n 21), what METEOR adds up over rows, each with the reference that suits it best.

    Words of candidate and reference, function words of both, then matched words of the candidate
    (content words by stage, function words by stage), the same of the reference, and the runs of
    matches, 0 where all is matched in one.

    The table of paraphrases is read through once a call, some seconds: too slow for a reward.

    Args:
        candidates: (n) texts.
        references: (n) of one or more texts.
        known: METEOR's words; those of METEOR 1.5 unless given.

    Raises:
        TableError: when there is not at least one reference for each candidate.
        MissingExtraError: when the package that has METEOR's words is not installed.
    """
    known = known or resources()
    rows = [
        (
            normalise(" ".join(words), known.prefixes),
            [normalise(" ".join(other), known.prefixes) for other in others],
        )
        for words, others in pairs(candidates, references)
    ]
    there = {
        phrase for words, others in rows for text in (words, *others) for _, phrase in phrases(text)
    }
    table = read_paraphrases(known.paraphrases, there)
    statistics = np.zeros((len(rows), 21))
    for row, (words, others) in enumerate(rows):
        all_of_it = np.stack([_statistics(words, other, known, table) for other in others])
        statistics[row] = all_of_it[meteor(all_of_it).argmax()]
    return statistics


def _statistics(
    words: list[str], other: list[str], known: Resources, table: Paraphrases
) -> np.ndarray:
    matches, runs = align(other, words, known, table)
    function = np.array([word in known.function_words for word in words], dtype=bool)
    other_function = np.array([word in known.function_words for word in other], dtype=bool)
    mine = _counts(function, [(m.stage, m.other_start, m.other_length) for m in matches])
    theirs = _counts(other_function, [(m.stage, m.start, m.length) for m in matches])
    whole = runs == 1 and mine.sum() == len(words) and theirs.sum() == len(other)
    sizes = [len(words), len(other), function.sum(), other_function.sum()]
    return np.concatenate([sizes, mine, theirs, [0 if whole else runs]])


def _counts(function: np.ndarray, matched: list[tuple[int, int, int]]) -> np.ndarray:
    """Return (8) matched words: content words by stage, then function words by stage."""
    counts = np.zeros((2, 4))
    for stage, start, length in matched:
        for is_function in function[start : start + length]:
            counts[int(is_function), stage] += 1
    return counts.reshape(-1)


def meteor(statistics: np.ndarray) -> np.ndarray:
    """Return (...) METEOR in 0..1 of statistics, of rows or of sums over rows.

    P R / (alpha P + (1 - alpha) R) (1 - gamma (runs / matches)^beta), with precision P and recall R
    of words, weighted by how they match and, delta to 1 - delta, as content or function words
    (Denkowski and Lavie, WMT 2014, "Meteor Universal", section 2; parameters of METEOR 1.5 for
    English, as the evaluation of COCO uses them).

    Args:
        statistics: (... 21), as `meteor_statistics` gives them.
    """
    weights = np.concatenate([DELTA * CREDIT, (1 - DELTA) * CREDIT])
    mine, theirs, runs = statistics[..., 4:12], statistics[..., 12:20], statistics[..., 20]
    lengths, function = statistics[..., 0:2], statistics[..., 2:4]
    weighted = DELTA * (lengths - function) + (1 - DELTA) * function
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = mine @ weights / weighted[..., 0]
        recall = theirs @ weights / weighted[..., 1]
        mean = 1 / ((1 - ALPHA) / precision + ALPHA / recall)
        apart = runs / ((mine.sum(axis=-1) + theirs.sum(axis=-1)) / 2)
        scores = mean * (1 - GAMMA * apart**BETA)
    return np.maximum(np.nan_to_num(scores, nan=0.0), 0.0)
