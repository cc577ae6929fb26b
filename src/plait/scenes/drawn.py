"""Scenes at random, such that every type of question can have several answers."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from plait.scenes.compose import Scene, Thing, compose, place_boxes, plain_ground
from plait.scenes.held import Combination, drawn_value
from plait.scenes.questions import Known, names_of
from plait.scenes.things import COLOURS

COPIES = (2, 4)
"""How many there are of the one name that repeats, at least and at most."""

SIZES = (0.19, 0.26)
"""The smallest and the largest side of a thing, as a share of the picture's."""


def draw_scene(
    known: Known,
    held: Collection[Combination],
    new: bool,
    side: int,
    random: np.random.Generator,
) -> Scene:
    """Return six to eight things on a plain ground.

    Two are of one group, one is of another and one of a third; the others share a name and a fourth
    group, in at most two colours.

    Args:
        known: the things by name and colour.
        held: combinations that are drawn where new ones are wanted, and never elsewhere.
        new: whether they are wanted.
        side: of the picture, in pixels.
        random: what is drawn from.
    """

    def tinted(name: str) -> Thing:
        return known[name, drawn_value(name, list(COLOURS), held, new, random)]

    *single, repeated = names_in_groups(known, (2, 1, 1, 1), random)
    pair = [tinted(repeated), tinted(repeated)]
    copies = random.integers(0, 2, random.integers(COPIES[0], COPIES[1] + 1))
    things = [*map(tinted, single), *(pair[number] for number in copies)]
    sizes = (round(SIZES[0] * side), round(SIZES[1] * side))
    return compose(
        plain_ground(side, random), things, place_boxes(len(things), side, sizes, random)
    )


def names_in_groups(
    known: Known, counts: tuple[int, ...], random: np.random.Generator
) -> list[str]:
    """Return so many names of a first group, of a second, and so on; groups and names at random."""
    groups: dict[str, list[str]] = {}
    for name in names_of(known):
        groups.setdefault(known[name, next(iter(COLOURS))].group, []).append(name)
    order = [list(groups.values())[number] for number in random.permutation(len(groups))]
    return [
        part[number]
        for part, count in zip(order, counts, strict=False)
        for number in random.permutation(len(part))[:count]
    ]
