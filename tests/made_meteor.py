"""A few words for METEOR, in files like its own."""

from __future__ import annotations

import gzip
from pathlib import Path

from plait.metrics.meteor.resources import Resources, read_resources

FILES = {
    "function/english.words": "the\na\nis\n",
    "nonbreaking/english.prefixes": "# comment\n\nDr\nNo #NUMERIC_ONLY#\n",
    "synonym/english.exceptions": "run\nran runs\nrat\nran\n",
    "synonym/english.synsets": "dog\n11 12\nhound\n12\nrun\n7\nsprint\n7 8\nrat\n9\nbox\n5\n",
}
PARAPHRASES = """0.5
quickly
at speed
0.1
in front of
before
0.1
before
in front of
"""


def made_resources(folder: Path) -> Resources:
    """Return METEOR's data, small enough to be looked through."""
    path = folder / "paraphrase.gz"
    path.write_bytes(gzip.compress(PARAPHRASES.encode()))
    return read_resources(
        lambda name: FILES[name].split("\n"), path, lambda word: word.removesuffix("ing")
    )
