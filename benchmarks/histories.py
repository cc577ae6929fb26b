"""What users of MovieLens choose next: histories in `align` beside `recommend`, on the same rows.

    python benchmarks/histories.py            160 users, some 10 minutes on one core
    python benchmarks/histories.py --quick    40 users, one pass over the choices: does it run?

A choice is a rating of 4 or 5, the first of each user and film. Both learn from the choices before
the cut that holds out the latest fifth, read the same columns of films (words by TF-IDF) and of
users, have vectors of 64 numbers and the same settings of training, and recommend at the same
moments. `recommend` corrects for popular items, as `align` does with `logq`, and may learn
identities.
Research use only; part of the order of the rows is the site's (Fan et al., TOIS 2024).
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from functools import cache

import numpy as np
from rows import Row, data_folder, measure, table

import plait
from plait.data.interactions import Interactions, Positive
from plait.data.table import Table
from plait.encoders.history import HistoryConfig
from plait.evaluate.recommend import Moments, Scores, cut_by_time, judge
from plait.layers import one_thread
from plait.progress import Progress
from plait.recommendation.config import RecommendConfig
from plait.recommendation.learning import Material, baselines_of, learn, material_of, ready
from plait.spaces.space import AlignConfig, Space
from plait.tasks.align import AlignTaskConfig

WORDS = ("title", "plot", "director", "actors")
COLUMNS = [*WORDS, "ml_genres", "year", "rated", "runtime", "country", "language"]
SAID = {f"ml1m_id.{name}": "text" for name in WORDS}
MADE = "history=ml1m_id of user by timestamp"
PLAIN = AlignTaskConfig(width=64)
CORRECTED = replace(PLAIN, logq=True)

RECOMMEND = {
    "recommend, content alone": RecommendConfig(identity=0),
    "recommend": RecommendConfig(),
}
ALIGN: dict[str, tuple[str, AlignConfig]] = {
    "align": ("user,history", AlignConfig(task=PLAIN)),
    "align, logq": ("user,history", AlignConfig(task=CORRECTED)),
    "align, logq, history alone": ("history", AlignConfig(task=CORRECTED)),
    "align, logq, no noise": ("user,history", AlignConfig(task=replace(CORRECTED, noise=0.0))),
    "align, logq, mean of the history": (
        "user,history", AlignConfig(task=CORRECTED, history=HistoryConfig("mean")),
    ),
    "align, logq, no history": ("user", AlignConfig(task=CORRECTED)),
}  # fmt: skip


@cache
def choices(users: int, seed: int) -> Table:
    """Return the choices of some users, joined to users and films."""
    import pandas as pd

    home = data_folder() / "movies"
    rows = pd.read_csv(home / "ratings.csv")
    rows = rows[rows["rating"] >= 4].sort_values("timestamp", kind="stable")
    rows = rows.drop_duplicates(["user", "ml1m_id"])
    drawn = np.random.default_rng(seed).permutation(rows["user"].unique())[:users]
    rows = rows[rows["user"].isin(drawn)]
    films = pd.read_csv(home / "movies.csv")
    films = films[films["ml1m_id"].isin(rows["ml1m_id"])][["ml1m_id", *COLUMNS]]
    people = pd.read_csv(home / "users.csv").drop(columns="zip")
    return plait.read(rows, join={"user": people, "ml1m_id": plait.read(films, folder=home)})


def aligned(rows: Table, cut: float, key: Row) -> Space:
    """Return a space of the choices before the cut."""
    left, config = ALIGN[key["way"]]
    train = replace(RecommendConfig().train, epochs=key["epochs"], least_steps=1)
    part = ["train" if time < cut else "test" for time in rows.values("timestamp")]
    marked = replace(rows, data={**rows.data, "part": part})
    return plait.align(
        marked, left, "ml1m_id", histories=[MADE] if "history" in left else [], key="user",
        modalities=SAID, split="column:part", progress=Progress(),
        config=replace(config, train=train, seed=key["seed"], start="random"),
    )  # fmt: skip


def scores_of(space: Space, rows: Table, interactions: Interactions) -> Scores:
    """Return what gives the cosines of users at moments with all films."""
    left = next(iter(space.groups))
    people, films = (rows.references[name].table for name in ("user", "ml1m_id"))
    vectors = np.nan_to_num(space.vectors(films, "ml1m_id"))

    def scores(moments: Moments) -> np.ndarray:
        asking = {
            "user": [interactions.users[user] for user in moments.user],
            "history": [[interactions.items[item] for item in own] for own in moments.before],
        }
        asked = space.vectors(plait.read(asking, join={"user": people}), left)
        found: np.ndarray = np.nan_to_num(asked) @ vectors.T
        return found

    return scores


@one_thread()
def run(key: Row) -> Row:
    """Learn in one way, and judge it."""
    rows = choices(key["users"], key["seed"])
    positive = Positive.parse("rating >= 4")
    material: Material = material_of(rows, ("user", "ml1m_id", "timestamp"), positive, SAID, [])
    interactions = material.interactions
    settings = RECOMMEND.get(key["way"], RecommendConfig())
    train = replace(settings.train, epochs=key["epochs"], least_steps=1)
    settings = ready(replace(settings, seed=key["seed"], train=train), "quick")
    cut = cut_by_time(interactions, settings.held_out)
    learned = interactions.take(interactions.time < cut)
    if key["way"] in RECOMMEND:
        own = learn(material, learned, settings, Progress()).scores
    else:
        own = scores_of(aligned(rows, cut, key), rows, interactions)
    board = judge({key["way"]: own}, baselines_of(learned, settings), interactions, learned, cut,
                  key["seed"])  # fmt: skip
    result: Row = {"learned": len(learned), "moments": board.moments, "films": board.items}
    for line in board.lines:
        result[line.name] = {
            **{name: score.value for name, score in line.scores.items()},
            "coverage@10": line.coverage["@10"],
            "gain": line.gain and [line.gain.value, line.gain.low, line.gain.high],
        }
    return result


def main() -> None:
    """Measure, and print each way beside the baselines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--epochs", type=int, default=15, help="Most passes over the choices.")
    parser.add_argument("--users", type=int, default=160)
    parser.add_argument("--seeds", type=int, default=1)
    given = parser.parse_args()
    epochs, users = (1, 40) if given.quick else (given.epochs, given.users)
    keys = [{"users": users, "seed": seed, "epochs": epochs, "way": way}
            for seed in range(given.seeds) for way in (*RECOMMEND, *ALIGN)]  # fmt: skip
    rows = measure("histories", keys, run, budget=40 * 60)
    lines = [_line(name, rows[:1]) for name in ("popularity", "item-kNN")]
    lines += [_line(way, own) for way in (*RECOMMEND, *ALIGN)
              if (own := [row for row in rows if row["way"] == way])]  # fmt: skip
    table(lines, ["way", "recall@10", "nDCG@10", "recall@20", "coverage@10", "over the better"])


def _line(way: str, rows: list[Row]) -> Row:
    """Return the means of a way over seeds, and its lead over the better baseline."""
    found = [row[way] for row in rows]
    means = {name: float(np.mean([one[name] for one in found]))
             for name in ("recall@10", "nDCG@10", "recall@20", "coverage@10")}  # fmt: skip
    gains = [one["gain"] for one in found if one["gain"]]
    shown = "; ".join(f"{value:+.3f} [{low:+.3f}, {high:+.3f}]" for value, low, high in gains)
    return {"way": way, **means, "over the better": shown}


if __name__ == "__main__":
    sys.exit(main())
