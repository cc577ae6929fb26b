"""Pictures composed of things at known places, with a mask of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from plait.errors import ConfigError

Box = tuple[int, int, int, int]
"""Top, left, bottom, right, in pixels; the last two are the first that lie outside."""

TRIES = 1000
"""Of all boxes anew, before a picture counts as too small for them."""


@dataclass(frozen=True, eq=False)
class Thing:
    """What can be put into a scene.

    Attributes:
        name: one word or two.
        group: what kind of thing it is.
        colour: its main colour; empty where it has none.
        picture: (s s 4) uint8, RGBA.
    """

    name: str
    group: str
    colour: str
    picture: np.ndarray

    @property
    def phrase(self) -> str:
        """Its colour and name."""
        return f"{self.colour} {self.name}".strip()


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture, the things in it, and where they are.

    Attributes:
        picture: (h w 3) uint8.
        things: k of them.
        masks: (k h w) bool, what is to be seen of each.
    """

    picture: np.ndarray
    things: tuple[Thing, ...]
    masks: np.ndarray

    @property
    def boxes(self) -> np.ndarray:
        """(k 4) top, left, bottom, right of what is to be seen of each, in pixels."""
        return np.array([box_of(mask) for mask in self.masks]).reshape(-1, 4)


def box_of(mask: np.ndarray) -> Box:
    """Return the smallest box around a mask (h w), which must not be empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def plain_ground(side: int, random: np.random.Generator) -> np.ndarray:
    """Return (side side 3) uint8: a greyish colour that turns a little lighter across the picture.

    It is never as colourful as a thing, so that no thing fades into it.
    """
    colour = random.integers(70, 220) + random.integers(-12, 13, 3)
    angle = random.uniform(0, 2 * np.pi)
    down, right = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    slope = 12 * (np.sin(angle) * down + np.cos(angle) * right)
    return (colour + slope[..., None]).clip(0, 255).astype(np.uint8)


def noisy_ground(side: int, random: np.random.Generator) -> np.ndarray:
    """Return (side side 3) uint8: a bright colour with noise."""
    ground = random.integers(120, 256, 3) + random.normal(0, 8, (side, side, 3))
    return ground.clip(0, 255).astype(np.uint8)


def place_boxes(
    count: int, side: int, sizes: tuple[int, int], random: np.random.Generator
) -> list[Box]:
    """Return square boxes at random places of which no two meet.

    Args:
        count: of boxes.
        side: of the picture, in pixels.
        sizes: the smallest and the largest side of a box.
        random: what is drawn from.

    Raises:
        ConfigError: when no room for them was found.
    """
    for _ in range(TRIES):
        boxes = _placed_once(count, side, sizes, random)
        if len(boxes) == count:
            return boxes
    raise ConfigError(
        f"No room was found for {count} things of {sizes[0]} to {sizes[1]} pixels in a picture of "
        f"{side}; ask for fewer, smaller ones, or a larger picture."
    )


def _placed_once(
    count: int, side: int, sizes: tuple[int, int], random: np.random.Generator
) -> list[Box]:
    """Return boxes that do not meet; fewer than asked for, where one found no room by chance."""
    boxes: list[Box] = []
    for _ in range(count):
        size = int(random.integers(sizes[0], sizes[1] + 1))
        for top, left in random.integers(0, side - size + 1, (20, 2)).tolist():
            box = (top, left, top + size, left + size)
            if not any(boxes_meet(box, other) for other in boxes):
                boxes.append(box)
                break
    return boxes


def boxes_meet(one: Box, other: Box) -> bool:
    """Return whether two boxes share a pixel."""
    return (
        one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
    )  # fmt: skip


def compose(ground: np.ndarray, things: Sequence[Thing], boxes: Sequence[Box]) -> Scene:
    """Return the scene of some things in their boxes; later ones lie over earlier ones.

    Args:
        ground: (h w 3) uint8.
        things: k of them.
        boxes: of each, inside the ground.
    """
    canvas = Image.fromarray(ground)
    masks = np.zeros((len(things), *ground.shape[:2]), bool)
    for number, (thing, (top, left, bottom, right)) in enumerate(zip(things, boxes, strict=True)):
        picture = Image.fromarray(thing.picture).resize(
            (right - left, bottom - top), Image.Resampling.LANCZOS
        )
        canvas.paste(picture, (left, top), picture)
        shown = np.asarray(picture)[..., 3] > 127
        masks[:number, top:bottom, left:right] &= ~shown
        masks[number, top:bottom, left:right] = shown
    return Scene(np.asarray(canvas), tuple(things), masks)
