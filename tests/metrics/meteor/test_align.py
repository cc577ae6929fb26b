"""Which words stand for which, by hand."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from made_meteor import made_resources

from plait.metrics.meteor.align import EXACT, PARAPHRASE, STEM, SYNONYM, align, phrases
from plait.metrics.meteor.resources import Resources, read_paraphrases


@pytest.fixture
def known(tmp_path: Path) -> Resources:
    return made_resources(tmp_path)


def aligned(reference: str, candidate: str, known: Resources) -> tuple[list[tuple[int, ...]], int]:
    """Return each match as (stage, start, length, start in the candidate, length), and the runs."""
    words, other = reference.split(), candidate.split()
    there = {phrase for text in (words, other) for _, phrase in phrases(text)}
    matches, runs = align(words, other, known, read_paraphrases(known.paraphrases, there))
    found = [(m.stage, m.start, m.length, m.other_start, m.other_length) for m in matches]
    return found, runs


def test_every_stage(known: Resources) -> None:
    matches, runs = aligned("the hound is sitting in front of it", "the dog sit before it", known)
    assert matches == [
        (EXACT, 0, 1, 0, 1),
        (SYNONYM, 1, 1, 1, 1),
        (PARAPHRASE, 4, 3, 3, 1),
        (EXACT, 7, 1, 4, 1),
    ]
    assert runs == 2


def test_stems(known: Resources) -> None:
    assert aligned("x walking", "x walk", known) == ([(0, 0, 1, 0, 1), (STEM, 1, 1, 1, 1)], 1)


def test_of_two_equal_words_the_nearer_run_is_taken(known: Resources) -> None:
    matches, runs = aligned("a b c a d", "a d", known)
    assert [m[1:4:2] for m in matches] == [(3, 0), (4, 1)]
    assert runs == 1


def test_runs_end_where_either_text_jumps(known: Resources) -> None:
    assert aligned("a b c d", "c d a b", known)[1] == 2
    assert aligned("a b c d", "a b x c d", known)[1] == 2
    assert aligned("a b x c d", "a b c d", known)[1] == 2
    assert aligned("a b c d", "d c b a", known)[1] == 4
    assert aligned("a b", "c d", known) == ([], 0)
    assert aligned("", "", known) == ([], 0)


def best_by_trying_all(reference: list[str], candidate: list[str]) -> tuple[int, int]:
    """Return the words matched and the fewest runs, of all one-to-one alignments of equal words."""
    found = []
    size = max(len(reference), len(candidate))
    padded = [*range(len(candidate)), *[-1] * (size - len(candidate) + len(reference))]
    for order in set(permutations(padded, len(reference))):
        pairs = [(i, j) for i, j in enumerate(order) if j >= 0 and reference[i] == candidate[j]]
        steps = zip([(-2, -2), *pairs[:-1]], pairs, strict=True) if pairs else ()
        runs = sum((i, j) != (before[0] + 1, before[1] + 1) for before, (i, j) in steps)
        found.append((-len(pairs), runs))
    return min(found)


def test_the_beam_finds_the_best_alignment_of_short_texts(known: Resources) -> None:
    draws = np.random.default_rng(0)
    many = 0
    for _ in range(60):
        reference, candidate = (list(draws.choice(list("uvw"), 4)) for _ in range(2))
        matches, runs = aligned(" ".join(reference), " ".join(candidate), known)
        assert (-len(matches), runs) == best_by_trying_all(reference, candidate)
        many += runs > 1
    assert many > 10
