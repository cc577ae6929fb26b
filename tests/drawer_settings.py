"""Settings with which a model that draws learns in seconds, and what it learns from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from plait import FitConfig
from plait.config import from_json, to_json

COLOURS = {"red": (220, 30, 30), "blue": (30, 30, 220), "green": (20, 170, 40)}
PLACES = ("above", "below")
SIDE = 24


def small(**changes: Any) -> FitConfig:
    """Return settings with which a model learns in seconds."""
    values = to_json(FitConfig())
    values["draw"] |= {"side": SIDE, "patch": 6, "width": 48, "layers": 2, "heads": 2, "judged": 12,
                       "samples": 3, "every": 4,
                       "drawing": {"steps": 8, "guidance": 1.5}}  # fmt: skip
    values["drawing"] |= {
        "epochs": 8, "least_steps": 260, "batch_size": 32, "learning_rate": 4e-3, "average": 0.95,
        "precision": "float32",
    }  # fmt: skip
    for path, value in changes.items():
        part, key = path.split("__")
        values[part][key] = value
    return from_json(FitConfig, values)


def paint(colour: str, place: str, random: np.random.Generator) -> np.ndarray:
    """Return white with a bar of a colour in its upper or lower half, a little moved."""
    picture = np.full((SIDE, SIDE, 3), 255, np.uint8)
    top = (2 if place == "above" else SIDE // 2 + 2) + int(random.integers(-1, 2))
    left = int(random.integers(1, 4))
    picture[top : top + 8, left : left + 20] = COLOURS[colour]
    return picture


def make_pictures(folder: Path, rows: int, seed: int) -> dict[str, list[Any]]:
    """Return names, which know the colour; places, which know where; and pictures."""
    random = np.random.default_rng(seed)
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    table: dict[str, list[Any]] = {"picture": [], "name": [], "place": []}
    for row in range(rows):
        colour, place = str(random.choice(list(COLOURS))), str(random.choice(PLACES))
        path = folder / "pictures" / f"{seed}-{row}.png"
        Image.fromarray(paint(colour, place, random)).save(path)
        table["picture"].append(path.relative_to(folder).as_posix())
        table["name"].append(f"a {colour} bar of paint")
        table["place"].append(place)
    return table


def seen(picture: np.ndarray) -> tuple[str, str]:
    """Return the colour and the place that a picture shows."""
    halves = picture[: SIDE // 2], picture[SIDE // 2 :]
    dark = [float(255 - half.mean()) for half in halves]
    place = PLACES[int(np.argmax(dark))]
    ink = 255 - halves[int(np.argmax(dark))].reshape(-1, 3).astype(float)
    colour = ink.mean(axis=0)
    wanted = {name: 255 - np.array(own, float) for name, own in COLOURS.items()}
    cosines = {
        name: float(colour @ own / np.linalg.norm(colour) / np.linalg.norm(own))
        for name, own in wanted.items()
    }
    return max(cosines, key=lambda name: cosines[name]), place
