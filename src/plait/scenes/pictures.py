"""A table of composed pictures, questions and answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from plait.scenes.choosing import Asked, Asking, Used, two_each
from plait.scenes.compose import Scene
from plait.scenes.drawn import draw_scene
from plait.scenes.files import new_folder, question_rows, write_csv
from plait.scenes.floors import Floor, floors
from plait.scenes.held import Combination, held_out, part_of
from plait.scenes.questions import TYPES, Known, names_of
from plait.scenes.things import COLOURS, load_things
from plait.scenes.views import DIRECTIONS

NEEDED = {"seen": set(TYPES), "new": {"exists", "count", "colour", "relation"}}
"""The types of which every picture allows questions, with combinations seen and new."""

TRIES = 200
"""Scenes that are drawn at most for one that allows what is needed."""


def ask_scenes(known: Known, count: int, seed: int, side: int) -> Iterator[Asking[Scene]]:
    """Yield so many scenes, each with two questions of nearly every type.

    Args:
        known: the things by name and colour.
        count: of scenes.
        seed: what is drawn from.
        side: of the pictures, in pixels.
    """
    held = held_out(names_of(known), (COLOURS, DIRECTIONS), seed)
    used = {("train", "seen"): Used(), ("test", "seen"): Used(), ("test", "new"): Used()}
    for number in range(count):
        part = part_of(number, count)
        scene, asked = _asked(known, held, part[1], side, used[part], (seed, number))
        used[part].update((question.form, question.answer) for _, question in asked)
        yield Asking(scene, asked, *part)


def _asked(
    known: Known,
    held: frozenset[Combination],
    combination: str,
    side: int,
    used: Used,
    seed: tuple[int, int],
) -> tuple[Scene, Asked]:
    """Return the first scene that allows the types that are needed, and its questions."""
    random, new = np.random.default_rng(seed), combination == "new"
    for _ in range(TRIES):
        scene = draw_scene(known, held, new, side, random)
        found = {kind: find(scene, known) for kind, find in TYPES.items()}
        asked = two_each(found, held, new, used, random)
        if {kind for kind, _ in asked} >= NEEDED[combination]:
            break
    return scene, asked


def write_scenes(
    folder: str | Path,
    count: int,
    seed: int = 0,
    size: int = 128,
    vendor: Literal["google", "twitter"] = "google",
) -> list[Floor]:
    """Write scenes and questions about them; return what is answered without picture or question.

    The folder gets `scenes.csv` (picture, question, answer, type, split, combination), pictures and
    masks as PNG, and `things.csv`: what is in each picture, where, and its value in the mask.

    Args:
        folder: that is made.
        count: of pictures, at least 10; each has about twelve questions.
        seed: what is drawn from; the same gives the same files.
        size: of the pictures, in pixels, even, at least 48.
        vendor: who has drawn the things.

    Raises:
        ConfigError: when the folder is there already, the vendor is not known, there are too few
            pictures to split, or the size is too small or odd.
    """
    rows: list[dict[str, str]] = []
    things: list[dict[str, str | int]] = []
    with new_folder(folder, size) as made:
        for kind in ("pictures", "masks"):
            (made / kind).mkdir()
        for number, one in enumerate(ask_scenes(load_things(vendor), count, seed, size)):
            file = {"picture": f"pictures/{number:05d}.png"}
            mask = {"mask": f"masks/{number:05d}.png"}
            Image.fromarray(one.medium.picture).save(made / file["picture"])
            Image.fromarray(numbered(one.medium)).save(made / mask["mask"])
            random = np.random.default_rng((seed, number, 1))
            rows += question_rows(file, one, random)
            things += [{**file, **mask, **thing} for thing in thing_rows(one.medium)]
        write_csv(made / "scenes.csv", rows)
        write_csv(made / "things.csv", things)
    return floors(rows, "picture")


def numbered(scene: Scene) -> np.ndarray:
    """Return (h w) uint8: 0 for the ground, 1 for the first thing, and so on."""
    values = np.arange(1, len(scene.masks) + 1, dtype=np.uint8)
    return (scene.masks * values[:, None, None]).sum(axis=0, dtype=np.uint8)


def thing_rows(scene: Scene) -> list[dict[str, str | int]]:
    """Return the value in the mask, name, group, colour and box of each thing."""
    return [
        {
            "value": value,
            "name": thing.name,
            "group": thing.group,
            "colour": thing.colour,
            **dict(zip(("top", "left", "bottom", "right"), map(int, box), strict=True)),
        }
        for value, (thing, box) in enumerate(zip(scene.things, scene.boxes, strict=True), start=1)
    ]
