"""A table of composed pictures, phrases, and masks of what the phrases mean."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from plait.scenes.compose import Scene, compose, place_boxes, plain_ground
from plait.scenes.drawn import SIZES, names_in_groups
from plait.scenes.files import new_folder, write_csv
from plait.scenes.held import Combination, drawn_value, held_out, part_of
from plait.scenes.phrase_floors import PhraseFloor, phrase_floors
from plait.scenes.phrases import KINDS, Phrase, two_of_each
from plait.scenes.pictures import thing_rows
from plait.scenes.questions import Known, names_of
from plait.scenes.things import COLOURS, load_things
from plait.scenes.views import DIRECTIONS
from plait.scenes.wording import worded

NEEDED = {"seen": set(KINDS), "new": {"colour", "place", "plural", "nothing"}}
"""The kinds that every picture allows phrases of, with combinations seen and new."""

TRIES = 500
"""Scenes that are drawn at most for one that allows what is needed."""


def draw_crowd(
    known: Known,
    held: Collection[Combination],
    new: bool,
    side: int,
    random: np.random.Generator,
) -> Scene:
    """Return seven things on a plain ground: three of one name, two of another, and two more.

    The three have two colours; the two have two, of which one is among these. So a name means
    several, and a colour too.

    Args:
        known: the things by name and colour.
        held: combinations that are drawn where new ones are wanted, and never elsewhere.
        new: whether they are wanted.
        side: of the picture, in pixels.
        random: what is drawn from.
    """

    def colour(name: str) -> str:
        return drawn_value(name, list(COLOURS), held, new, random)

    three, two, *single = names_in_groups(known, (1, 1, 1, 1), random)
    first, second = _different(three, colour)
    other, another = _different(two, colour)
    while not {other, another} & {first, second}:
        other, another = _different(two, colour)
    wanted = [
        *((three, own) for own in (first, second, second)),
        *((two, own) for own in (other, another)),
        *((name, colour(name)) for name in single),
    ]
    sizes = (round(SIZES[0] * side), round(SIZES[1] * side))
    boxes = place_boxes(len(wanted), side, sizes, random)
    return compose(plain_ground(side, random), [known[one] for one in wanted], boxes)


def _different(name: str, colour: Callable[[str], str]) -> tuple[str, str]:
    """Return two colours of a name."""
    one, other = colour(name), colour(name)
    while one == other:
        other = colour(name)
    return one, other


def phrase_scene(
    known: Known,
    held: Collection[Combination],
    combination: str,
    side: int,
    random: np.random.Generator,
) -> tuple[Scene, list[tuple[str, Phrase]]]:
    """Return the first scene that allows the kinds that are needed, and its phrases by kind."""
    new = combination == "new"
    for _ in range(TRIES):
        scene = draw_crowd(known, held, new, side, random)
        phrases = two_of_each(scene, known, held, new, random)
        if {kind for kind, _ in phrases} >= NEEDED[combination]:
            break
    return scene, phrases


def write_phrases(
    folder: str | Path,
    count: int,
    seed: int = 0,
    size: int = 128,
    vendor: Literal["google", "twitter"] = "google",
) -> list[PhraseFloor]:
    """Write scenes, phrases, and masks of what these mean; return what is found without either.

    The folder gets `phrases.csv` (picture, phrase, mask, split, combination, kind), pictures as PNG
    and masks as PNG of one bit, and `things.csv`: what is in each picture, and where. A phrase of
    the kind `nothing` matches nothing: its mask is empty.

    Args:
        folder: that is made.
        count: of pictures, at least 10; each has about nine phrases, or four of new
            combinations.
        seed: what is drawn from; the same gives the same files.
        size: of the pictures, in pixels, even, at least 48.
        vendor: who has drawn the things.

    Raises:
        ConfigError: when the folder is there already, the vendor is not known, there are too few
            pictures to split, or the size is too small or odd.
    """
    known = load_things(vendor)
    held = held_out(names_of(known), (COLOURS, DIRECTIONS), seed)
    rows: list[dict[str, str]] = []
    things: list[dict[str, str | int]] = []
    with new_folder(folder, size) as made:
        for kind in ("pictures", "masks"):
            (made / kind).mkdir()
        for number in range(count):
            split, combination = part_of(number, count)
            random = np.random.default_rng((seed, number))
            scene, phrases = phrase_scene(known, held, combination, size, random)
            picture = f"pictures/{number:05d}.png"
            Image.fromarray(scene.picture).save(made / picture)
            things += [{"picture": picture, **thing} for thing in thing_rows(scene)]
            for place, (kind, phrase) in enumerate(phrases):
                mask = f"masks/{number:05d}_{place}.png"
                Image.fromarray(mask_of(scene, phrase)).save(made / mask)
                said = worded(phrase.form, phrase.words, random)
                rows.append(
                    {
                        "picture": picture, "phrase": said, "mask": mask,
                        "split": split, "combination": combination, "kind": kind,
                    }
                )  # fmt: skip
        write_csv(made / "phrases.csv", rows)
        write_csv(made / "things.csv", things)
        return phrase_floors(made)


def mask_of(scene: Scene, phrase: Phrase) -> np.ndarray:
    """Return (h w) bool: what is to be seen of the things that a phrase means."""
    return np.asarray(scene.masks[list(phrase.things)].any(axis=0))
