"""Emoji named from their pictures, in four languages, and drawn by another vendor.

    python benchmarks/weights.py              the encoder, once
    python benchmarks/emoji_names.py          one seed
    python benchmarks/emoji_names.py --full   three seeds

Bundled emoji: names are learned from the pictures of one vendor (by the split of the set, no family
is on both sides), and written for unseen emoji of both vendors. Pictures are read by a frozen
MobileNetV2. Beside the decoder, the name of the emoji with the nearest picture, and one name for
all. Scores are token F1 (Chinese by characters) with intervals over emoji.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from rows import Row, describe, measure, table

import plait
from plait import FitConfig
from plait.config import from_json
from plait.encoders.config import choose_encoders
from plait.making.material import Parted
from plait.making.reading import ready
from plait.metrics.text import TEXT_METRICS
from plait.progress import Progress
from plait.train.record import Record
from plait.writer.building import build
from plait.writer.comparing import constant, nearest_rows
from plait.writer.judging import written
from plait.writer.learning import learn
from plait.writer.material import gather

os.environ.setdefault("PLAIT_MODELS", str(Path(__file__).parents[1] / "build" / "models"))
QUIET = Progress(show=False)
LANGUAGES = {"English": "name", "Chinese": "name_zh", "German": "name_de", "Spanish": "name_es"}
COLUMNS = ("picture", "split", *LANGUAGES.values())
WAYS = ("one name for all", "name of the nearest", "decoder")


def run(key: Row) -> Row:
    """Name unseen emoji in one way and language, of each vendor."""
    both = [plait.datasets.load("emoji", vendor) for vendor in ("google", "twitter")]
    rows = plait.read({name: both[0].values(name) + both[1].values(name) for name in COLUMNS})
    vendors = np.repeat([0, 1], [len(own) for own in both])
    column = LANGUAGES[key["language"]]
    config = from_json(FitConfig, {
        "seed": key["seed"],
        "write": {"width": 256, "layers": 2, "longest": 16, "dropout": 0.3},
        "writing": {"epochs": 40, "least_steps": 1, "batch_size": 64, "patience": 6},
    })  # fmt: skip
    encoders = choose_encoders(["image=mobilenet_v2"], config.encoders)
    config = ready(replace(config, encoders=encoders), "quick")
    ignore = [name for name in rows.columns if name not in ("picture", column)]
    material, _ = gather(rows, f"{column}:text", {"picture": "image"}, ignore, None, config, QUIET)
    parts = np.array(rows.values("split"))
    learning = np.flatnonzero((parts == "train") & (vendors == 0))
    held = np.flatnonzero(parts == "test")
    parted, start = Parted(learning, held, True), time.perf_counter()
    if key["way"] == WAYS[0]:
        texts = constant(material, parted, held)
    elif key["way"] == WAYS[1]:
        frozen = build(material.sources, config).frozen
        nearest = nearest_rows(material, parted, held, frozen, key["seed"])
        texts = [material.values[learning[row]] for row in nearest]
    else:
        model = learn(material, learning, config, Record(), QUIET)
        texts = [text or "" for text in written(model, material, held, QUIET).values]
    split = " ".join if key["language"] == "Chinese" else str
    known = [[split(material.values[row])] for row in held]
    right = TEXT_METRICS["token_f1"].rows([split(text) for text in texts], known)
    draws = np.random.default_rng(0)
    found: Row = {"seconds": time.perf_counter() - start}
    for name, own in (("same vendor", vendors[held] == 0), ("other", vendors[held] == 1)):
        values = right[own]
        means = [draws.choice(values, len(values)).mean() for _ in range(1000)]
        found[name] = [float(values.mean()), *np.percentile(means, [2.5, 97.5]).tolist()]
    return found | {"shown": [[texts[n], material.values[held[n]]] for n in range(0, 200, 25)]}


def main() -> None:
    """Measure, and print a line for each language and way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    full = parser.parse_args().full
    keys = [
        {"language": language, "way": way, "seed": seed}
        for seed in range(3 if full else 1)
        for language in LANGUAGES
        for way in WAYS
    ]
    rows = measure("emoji_names", keys, run, budget=40 * 60)
    lines = []
    for language in LANGUAGES:
        for way in WAYS:
            own = [r for r in rows if (r["language"], r["way"]) == (language, way)]
            line: Row = {"language": language, "way": way}
            for name in ("same vendor", "other") if own else ():
                value, low, high = own[0][name]
                one = f"{value:.3f} [{low:.3f}, {high:.3f}]"
                line[name] = one if len(own) == 1 else describe([r[name][0] for r in own])
            lines.append(line)
    table(lines, ["language", "way", "same vendor", "other"])


if __name__ == "__main__":
    sys.exit(main())
