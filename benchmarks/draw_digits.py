"""Digits drawn by class: how near they are to the test split that the model has not seen.

    python benchmarks/draw_digits.py            10,000 rows, one seed, about 35 minutes
    python benchmarks/draw_digits.py --full     60,000 rows, three seeds

MNIST, 28 by 28, learned from the training split, drawn for each class alike, and compared with the
test split on two stated encoders: the classical one of plait (gradients, colours and visual words,
fitted on training rows), and MobileNetV2 (python benchmarks/weights.py). What training rows have
beside test rows is what a perfect model would have. A residual network that learned from the
training split says how many are of the class that was asked for, and how many test digits are what
they are: not the classical encoder, whose normalised gradients take faint noise on black for
strokes, so that it calls any drawn digit a one. Seconds are those of one core.
"""

from __future__ import annotations

import argparse
import gzip
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rows import Row, data_folder, measure, table

import plait
from plait import FitConfig
from plait.config import from_json, to_json
from plait.drawer.drawer import Drawer
from plait.drawer.judging import compared
from plait.drawer.learning import draw
from plait.drawer.sheet import below, save, strip
from plait.encoders.config import choose_encoders
from plait.progress import Progress
from plait.train.record import Track

os.environ.setdefault("PLAIT_MODELS", str(Path(__file__).parents[1] / "build" / "models"))
QUIET = Progress(show=False)
OUT = Path(__file__).parent / "results" / "cache" / "draw_digits"
ENCODERS = ("classical", "mobilenet_v2")
RIGHT = ("right class", "right class of real")
LEARNED = 4000
"""Rows that the classifier learns from."""


def digits(part: str) -> tuple[np.ndarray, list[str]]:
    """Return (n 28 28 3) uint8 and the digits of a split, `train` or `t10k`."""
    folder = data_folder() / "digits"
    with gzip.open(folder / f"{part}-images-idx3-ubyte.gz") as file:
        pictures = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    return np.repeat(pictures[:, :, :, None], 3, axis=3), [f"digit {n}" for n in labels]


def settings(key: Row) -> FitConfig:
    """Return the settings of a drawer."""
    values = to_json(FitConfig())
    values["seed"] = key["seed"]
    values["draw"] |= {"side": 28, "patch": 4, "width": key["width"], "layers": key["layers"],
                       "network": key["network"], "judged": 8, "every": 1,
                       "drawing": {"guidance": key["guidance"]}}  # fmt: skip
    values["drawing"] |= {"epochs": 1, "least_steps": key["steps"], "average": 0.998}
    return from_json(FitConfig, values)


def run(key: Row) -> Row:
    """Learn, draw every class alike, and compare."""
    pictures, names = digits("train")
    rows = {"picture": list(pictures[: key["rows"]]), "digit": names[: key["rows"]]}
    folder = OUT / f"{key['network']}-{key['seed']}-{key['steps']}"
    start = time.perf_counter()
    model = draw(
        rows, "picture:image", modalities={"digit": "category"}, config=settings(key),
        track=Track(folder), progress=Progress(lines=True),
    )  # fmt: skip
    found: Row = {"seconds to learn": time.perf_counter() - start}
    model.save(folder / "model", overwrite=True)
    asked = [f"digit {n % 10}" for n in range(key["drawn"])]
    start = time.perf_counter()
    made = drawn(model, asked)
    seconds = (time.perf_counter() - start) / len(asked)
    found |= {"seconds a picture": seconds, "seconds a step": seconds / 50}
    held = digits("t10k")[0][: key["drawn"]]
    for encoder in ENCODERS:
        beside = compared(list(pictures[: key["rows"]][:2000]), list(held), made, encoder, QUIET)
        found |= {f"{name}, {encoder}": value for name, value in beside.scores.items()}
    near = [pictures[row] for row in beside.nearest.rows[:20]]
    save(below([strip(made[:20], "drawn"), strip(near, "nearest learned")], asked[:20]),
         folder / "by-class.png")  # fmt: skip
    right = judged(rows, [(made, asked), (list(held), digits("t10k")[1][: key["drawn"]])])
    return found | dict(zip(RIGHT, right, strict=True))


def drawn(model: Drawer, asked: list[str]) -> list[np.ndarray]:
    """Return a picture of each class that is asked for."""
    pictures = model.predict({"digit": asked}, QUIET, watermark=False).pictures
    return [own for own in pictures if own is not None]


def judged(rows: Row, parts: Sequence[tuple[list[np.ndarray], list[str]]]) -> list[float]:
    """Return of each part's pictures how many a classifier says to be of the class that is said."""
    learned = {name: cells[:LEARNED] for name, cells in rows.items()}
    encoders = choose_encoders(["image=convolutional"])
    own = replace(encoders.trained, side=32, width=64, augment=False)
    config = FitConfig()
    config = replace(config, folds=1, encoders=replace(encoders, trained=own),
                     deep=replace(config.deep, epochs=8, least_steps=1))  # fmt: skip
    model = plait.fit(learned, "digit:category", config=config, progress=QUIET)
    said = [model.predict({"picture": pictures}).values for pictures, _ in parts]
    return [
        float(np.mean([one == other for one, other in zip(found, asked, strict=True)]))
        for found, (_, asked) in zip(said, parts, strict=True)
    ]


def main() -> None:
    """Measure, and print a line for each seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--network", choices=("transformer", "unet"), default="transformer")
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--guidance", type=float, default=1.5)
    parser.add_argument("--drawn", type=int, default=1000)
    given = parser.parse_args()
    keys = [
        {"seed": seed, "network": given.network,
         "rows": 60_000 if given.full else given.rows, "steps": given.steps,
         "width": given.width, "layers": given.layers, "guidance": given.guidance,
         "drawn": given.drawn}
        for seed in range(3 if given.full else 1)
    ]  # fmt: skip
    lines = []
    for row in measure("draw_digits", keys, run, budget=6 * 3600):
        line: Row = {name: row[name] for name in ("seed", "rows", "steps", *RIGHT)}
        for encoder in ENCODERS:
            line[f"KID, {encoder}"] = row[f"kernel distance, {encoder}"]
            line[f"of real, {encoder}"] = row[f"kernel distance of real, {encoder}"]
            line[f"FID, {encoder}"] = row[f"frechet distance, {encoder}"]
        lines.append(line | {"s a picture": row["seconds a picture"],
                             "s a step": row["seconds a step"]})  # fmt: skip
    table(lines, list(lines[0]) if lines else [])


if __name__ == "__main__":
    sys.exit(main())
