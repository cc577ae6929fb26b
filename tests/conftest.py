"""Tables that several tests share: small, real files, both modalities needed."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

torch.set_num_threads(1)  # small products: two threads mostly wait for one another


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's cache of features out of the tests, and the tests out of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("PLAIT_MODELS", raising=False)
        yield


COLOURS = {"red": (200, 30, 30), "blue": (30, 30, 200)}
WORDS = {
    "big": ("huge", "giant", "wide", "enormous"),
    "small": ("tiny", "little", "narrow", "slim"),
}


def draw(colour: str, rng: np.random.Generator) -> Image.Image:
    """Return a noisy picture of a disc in a colour."""
    picture = Image.fromarray(rng.integers(150, 255, (40, 40, 3), dtype=np.uint8))
    x, y = rng.integers(4, 16, 2)
    ImageDraw.Draw(picture).ellipse((x, y, x + 20, y + 20), fill=COLOURS[colour])
    return picture


def make_things(folder: Path, rows: int, seed: int) -> dict[str, list[Any]]:
    """Write pictures and return a table of them.

    `kind` is one of four: the picture knows its colour, the text its size, so that each alone is
    right in one half of the rows, and both together in all.
    """
    rng = np.random.default_rng(seed)
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    table: dict[str, list[Any]] = {"photo": [], "text": [], "weight": [], "kind": [], "price": []}
    for row in range(rows):
        colour, size = rng.choice(["red", "blue"]), rng.choice(["big", "small"])
        path = folder / "pictures" / f"{seed}-{row}.png"
        draw(str(colour), rng).save(path)
        words = [str(rng.choice(WORDS[str(size)])), str(rng.choice(["thing", "object", "item"]))]
        table["photo"].append(path.relative_to(folder).as_posix())
        table["text"].append(" ".join(["a", *words, f"no {rng.integers(10**6)}"]))
        table["weight"].append(round(float(rng.normal(5, 2)), 2))
        table["kind"].append(f"{size} {colour}")
        price = 10 * (size == "big") + 5 * (colour == "red") + 0.1 * float(rng.normal())
        table["price"].append(round(price + table["weight"][-1], 3))
    return table


def write_csv(path: Path, columns: dict[str, list[Any]]) -> Path:
    """Write columns to a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


@pytest.fixture(scope="session")
def things(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of 160 rows with pictures, texts and numbers."""
    folder = tmp_path_factory.mktemp("things")
    return write_csv(folder / "things.csv", make_things(folder, 160, seed=0))


@pytest.fixture(scope="session")
def new_things(things: Path) -> Path:
    """A CSV of 60 further rows, beside the first."""
    return write_csv(things.parent / "new.csv", make_things(things.parent, 60, seed=1))
