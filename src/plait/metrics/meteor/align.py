"""METEOR's alignment: which words of a text stand for which words of a reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain

from plait.metrics.meteor.resources import LONGEST_PARAPHRASE, Resources

EXACT, STEM, SYNONYM, PARAPHRASE = range(4)
BEAM = 40
Paraphrases = Mapping[bytes, Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Match:
    """Words of the candidate that can stand for words of the reference.

    Attributes:
        stage: how they were found, EXACT to PARAPHRASE.
        start: first word in the reference.
        length: words in the reference.
        other_start: first word in the candidate.
        other_length: words in the candidate.
    """

    stage: int
    start: int
    length: int
    other_start: int
    other_length: int

    @property
    def bits(self) -> int:
        """The words of the reference as bits."""
        return ((1 << self.length) - 1) << self.start

    @property
    def other_bits(self) -> int:
        """The words of the candidate as bits."""
        return ((1 << self.other_length) - 1) << self.other_start


@dataclass(slots=True)
class Path:
    """A part of an alignment, from the reference's first word on.

    `weight` and `other_weight` are whole numbers in the reference implementation too: half a match
    is rounded down each time, so that what is no exact match counts from two words on.
    """

    matches: dict[int, Match]
    used: int = 0
    other_used: int = 0
    weight: int = 0
    other_weight: int = 0
    chunks: int = 0
    place: int = 0
    end: int = -1
    distance: int = 0

    def copy(self) -> Path:
        """Return a path that can go on by itself."""
        return Path(
            dict(self.matches), self.used, self.other_used, self.weight, self.other_weight,
            self.chunks, self.place, self.end, self.distance,
        )  # fmt: skip

    def take(self, match: Match) -> None:
        """Go on over a match."""
        credit = 1.0 if match.stage == EXACT else 0.5
        self.weight = int(self.weight + match.length * credit)
        self.other_weight = int(self.other_weight + match.other_length * credit)
        if self.end not in (-1, match.other_start):
            self.chunks += 1
        self.place = match.start + match.length
        self.end = match.other_start + match.other_length

    def close(self) -> None:
        """End the run of matches that is open."""
        if self.end != -1:
            self.chunks += 1
            self.end = -1

    @property
    def order(self) -> tuple[int, int, int]:
        """Smaller is better: more words, then fewer runs, then less far apart."""
        return -(self.weight + self.other_weight), self.chunks, self.distance


def align(
    words: Sequence[str], other: Sequence[str], known: Resources, paraphrases: Paraphrases
) -> tuple[list[Match], int]:
    """Return the matches of the best alignment and the number of its runs.

    A run is a row of words that follow one another in both texts. Every word is used once; first
    the matches that nothing overlaps are taken, then a beam search of 40 paths decides about the
    others (Denkowski and Lavie, WMT 2014, section 2; ties as in METEOR 1.5).

    Args:
        words: of the reference.
        other: of the candidate.
        known: METEOR's words.
        paraphrases: of phrases of both texts.
    """
    found: list[list[Match]] = [[] for _ in words]
    for match in _matches(words, other, known, paraphrases):
        found[match.start].append(match)
    best = _search(found, _definite(found))
    matches = [best.matches[place] for place in sorted(best.matches)]
    return matches, _runs(matches)


def _matches(
    words: Sequence[str], other: Sequence[str], known: Resources, paraphrases: Paraphrases
) -> Iterator[Match]:
    """Yield all matches, stage after stage; equal texts have exact ones only."""
    yield from _alike(EXACT, [{word} for word in words], [{word} for word in other])
    if list(words) == list(other):  # nothing can be better, so that the search is spared
        return
    stems, other_stems = [{known.stem(w)} for w in words], [{known.stem(w)} for w in other]
    senses, other_senses = [*map(known.senses, words)], [*map(known.senses, other)]
    for match in chain(_alike(STEM, stems, other_stems), _alike(SYNONYM, senses, other_senses)):
        if words[match.start] != other[match.other_start]:
            yield match
    for i, length, j, other_length in _phrases(words, other, paraphrases):
        yield Match(PARAPHRASE, i, length, j, other_length)
    for j, other_length, i, length in _phrases(other, words, paraphrases):
        yield Match(PARAPHRASE, i, length, j, other_length)


def _alike(stage: int, keys: Sequence[Set[str]], other_keys: Sequence[Set[str]]) -> Iterator[Match]:
    """Yield the pairs of words that share a key, in the order of both texts."""
    places: dict[str, list[int]] = {}
    for place, own in enumerate(other_keys):
        for key in own:
            places.setdefault(key, []).append(place)
    for start, own in enumerate(keys):
        for place in sorted({place for key in own for place in places.get(key, ())}):
            yield Match(stage, start, 1, place, 1)


def _phrases(
    words: Sequence[str], other: Sequence[str], paraphrases: Paraphrases
) -> Iterator[tuple[int, int, int, int]]:
    """Yield where a phrase starts, its words, and the same of its paraphrase in the other text."""
    places: dict[bytes, list[int]] = {}
    for start, phrase in phrases(other):
        places.setdefault(phrase, []).append(start)
    for start, phrase in phrases(words):
        for paraphrase in paraphrases.get(phrase, ()):
            for place in places.get(paraphrase, ()):
                yield start, phrase.count(b" ") + 1, place, paraphrase.count(b" ") + 1


def phrases(words: Sequence[str]) -> Iterator[tuple[int, bytes]]:
    """Yield where each phrase that the table can hold starts, and the phrase."""
    encoded = [word.encode() for word in words]
    for start in range(len(words)):
        for end in range(start + 1, min(start + LONGEST_PARAPHRASE, len(words)) + 1):
            yield start, b" ".join(encoded[start:end])


def _definite(found: list[list[Match]]) -> Path:
    """Return the path of the matches that no other match overlaps."""
    path = Path({})
    once = twice = other_once = other_twice = 0
    for match in (match for matches in found for match in matches):
        twice |= once & match.bits
        once |= match.bits
        other_twice |= other_once & match.other_bits
        other_once |= match.other_bits
    for matches in found:
        for match in matches[:1] if len(matches) == 1 else ():
            if not match.bits & twice and not match.other_bits & other_twice:
                path.matches[match.start] = match
                path.used |= match.bits
                path.other_used |= match.other_bits
    return path


def _search(found: list[list[Match]], start: Path) -> Path:
    """Return the best path that the beam finds."""
    paths = [start]
    for current, matches in enumerate(found):
        paths.sort(key=lambda path: path.order)
        following: list[Path] = []
        for path in paths[:BEAM]:
            if path.used >> current & 1:
                following.extend(_kept(path, current))
            else:
                following.extend(_branches(path, current, matches))
        paths = following or paths[:1]
    paths.sort(key=lambda path: path.order)
    paths = paths[:BEAM]
    for path in paths:
        path.close()
    return min(paths, key=lambda path: path.order)


def _kept(path: Path, current: int) -> Iterator[Path]:
    """Yield the path, past a word that is used, if it can go on there."""
    if current < path.place:
        yield path
    elif path.place in path.matches:
        match = path.matches[path.place]
        path.take(match)
        path.distance += abs(match.start - match.other_start)
        yield path


def _branches(path: Path, current: int, matches: list[Match]) -> Iterator[Path]:
    """Yield the path with each match that starts here, and without one."""
    for match in matches:
        if match.bits & path.used or match.other_bits & path.other_used:
            continue
        branch = path.copy()
        branch.used |= match.bits
        branch.other_used |= match.other_bits
        branch.matches[current] = match
        branch.take(match)
        # The path that goes on without the match bears its distance: so it is in METEOR 1.5.
        path.distance += abs(match.start - match.other_start)
        yield branch
    path.close()
    path.place += 1
    yield path


def _runs(matches: Sequence[Match]) -> int:
    """Return how many rows of matches there are that follow one another in both texts."""
    runs, end = 0, (-1, -1)
    for match in matches:
        runs += end != (match.start, match.other_start)
        end = match.start + match.length, match.other_start + match.other_length
    return runs
