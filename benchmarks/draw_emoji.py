"""Emoji drawn from names that were never seen, made of words that were.

    python benchmarks/weights.py             the encoder of the judge, once
    python benchmarks/draw_emoji.py          one seed
    python benchmarks/draw_emoji.py --full   three seeds

Names whose every word is in three others at least are held out, a twentieth of all ("blue heart",
"woman: white hair"). A drawer learns from the others; the words of a name are counted (TF-IDF,
truncated SVD). The judge is a plait space of pictures and names on MobileNetV2, which learned from
the other vendor's drawings and from pictures of the training rows: what is held out is new to it
too. Agreement is the cosine of a picture with its own name; the control deals names out anew. What
real held-out pictures have is the ceiling. Seconds are those of one processor core.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from rows import Row, measure, table

import plait
from plait import FitConfig
from plait.config import from_json, to_json
from plait.data.image import read_pictures
from plait.data.table import Table
from plait.drawer.agreement import Agreement, agreement
from plait.drawer.canvas import squares_of
from plait.drawer.drawer import Drawer
from plait.drawer.judging import compared
from plait.drawer.learning import draw
from plait.drawer.sheet import below, save, strip
from plait.encoders.config import choose_encoders
from plait.progress import Progress
from plait.spaces.aligning import align
from plait.spaces.space import AlignConfig, Space
from plait.train.record import Track

os.environ.setdefault("PLAIT_MODELS", str(Path(__file__).parents[1] / "build" / "models"))
QUIET = Progress(show=False)
OUT = Path(__file__).parent / "results" / "cache" / "draw_emoji"
SIDE = 32


def words(name: str) -> set[str]:
    """Return the words of a name."""
    return set(name.lower().replace(":", " ").replace(",", " ").split())


def parts(names: list[str], seed: int) -> list[str]:
    """Return `test` for held-out names, and `train` for the others."""
    seen = Counter(word for name in names for word in words(name))
    made = [n for n, name in enumerate(names)
            if len(words(name)) > 1 and all(seen[word] > 3 for word in words(name))]  # fmt: skip
    held = set(np.random.default_rng(seed).permutation(made)[: len(names) // 20].tolist())
    return ["test" if row in held else "train" for row in range(len(names))]


def judge_of(google: Table, part: list[str], seed: int) -> Space:
    """Return a space that has seen no held-out picture of the vendor that is drawn."""
    other = plait.datasets.load("emoji", vendor="twitter")
    train = [row for row, own in enumerate(part) if own == "train"]
    rows = {
        name: other.values(name) + [google.values(name)[row] for row in train]
        for name in ("picture", "name")
    }
    config = AlignConfig(seed=seed)
    encoders = choose_encoders(["image=mobilenet_v2"], config.encoders)
    return align(rows, "picture", "name", modalities={"name": "text"},
                 config=replace(config, encoders=encoders), progress=QUIET)  # fmt: skip


def settings(key: Row) -> FitConfig:
    """Return the settings of a drawer."""
    values = to_json(FitConfig())
    values["seed"] = key["seed"]
    values["draw"] |= {"side": SIDE, "patch": 4, "width": key["width"], "layers": key["layers"],
                       "judged": 8, "every": 8}  # fmt: skip
    values["drawing"] |= {"epochs": 1, "least_steps": key["steps"], "average": 0.998}
    return from_json(FitConfig, values)


def run(key: Row) -> Row:
    """Learn, draw the held-out names, and judge."""
    google = plait.datasets.load("emoji")
    part = parts(google.values("name"), key["seed"])
    rows = plait.read({
        "picture": google.values("picture"), "name": google.values("name"), "part": part
    })  # fmt: skip
    space = judge_of(google, part, key["seed"])
    folder = OUT / f"seed-{key['seed']}-{key['steps']}"
    start = time.perf_counter()
    model = draw(
        rows,
        "picture:image",
        modalities={"name": "text"},
        split="column:part",
        config=settings(key),
        track=Track(folder),
        progress=Progress(lines=True),
    )
    learned = time.perf_counter() - start
    held = rows.take(np.flatnonzero(np.array(part) == "test")).drop(["part"])
    found: Row = {"rows": len(held), "seconds to learn": learned}
    return found | drawn(key, model, held, rows, part, space, folder)


def drawn(
    key: Row, model: Drawer, held: Table, rows: Table,
    part: list[str], space: Space, folder: Path,
) -> Row:  # fmt: skip
    """Return the scores of held-out names."""
    config = replace(model.config.draw.drawing, guidance=key["guidance"])
    start = time.perf_counter()
    pictures = model.predict(held.drop(["picture"]), QUIET, config, watermark=False).pictures
    seconds = (time.perf_counter() - start) / len(held)
    made = [own for own in pictures if own is not None]
    assert len(made) == len(held)
    opened = [read_pictures(cell)[0] for cell in rows.values("picture")]
    squares = squares_of(opened, model.config.draw)
    real = [own for own, name in zip(squares, part, strict=True) if name == "test"]
    known = [own for own, name in zip(squares, part, strict=True) if name == "train"]
    beside = compared(known, real, made, "mobilenet_v2", QUIET)
    asked = held.drop(["picture"])
    ours, ceiling = (agreement(space, "picture", asked, own) for own in (made, real))
    save(below([
        strip(real[:16], "real"), strip(made[:16], "drawn"),
        strip([known[row] for row in beside.nearest.rows[:16]], "nearest learned"),
    ], held.values("name")[:16]), folder / f"held-out-guidance-{key['guidance']}.png")  # fmt: skip
    return {
        "agreement": said(ours), "of real": said(ceiling), "seconds a picture": seconds,
        "seconds a step": seconds / config.steps, **beside.scores,
    }  # fmt: skip


def said(found: Agreement) -> list[float]:
    """Return cosine, control, gain with interval, and the share among the first tenth."""
    gain = found.gain
    return [found.value, found.shuffled, gain.value, gain.low, gain.high, found.first]


def main() -> None:
    """Measure, and print a line for each seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--guidance", type=float, default=2.0)
    given = parser.parse_args()
    keys = [
        {"seed": seed, "steps": given.steps, "width": given.width, "layers": given.layers,
         "guidance": given.guidance}
        for seed in range(3 if given.full else 1)
    ]  # fmt: skip
    lines = []
    for row in measure("draw_emoji", keys, run, budget=6 * 3600):
        value, control, gain, low, high, first = row["agreement"]
        lines.append({
            "seed": row["seed"], "steps": row["steps"], "drawn": value, "shuffled": control,
            "gain": f"{gain:.3f} [{low:.3f}, {high:.3f}]", "in first tenth": first,
            "real": row["of real"][0], "real gain": row["of real"][2],
            "KID": row["kernel distance"], "copied": row["copied"],
            "s a picture": row["seconds a picture"], "s a step": row["seconds a step"],
        })  # fmt: skip
    table(lines, list(lines[0]) if lines else [])


if __name__ == "__main__":
    sys.exit(main())
