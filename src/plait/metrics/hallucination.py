"""CHAIR: objects that a caption names and that are not in the picture."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from plait.errors import ConfigError, TableError, many, unknown
from plait.metrics.captions import Words
from plait.metrics.tokenise import tokenise


def chair_statistics(
    captions: Sequence[str],
    present: Sequence[Collection[str]],
    names: Mapping[str, Collection[str]],
) -> np.ndarray:
    """Return (n 4), what CHAIR adds up over rows.

    Mentions of objects that are not there, all mentions, 1 where a caption has one of the former,
    and 1.

    Args:
        captions: (n) texts.
        present: (n) of the objects in each picture, as named by the keys of `names`.
        names: of each object, other names for it; several words are allowed, and the longest name
            is read, so that a hot dog is no dog. Regular plurals are found by themselves.

    Raises:
        TableError: when there are not as many lists of objects as captions.
        ConfigError: when an object of a picture has no names or a name stands for two objects.
    """
    if len(captions) != len(present):
        raise TableError(
            f"There are {many(len(captions), 'caption')} and {many(len(present), 'list')} of "
            "objects: give one list for each caption."
        )
    objects = _objects(names)
    for unlisted in sorted(set().union(*present) - set(names)):
        raise ConfigError(unknown("Object", unlisted, names) + " Add it to the names.")
    rows = np.zeros((len(captions), 4))
    for row, (caption, there) in enumerate(zip(captions, present, strict=True)):
        said = list(mentions(tokenise(caption), objects))
        false = sum(name not in there for name in said)
        rows[row] = false, len(said), false > 0, 1
    return rows


def chair(statistics: np.ndarray) -> np.ndarray:
    """Return (... 2) CHAIR_i and CHAIR_s in 0..1 of statistics, of rows or of sums over rows.

    CHAIR_i is the share of mentions that are false, CHAIR_s the share of captions that have one
    (Rohrbach et al., EMNLP 2018, "Object hallucination in image captioning", section 2.1). Without
    any mention CHAIR_i is 0.

    Args:
        statistics: (... 4), as `chair_statistics` gives them.
    """
    return statistics[..., [0, 2]] / np.maximum(statistics[..., [1, 3]], 1)


def mentions(words: Words, objects: Mapping[Words, str]) -> Iterator[str]:
    """Yield the objects that are named, each as often as it is, longer names before shorter ones.

    Args:
        words: of a caption.
        objects: by the words of their names.
    """
    longest = max(map(len, objects), default=0)
    place = 0
    while place < len(words):
        for length in range(longest, 0, -1):
            name = objects.get(words[place : place + length])
            if name is not None:
                yield name
                place += length - 1
                break
        place += 1


def _objects(names: Mapping[str, Collection[str]]) -> dict[Words, str]:
    objects: dict[Words, str] = {}
    for label, others in names.items():
        for name in (label, *others):
            for words in _plurals(tokenise(name)):
                if objects.setdefault(words, label) != label:
                    raise ConfigError(
                        f"The name {' '.join(words)!r} stands for {objects[words]!r} and for "
                        f"{label!r}: give it to one of them."
                    )
    return objects


def _plurals(words: Words) -> Iterator[Words]:
    """Yield a name and its regular English plural."""
    *before, last = words
    yield words
    if last.endswith(("s", "x", "z", "ch", "sh")):
        yield (*before, f"{last}es")
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        yield (*before, f"{last[:-1]}ies")
    else:
        yield (*before, f"{last}s")
