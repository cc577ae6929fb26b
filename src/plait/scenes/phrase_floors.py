"""How much of a mask is found without looking, or without the phrase."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from plait.scenes.things import COLOURS, GROUPS

LEVELS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 2.0)
"""Shares of the training masks from which a pixel is in the mean mask; the last gives none."""

_NAMES = "|".join(sorted((name for names in GROUPS.values() for name in names), key=len)[::-1])
_WORDS = re.compile(rf"\b(?:(?P<name>{_NAMES})(?:e?s)?|(?P<colour>{'|'.join(COLOURS)}))\b")


@dataclass(frozen=True)
class PhraseFloor:
    """The mean IoU (gIoU) on test rows of those who see less than all.

    Attributes:
        kind: of the phrases; `any` for all of them.
        combination: `seen` or `new`.
        rows: how many phrases.
        empty: of a mask of nothing.
        phrase: of the mask that is best in training for the same way of saying it, whatever it
            names: it knows where things lie that are left of others.
        picture: the most that one mask for all phrases of a picture can reach, were they known.
    """

    kind: str
    combination: str
    rows: int
    empty: float
    phrase: float
    picture: float


def phrase_floors(folder: Path) -> list[PhraseFloor]:
    """Return the floors by kind, of combinations seen in training and of new ones.

    Args:
        folder: as `write_phrases` made it.
    """
    with (folder / "phrases.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    def masks(numbers: Sequence[int]) -> list[np.ndarray]:
        return [np.asarray(Image.open(folder / rows[number]["mask"])) for number in numbers]

    ways = [_WORDS.sub("_", row["phrase"]) for row in rows]
    train, test = ([n for n, r in enumerate(rows) if r["split"] == s] for s in ("train", "test"))
    # Those of one way or picture are held at a time: all of them would fill the memory.
    blind = {way: _best_mean(masks(own)) for way, own in _grouped(train, ways).items()}
    scores = {}
    for own in _grouped(test, [row["picture"] for row in rows]).values():
        truth = masks(own)
        best, nothing = _best_for(truth), np.zeros_like(truth[0])
        for number, mask in zip(own, truth, strict=True):
            guess = blind.get(ways[number], nothing)
            scores[number] = _iou(mask, nothing), _iou(mask, guess), _iou(mask, best)
    parts = {
        **_grouped(test, [f"{row['combination']} any" for row in rows]),
        **_grouped(test, [f"{row['combination']} {row['kind']}" for row in rows]),
    }
    found = []
    for part, own in sorted(parts.items()):
        combination, kind = part.split()
        means = np.mean([scores[n] for n in own], axis=0).tolist()
        found.append(PhraseFloor(kind, combination, len(own), *means))
    return found


def _grouped(numbers: Sequence[int], names: Sequence[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for number in numbers:
        found[names[number]].append(number)
    return found


def _best_mean(masks: Sequence[np.ndarray]) -> np.ndarray:
    """Return the pixels that are on in so many of the masks that it fits them best."""
    mean = np.mean(masks, axis=0)
    return max(
        (mean >= level for level in LEVELS),
        key=lambda one: float(np.mean([_iou(mask, one) for mask in masks])),
    )


def _best_for(masks: Sequence[np.ndarray]) -> np.ndarray:
    """Return the union of some of the masks' parts that fits all of them best.

    Parts are what the same masks have in common: whole things.
    """
    stacked = np.stack([mask.ravel() for mask in masks])
    kinds, place = np.unique(stacked, axis=1, return_inverse=True)
    place = place.reshape(-1)
    sizes = np.bincount(place, minlength=kinds.shape[1])
    (parts,) = np.nonzero(kinds.any(axis=0))
    chosen = (np.arange(2 ** len(parts))[:, None] >> np.arange(len(parts))) & 1
    both = chosen * sizes[parts] @ kinds[:, parts].T
    either = (chosen @ sizes[parts])[:, None] + stacked.sum(axis=1) - both
    scores = np.where(either > 0, both / np.maximum(either, 1), 1.0).mean(axis=1)
    best = np.isin(place, parts[chosen[scores.argmax()] > 0])
    return best.reshape(masks[0].shape)


def _iou(truth: np.ndarray, said: np.ndarray) -> float:
    either = (truth | said).sum()
    return float((truth & said).sum() / either) if either else 1.0
