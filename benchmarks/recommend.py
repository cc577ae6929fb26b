"""What users of MovieLens choose next: popularity, item-kNN, and two towers with and without parts.

    python benchmarks/recommend.py            about 30 minutes on one core: three seeds, four ways
    python benchmarks/recommend.py --full     all ways
    python benchmarks/recommend.py --quick    one seed, two passes over the choices: does it run?

A choice is a rating of 4 or 5 (54,916, of 942 users). The latest fifth of them is judged, each user
at each of his moments with all that he chose strictly before; films are those that were ever rated.
A tenth of the films, other ones with each seed, is hidden from learning: `new` is how well these
are found among themselves and the few that nobody had chosen yet; all other scores leave them out.
The rows of the data come as people rated lists that the site showed them, so that a good part of
the order is the site's (Fan et al., TOIS 2024). Research use only.

Rows of `networks` read posters and plots with the frozen networks in PLAIT_MODELS, and are skipped
without it.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from rows import Row, data_folder, describe, measure, table

import plait
from plait.data.interactions import Positive
from plait.data.table import Table
from plait.encoders.config import choose_encoders
from plait.evaluate.recommend import Moments, Scores, cut_by_time, judge
from plait.layers import one_thread
from plait.progress import Progress
from plait.recommendation.config import RecommendConfig
from plait.recommendation.learning import NAME, baselines_of, learn, material_of, ready

HIDDEN = 0.1
CONTENT = RecommendConfig(identity=0)
WAYS: dict[str, tuple[RecommendConfig, str]] = {
    "identities alone": (RecommendConfig(), "none"),
    "content alone": (CONTENT, "classical"),
    "both": (RecommendConfig(), "classical"),
    "both, mean of the history": (RecommendConfig(history="mean"), "classical"),
    "both, no history": (RecommendConfig(history="none"), "classical"),
    "networks": (RecommendConfig(), "networks"),
    "networks, content alone": (CONTENT, "networks"),
}
MAIN = ("identities alone", "content alone", "both", "both, no history")
"""Ways that are tried without --full."""

WORDS = ("title", "plot", "director", "actors")
COLUMNS = {
    "none": [],
    "classical": [*WORDS, "ml_genres", "year", "rated", "runtime", "country", "language"],
    "networks": ["title", "plot", "ml_genres", "year", "rated", "runtime", "poster"],
}


@cache
def ratings(content: str) -> Table:
    """Return ratings joined to users, and to films with some of their columns."""
    import pandas as pd

    home = data_folder() / "movies"
    rows = pd.read_csv(home / "ratings.csv")
    films = pd.read_csv(home / "movies.csv")
    films = films[films["ml1m_id"].isin(rows["ml1m_id"])][["ml1m_id", *COLUMNS[content]]]
    films = plait.read(films, folder=home)
    return plait.read(rows, join={"user": home / "users.csv", "ml1m_id": films})


@one_thread()
def run(key: Row) -> Row:
    """Learn one recommender, and judge it."""
    config, content = WAYS[key["way"]]
    train = replace(config.train, epochs=key["epochs"], least_steps=1)
    names = ["image=mobilenet_v2", "text=all-MiniLM-L6-v2"] if content == "networks" else []
    config = replace(config, seed=key["seed"], train=train,
                     encoders=choose_encoders(names, config.encoders))  # fmt: skip
    config = ready(config, "quick")
    said = {f"ml1m_id.{name}": "text" for name in WORDS if name in COLUMNS[content]}
    positive = Positive.parse("rating >= 4")
    columns = ("user", "ml1m_id", "timestamp")
    material = material_of(ratings(content), columns, positive, said, ["user.zip"])
    interactions = material.interactions
    count = len(interactions.items)
    hidden = np.random.default_rng(key["seed"]).random(count) < HIDDEN
    cut = cut_by_time(interactions, config.held_out)
    learned = interactions.take((interactions.time < cut) & ~hidden[interactions.item])
    found = learn(material, learned, config, Progress())

    def without(scores: Scores) -> Scores:
        def masked(moments: Moments) -> np.ndarray:
            return np.where(hidden, -1e9, scores(moments))

        return masked

    own, baselines = {NAME: found.scores}, baselines_of(learned, config)
    shown = interactions.take(~hidden[interactions.item])
    board = judge({NAME: without(found.scores)}, {n: without(s) for n, s in baselines.items()},
                  shown, learned, cut, key["seed"])  # fmt: skip
    new = judge(own, baselines, interactions, learned, cut, key["seed"])
    result: Row = {"moments": board.moments, "users": board.users, "new": new.new,
                   "new_moments": new.new_moments, "chance_new": 10 / new.new}  # fmt: skip
    for line, other in zip(board.lines, new.lines, strict=True):
        result[line.name] = _numbers(line, other)
    return result


def _numbers(line: Any, other: Any) -> Row:
    gain = line.gain and [line.gain.value, line.gain.low, line.gain.high]
    return {
        **{name: score.value for name, score in line.scores.items()},
        "coverage@10": line.coverage["@10"],
        "new recall@10": other.new_items["recall@10"].value,
        "gain": gain,
    }


def main() -> None:
    """Measure, and print each way beside the baselines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--epochs", type=int, default=8, help="Most passes over the choices.")
    given = parser.parse_args()
    epochs, seeds = (2, range(1)) if given.quick else (given.epochs, range(3))
    asked = list(WAYS) if given.full else list(MAIN)
    ways = [way for way in asked if "networks" not in way or os.environ.get("PLAIT_MODELS")]
    if len(ways) < len(asked):
        print("PLAIT_MODELS is not set: no rows of networks", file=sys.stderr)
    keys = [{"seed": seed, "epochs": epochs, "way": way} for seed in seeds for way in ways]
    rows = measure("recommend", keys, run, budget=40 * 60)
    lines = []
    first = [row for row in rows if row["way"] == ways[0]]
    for name in ("popularity", "item-kNN"):
        lines.append(_line(name, [row[name] for row in first], []))
    for way in ways:
        own = [row for row in rows if row["way"] == way]
        gains = [row[NAME]["nDCG@10"] - row["item-kNN"]["nDCG@10"] for row in own]
        if own:
            lines.append(_line(way, [row[NAME] for row in own], gains))
    chance = float(np.mean([row["chance_new"] for row in rows]))
    lines.append({"way": "chance", "new recall@10": chance})
    table(lines, ["way", "seeds", "recall@10", "nDCG@10", "recall@20", "nDCG@20", "coverage@10",
                  "gain over item-kNN", "new recall@10"])  # fmt: skip


def _line(way: str, found: list[Row], gains: list[float]) -> Row:
    means = {name: float(np.mean([one[name] for one in found]))
             for name in found[0] if name != "gain"}  # fmt: skip
    shown = describe(gains) if len(gains) > 1 else f"{gains[0]:+.3f}" if gains else ""
    return {"way": way, "seeds": len(found), **means, "gain over item-kNN": shown}


if __name__ == "__main__":
    sys.exit(main())
