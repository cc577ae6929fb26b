"""Pictures of two coloured squares, and phrases that mean one of them, or none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from conftest import write_csv
from PIL import Image

from plait import FitConfig
from plait.config import from_json

COLOURS = {"red": (220, 30, 30), "blue": (30, 60, 220), "green": (20, 180, 60)}


def make_squares(folder: Path, count: int, seed: int = 0, side: int = 48) -> dict[str, list[Any]]:
    """Write pictures with their masks, and return a table with three phrases a picture.

    Two of three colours are in a picture; the phrase of the third means nothing.
    """
    random = np.random.default_rng(seed)
    table: dict[str, list[Any]] = {"photo": [], "phrase": [], "mask": []}
    for number in range(count):
        picture = random.integers(200, 256, (side, side, 3)).astype(np.uint8)
        places = {}
        halves = random.permutation(2)
        for half, colour in zip(halves, random.permutation(list(COLOURS))[:2], strict=True):
            size = int(random.integers(side // 4, side // 2 - 2))
            top = int(random.integers(0, side - size))
            left = int(random.integers(0, side // 2 - size)) + half * side // 2
            part = (slice(top, top + size), slice(left, left + size))
            picture[part], places[str(colour)] = COLOURS[str(colour)], part
        Image.fromarray(picture).save(folder / f"{number}.png")
        for colour in COLOURS:
            mask = np.zeros((side, side), np.uint8)
            if colour in places:
                mask[places[colour]] = 255
            name = f"{number}-{colour}.png"
            Image.fromarray(mask).save(folder / name)
            table["photo"].append(f"{number}.png")
            table["phrase"].append(f"the {colour} one")
            table["mask"].append(name)
    return table


def make_classes(folder: Path, count: int, seed: int = 0, side: int = 48) -> dict[str, list[Any]]:
    """Write pictures, and masks in which each colour has a value of its own; return the table."""
    random = np.random.default_rng(seed)
    table: dict[str, list[Any]] = {"photo": [], "mask": []}
    for number in range(count):
        picture = random.integers(200, 256, (side, side, 3)).astype(np.uint8)
        mask = np.zeros((side, side), np.uint8)
        for value, colour in ((3, "red"), (7, "blue")):
            size = int(random.integers(side // 4, side // 2))
            top, left = random.integers(0, side - size, 2)
            part = (slice(top, top + size), slice(left, left + size))
            picture[part], mask[part] = COLOURS[colour], value
        mask[0] = 9  # void
        Image.fromarray(picture).save(folder / f"{number}.png")
        Image.fromarray(mask).save(folder / f"{number}-mask.png")
        table["photo"].append(f"{number}.png")
        table["mask"].append(f"{number}-mask.png")
    return table


def small(epochs: int = 18, **segment: Any) -> FitConfig:
    """Return settings with which a model learns in seconds."""
    return from_json(FitConfig, {
        "encoders": {"trained": {"width": 32, "layers": 1, "heads": 2, "dropout": 0.0}},
        "fusion_settings": {"width": 32, "heads": 2, "dropout": 0.0},
        "segment": {"side": 32, "width": 16, "heads": 2, "dropout": 0.0, **segment},
        "segmenting": {"epochs": epochs, "least_steps": 1, "batch_size": 16, "patience": 100,
                       "learning_rate": 4e-3, "precision": "float32"},
    })  # fmt: skip


def by_words(config: FitConfig) -> FitConfig:
    """Return the settings with texts as bags of words: in 180 steps a Transformer learns less."""
    return replace(config, encoders=replace(config.encoders, of_text="classical"))


def write_table(folder: Path, table: dict[str, list[Any]]) -> Path:
    """Return the CSV of a table."""
    return write_csv(folder / "table.csv", table)
