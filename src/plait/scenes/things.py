"""The emoji that scenes are made of, each in several colours."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
from PIL import Image

from plait.datasets import load
from plait.scenes.compose import Thing, box_of

COLOURS = {
    "red": (0.0, 0.85, 0.85),
    "yellow": (0.15, 0.85, 0.97),
    "green": (0.34, 0.8, 0.65),
    "blue": (0.6, 0.85, 0.9),
    "purple": (0.79, 0.7, 0.75),
}
"""Hue, saturation and value, all in 0..1: far enough from each other to be told apart."""

GROUPS = {
    "animal": ("dog", "cat", "horse", "owl", "frog", "crab", "octopus", "snail"),
    "piece of food": (
        "banana",
        "pear",
        "doughnut",
        "pizza",
        "pineapple",
        "mushroom",
        "pretzel",
        "pepper",
    ),
    "vehicle": ("helicopter", "sailboat", "canoe", "speedboat", "truck", "car"),
    "piece of clothing": ("dress", "scarf", "coat", "cap", "shoe", "boot"),
    "instrument": ("violin", "trumpet", "accordion", "saxophone", "flute", "harp"),
}
"""Emoji of one main colour that nobody takes for one another, by what they are."""

EMOJI = {
    "pepper": "bell pepper",
    "truck": "pickup truck",
    "car": "racing car",
    "cap": "billed cap",
    "shoe": "man’s shoe",
    "boot": "woman’s boot",
}
"""The names that Unicode has for some."""

COLOURFUL = 0.25
"""Saturation from which a pixel has the main colour; eyes, teeth and outlines are below it."""

BORDER = 3
"""Pixels around a drawing, so that no thing touches another or the picture's edge."""


def load_things(vendor: Literal["google", "twitter"] = "google") -> dict[tuple[str, str], Thing]:
    """Return the things by name and colour.

    Args:
        vendor: who has drawn them; the other's drawings are a built-in shift.

    Raises:
        ConfigError: for a vendor that is not known.
    """
    table = load("emoji", vendor)
    rows = {table.cell("name", row): row for row in range(len(table))}
    found = {}
    for group, names in GROUPS.items():
        for name in names:
            drawn = drawing(table.cell("picture", rows[EMOJI.get(name, name)]))
            for colour in COLOURS:
                found[name, colour] = Thing(name, group, colour, tinted(drawn, colour))
    return found


def drawing(emoji: bytes) -> np.ndarray:
    """Return (s s 4) uint8 of a picture file, in a square around what is drawn, with a border."""
    picture = Image.open(io.BytesIO(emoji)).convert("RGBA")
    top, left, bottom, right = box_of(np.asarray(picture)[..., 3] > 127)
    side = max(bottom - top, right - left) + 2 * BORDER
    square = Image.new("RGBA", (side, side))
    square.paste(
        picture.crop((left, top, right, bottom)),
        ((side - right + left) // 2, (side - bottom + top) // 2),
    )
    return np.asarray(square)


def tinted(picture: np.ndarray, colour: str) -> np.ndarray:
    """Return a picture (s s 4) with its colourful parts in one colour, light and shade kept.

    Saturation and value are scaled so that their medians are the colour's own: the brown of a dog
    would otherwise be no yellow in its hue.
    """
    from matplotlib.colors import hsv_to_rgb, rgb_to_hsv

    found = rgb_to_hsv(picture[..., :3] / 255)
    main = (found[..., 1] > COLOURFUL) & (picture[..., 3] > 127)
    hue, *wanted = COLOURS[colour]
    for channel, level in enumerate(wanted, start=1):
        middle = np.median(found[main, channel])
        found[..., channel][main] = (found[main, channel] * level / middle).clip(0, 1)
    found[main, 0] = hue
    pixels = np.rint(hsv_to_rgb(found) * 255).astype(np.uint8)
    return np.concatenate([pixels, picture[..., 3:]], axis=-1)
