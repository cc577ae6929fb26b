"""Classes of unequal size, 1:100: macro-F1 of each way to balance them.

    python benchmarks/balance.py            about 15 minutes: three seeds
    python benchmarks/balance.py --full     ten seeds

Products: the ten commonest article types from photo, colour, season and gender (titles name the
type). The learning rows follow the long tail of Cui et al. (CVPR 2019): n_i = 400 * 100^(-i/9), in
a random order of the classes; the test has 75 rows of each. Titles are never in both.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

import numpy as np
from experts import HoldOut, hold_out
from rows import Row, data_folder, describe, measure, table

import plait
from plait.ensemble.config import BALANCES, balanced
from plait.layers import one_thread
from plait.metrics.classification import f1_macro, one_hot

CLASSES, MOST, RATIO, TEST = 10, 400, 100, 75
INPUTS = ["photo", "baseColour", "season", "gender"]
WAYS = ("plain", *BALANCES, "mixup")

ready: dict[int, HoldOut] = {}


def prepared(seed: int) -> HoldOut:
    """Return the long-tailed products of a seed."""
    import pandas as pd

    if seed in ready:
        return ready[seed]
    ready.clear()
    home = data_folder() / "products"
    frame = pd.read_csv(home / "products.csv").drop_duplicates("title")
    types = list(frame["articleType"].value_counts().index[:CLASSES])
    np.random.default_rng(seed).shuffle(types)
    parts = []
    for place, name in enumerate(types):
        own = frame[frame["articleType"] == name].sample(frac=1, random_state=seed)
        count = round(MOST * RATIO ** (-place / (CLASSES - 1)))
        parts.append(own[:TEST].assign(part="test"))
        parts.append(own[TEST : TEST + count].assign(part="train"))
    rows = pd.concat(parts)[[*INPUTS, "articleType", "part"]]
    config = plait.FitConfig(seed=seed, folds=1)
    ready[seed] = hold_out(
        plait.read(rows, folder=home), "articleType", config, "column:part",
        modalities={"baseColour": "category"},
    )  # fmt: skip
    return ready[seed]


@one_thread()
def run(key: Row) -> Row:
    """Train one network in one way."""
    data, way = prepared(key["seed"]), key["way"]
    config = plait.FitConfig(seed=key["seed"])
    if way in BALANCES:
        config = balanced(config, way)
    elif way == "mixup":
        config = replace(config, train=replace(config.train, mixup=0.4))
    scores = data.predict(data.learn(data.sources, config))
    truth = data.held_truth
    counts = data.truth.sum(axis=0)
    rare = counts <= np.median(counts)
    right = (scores.argmax(axis=1) == truth.argmax(axis=1)).astype(float)
    return {
        "f1_macro": f1_macro(truth, one_hot(scores)),
        "recall_rare": float(right[truth[:, rare].sum(axis=1) > 0].mean()),
        "recall_common": float(right[truth[:, ~rare].sum(axis=1) > 0].mean()),
    }


def main() -> None:
    """Measure, and print each way with its paired gain over none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    seeds = range(10 if parser.parse_args().full else 3)
    keys = [{"seed": seed, "way": way} for seed in seeds for way in WAYS]
    rows = measure("balance", keys, run, budget=40 * 60)
    found = {way: [r for r in rows if r["way"] == way] for way in WAYS}
    complete = min(map(len, found.values()))
    lines = []
    for way, own in found.items():
        means = {k: float(np.mean([r[k] for r in own[:complete]]))
                 for k in ("f1_macro", "recall_rare", "recall_common")}  # fmt: skip
        plain = found["plain"]
        apart = [a["f1_macro"] - b["f1_macro"] for a, b in zip(own, plain, strict=False)]
        gain = "" if way == "plain" else describe(apart)
        lines.append({"way": way, **means, "gain in macro-F1": gain})
    table(lines, ["way", "f1_macro", "recall_rare", "recall_common", "gain in macro-F1"])


if __name__ == "__main__":
    sys.exit(main())
