"""The words that METEOR knows: function words, synonyms, stems and paraphrases."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from plait.errors import MissingExtraError

SUFFIXES = """
s- ses-s xes-x zes-z ches-ch shes-sh men-man ies-y s- ies-y es-e es- ed-e ed- ing-e ing- er- est-
er-e est-e
"""
"""How WordNet's morphology finds a base form: an ending and what stands in its place."""

LONGEST_PARAPHRASE = 7
"""Words of the longest phrase of the table."""


@dataclass(frozen=True)
class Resources:
    """What METEOR 1.5 looks up, for English.

    Attributes:
        function_words: words that count for less.
        prefixes: words that keep their full stop; True for those that do so before a number only.
        synsets: of a word, the numbers of its sets of synonyms in WordNet 3.
        bases: of an irregular form, its base forms.
        paraphrases: a gzip file of three lines an entry: a probability and two phrases.
        stem: the stem of a word.
    """

    function_words: frozenset[str]
    prefixes: Mapping[str, bool]
    synsets: Mapping[str, str]
    bases: Mapping[str, list[str]]
    paraphrases: Path
    stem: Callable[[str], str]
    _senses: dict[str, frozenset[str]] = field(default_factory=dict, repr=False, compare=False)

    def senses(self, word: str) -> frozenset[str]:
        """Return the sets of synonyms that a word or one of its base forms belongs to."""
        if word not in self._senses:
            forms = [word, *(self.bases.get(word) or [self._base(word)])]
            self._senses[word] = frozenset(
                number for form in forms for number in self.synsets.get(form, "").split()
            )
        return self._senses[word]

    def _base(self, word: str) -> str:
        if word.endswith("ss") or len(word) <= 2:
            return word
        for ending, instead in (pair.split("-") for pair in SUFFIXES.split()):
            base = word.removesuffix(ending) + instead
            if word.endswith(ending) and base in self.synsets:
                return base
        return ""


@cache
def resources() -> Resources:
    """Return METEOR's own data, read from the package `pycocoevalcap`, which carries it.

    Raises:
        MissingExtraError: when that package or the stemmer is not installed.
    """
    found = find_spec("pycocoevalcap")
    if found is None or find_spec("snowballstemmer") is None:
        missing = "pycocoevalcap" if found is None else "snowballstemmer"
        raise MissingExtraError(
            f"METEOR needs its synonyms, paraphrases and stems: {missing} is not installed. "
            "pip install 'plait[metrics]'; it needs no Java."
        )
    from snowballstemmer import stemmer

    folder = Path(next(iter(found.submodule_search_locations or []))) / "meteor"
    with zipfile.ZipFile(folder / "meteor-1.5.jar") as jar:
        return read_resources(
            lambda name: jar.read(name).decode().split("\n"),
            folder / "data" / "paraphrase-en.gz",
            cache(stemmer("english").stemWord),
        )


def read_resources(
    lines: Callable[[str], list[str]], paraphrases: Path, stem: Callable[[str], str]
) -> Resources:
    """Return the data in the files of METEOR.

    Args:
        lines: gives the lines of a file of METEOR by its name.
        paraphrases: the table of paraphrases.
        stem: the stem of a word.
    """
    prefixes = [line.split() for line in lines("nonbreaking/english.prefixes") if line.strip()]
    bases: dict[str, list[str]] = {}
    for base, forms in _twos(lines("synonym/english.exceptions")):
        for form in forms.split():
            bases.setdefault(form, []).append(base)
    return Resources(
        frozenset(lines("function/english.words")),
        {word: bool(rest) for word, *rest in prefixes if not word.startswith("#")},
        dict(_twos(lines("synonym/english.synsets"))),
        bases,
        paraphrases,
        stem,
    )


def _twos(lines: list[str]) -> Iterable[tuple[str, str]]:
    return zip(lines[::2], lines[1::2], strict=False)


def read_paraphrases(path: Path, phrases: Collection[bytes]) -> dict[bytes, list[bytes]]:
    """Return the paraphrases of phrases that are themselves among the phrases, in the file's order.

    The table has millions of entries, so that only those are kept which these texts can use.

    Args:
        path: the table.
        phrases: words with one space between them.
    """
    kept: dict[bytes, list[bytes]] = {}
    rest = b""
    with gzip.open(path) as file:
        # Splitting megabytes at once is three times as quick as reading lines.
        while chunk := file.read(1 << 22):
            lines = (rest + chunk).split(b"\n")
            whole = (len(lines) - 1) // 3 * 3
            for phrase, paraphrase in zip(lines[1:whole:3], lines[2:whole:3], strict=True):
                if phrase in phrases and paraphrase in phrases:
                    kept.setdefault(phrase, []).append(paraphrase)
            rest = b"\n".join(lines[whole:])
    return kept
