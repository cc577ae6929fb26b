"""Does a caption belong to a photo? Matching on pairs with mined strangers, on real data.

    python benchmarks/weights.py         the encoders, once
    python benchmarks/pairs.py           about 20 minutes of one core: three seeds
    python benchmarks/pairs.py --quick   one seed, one caption a photo: does it run?

Flickr: a space is learned on 3,500 captions of 700 photos (frozen MobileNetV2 and MiniLM), and on
two captions of each a comparison of pairs: each caption with its photo, with the nearest photos of
others in the space, and with photos at random. It is judged on the captions of 200 unseen photos,
each with its own photo and the nearest of nine others, or a random one of them. `cosine` is the
space alone, against which the nearest are chosen, so nearest strangers are harder for it than for
what learned otherwise. `with similarity` has the cosine as a column, out of fold; `seen` has it as
the space says it of the rows that it learned from. The area under the ROC curve (AUC) is 0.5 by
chance; `wrong` is the mean of the shares of matches and of strangers that are taken for the other,
with random strangers. Photos are drawn whole for the intervals of one seed.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from rows import Row, data_folder, describe, measure, table
from sklearn.metrics import roc_auc_score

import plait
from plait.data.table import Table
from plait.encoders.config import choose_encoders
from plait.ensemble.config import FitConfig
from plait.layers import one_thread
from plait.pairs.given import SIMILARITY
from plait.pairs.pairing import MATCH, PAIR_GROUP, pair_rows
from plait.progress import Progress
from plait.spaces.config import AlignConfig
from plait.spaces.space import Space

os.environ.setdefault("PLAIT_MODELS", str(Path(__file__).parents[1] / "build" / "models"))
FROZEN = choose_encoders(["image=mobilenet_v2", "text=all-MiniLM-L6-v2"])
QUIET = Progress(show=False)
SAID = {"photo": "image", "caption": "text"}
SIDES = {"left.caption": "text", "right.photo": "image"}
MATCHERS = {
    "strangers at random": (0, 3, None),
    "strangers mined": (2, 1, None),
    "mined, with similarity": (2, 1, False),
    "mined, with similarity, seen": (2, 1, True),
}
"""Mined and random strangers of each row; whether the space says how alike rows are that it saw."""

WAYS = ("cosine", *MATCHERS)
DRAWS = 1000


def rows_of(part: str, most: int = 5) -> Table:
    """Return the captions of one part of the published split, at most so many of each photo."""
    captions = pd.read_csv(data_folder() / "flickr" / "captions.csv")
    own = captions[captions["split"] == part][["photo", "caption"]]
    return plait.read(own.groupby("photo").head(most), folder=data_folder() / "flickr")


def paired(
    space: Space, captions: Table, hard: int, random: int, unseen: bool | None, seed: int
) -> Table:
    """Return captions with their photos, and with those of others.

    With `similarity` where it is said whether the space has seen them or not.
    """
    folder = data_folder() / "flickr"
    given = None if unseen is None and not hard else space
    made = pair_rows(
        captions, "caption", "photo", space=given, hard=hard, random=random,
        unseen=unseen is not False, seed=seed, folder=folder, progress=QUIET,
    )  # fmt: skip
    if unseen is None:
        made.columns.pop(SIMILARITY, None)
    return plait.read(made.columns, folder=folder)


def matcher(space: Space, way: str, captions: int, seed: int) -> plait.Model:
    """Return a comparison that learned from pairs."""
    # Three of four pairs are strangers, so by accuracy one that always says no is hard to beat.
    # Nor would it say yes to many, were classes not weighed.
    config = FitConfig(
        fusion="comparison", metric="auroc", folds=1, encoders=FROZEN, seed=seed, class_weights=True
    )
    pairs = paired(space, rows_of("train", captions), *MATCHERS[way], seed)
    return plait.fit(pairs, MATCH, split=f"group:{PAIR_GROUP}", ignore=[PAIR_GROUP],
                     modalities=SIDES, config=config, progress=QUIET)  # fmt: skip


def cosines(space: Space, pairs: Table) -> np.ndarray:
    """Return how near caption and photo of each pair are in the space."""
    sides = {name.partition(".")[2]: pairs.values(name) for name in SIDES}
    both = plait.read(sides, folder=pairs.folder)
    captions, photos = (space.vectors(both, group, QUIET) for group in ("caption", "photo"))
    found: np.ndarray = (captions * photos).sum(axis=1)
    return found


def auc(scores: np.ndarray, pairs: Table) -> Row:
    """Return the AUC, and its 95 % interval over draws of photos with their captions."""
    truth = np.array(pairs.values(MATCH)) == "yes"
    captions = rows_of("test")
    photo_of = dict(zip(captions.values("caption"), captions.values("photo"), strict=True))
    photos = np.array([photo_of[caption] for caption in pairs.values("left.caption")])
    own = [np.flatnonzero(photos == name) for name in np.unique(photos)]
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(DRAWS):
        rows = np.concatenate([own[n] for n in random.integers(0, len(own), len(own))])
        drawn.append(roc_auc_score(truth[rows], scores[rows]))
    low, high = np.percentile(drawn, [2.5, 97.5]).tolist()
    return {"value": float(roc_auc_score(truth, scores)), "low": low, "high": high}


@one_thread()
def run(key: Row) -> Row:
    """Learn a space and comparisons, and judge all on the same pairs."""
    seed, test = key["seed"], rows_of("test")
    space = plait.align(rows_of("train"), "caption", "photo", modalities=SAID,
                        config=AlignConfig(encoders=FROZEN, seed=seed), progress=QUIET)  # fmt: skip
    judged = {
        "nearest": paired(space, test, 1, 0, True, seed),
        "random": paired(space, test, 0, 1, True, seed),
    }
    result: Row = {"pairs": {kind: len(pairs) for kind, pairs in judged.items()}}
    for way in WAYS:
        if way == "cosine":
            scores = {kind: cosines(space, pairs) for kind, pairs in judged.items()}
            result[way] = {}
        else:
            model = matcher(space, way, key["captions"], seed)
            place = list(model.target.labels).index("yes")
            said = {kind: model.predict(pairs, QUIET) for kind, pairs in judged.items()}
            scores = {kind: prediction.scores[:, place] for kind, prediction in said.items()}
            taken = scores["random"] > 0.5
            truth = np.array(judged["random"].values(MATCH)) == "yes"
            wrong = float((taken[~truth].mean() + (~taken[truth]).mean()) / 2)
            result[way] = {"entrant": model.entrant.name, "wrong": wrong}
        result[way] |= {kind: auc(scores[kind], pairs) for kind, pairs in judged.items()}
        print(way, result[way], flush=True)
    return result


def main() -> None:
    """Measure, and print each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    seeds, captions = (1, 1) if given.quick else (3, 2)
    keys = [{"seed": seed, "captions": captions} for seed in range(seeds)]
    rows = measure("pairs", keys, run, budget=25 * 60)
    lines = []
    for way in WAYS:
        line: Row = {"told apart by": way}
        for kind in ("nearest", "random"):
            first = rows[0][way][kind]
            line[f"AUC, {kind} strangers"] = (
                describe([row[way][kind]["value"] for row in rows])
                if len(rows) > 1
                else f"{first['value']:.3f} [{first['low']:.3f}, {first['high']:.3f}]"
            )
        line["wrong"] = describe([row[way]["wrong"] for row in rows]) if way in MATCHERS else ""
        lines.append(line)
    table(lines, list(lines[0]))


if __name__ == "__main__":
    sys.exit(main())
