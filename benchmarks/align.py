"""Search in a space that was learned, on real data: photos and captions, titles, speech, emoji.

    python benchmarks/weights.py           the encoders, once
    python benchmarks/align.py             about 20 minutes: three seeds
    python benchmarks/align.py --full      five seeds, all products, FILIP too

Flickr: 3,500 captions of 700 photos are learned from, 1,000 captions find their photo among 200,
photos their captions among 1,000 (five of them right), by the published split. Encoders are frozen
MobileNetV2 (ImageNet) and MiniLM, or classical ones, and none has seen photo and caption together.
Beside it, on the same vectors and rows, what a person writes first: a ridge regression from the
vectors of captions to those of photos, its penalty chosen by a fifth of the photos.
Spoken: the same photos, found by one spoken caption each; sounds by classical statistics, or by the
frozen encoder of Whisper tiny.en.
Products: titles find photos of articles, titles unseen; equal titles and equal photos are one.
Emoji: names in four languages, learned together, find the picture of emoji whose family is unseen.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from rows import Row, data_folder, describe, measure, table
from sklearn.linear_model import Ridge

import plait
from plait.encoders.config import choose_encoders
from plait.evaluate.retrieve import retrieve
from plait.evaluate.sides import Vectors
from plait.progress import Progress
from plait.spaces.space import AlignConfig
from plait.tasks.align import AlignTaskConfig

os.environ.setdefault("PLAIT_MODELS", str(Path(__file__).parents[1] / "build" / "models"))
FROZEN = ["image=mobilenet_v2", "text=all-MiniLM-L6-v2"]
HEARING = [*FROZEN, "audio=whisper-tiny.en"]
QUIET = Progress(show=False)

WAYS: dict[str, tuple[list[str], AlignTaskConfig]] = {
    "ridge": (FROZEN, AlignTaskConfig()),
    "classical, infonce": ([], AlignTaskConfig()),
    "frozen, infonce": (FROZEN, AlignTaskConfig()),
    "frozen, infonce, hidden layer": (FROZEN, AlignTaskConfig(hidden=512)),
    "frozen, siglip": (FROZEN, AlignTaskConfig("siglip", temperature=0.1)),
    "frozen, filip": (FROZEN, AlignTaskConfig("filip")),
    "frozen, Whisper, infonce": (HEARING, AlignTaskConfig()),
    "frozen, Whisper, filip": (HEARING, AlignTaskConfig("filip")),
}
"""Encoders and loss."""

TABLES = {
    "flickr": tuple(WAYS),
    "spoken": (
        "classical, infonce",
        "frozen, infonce",
        "frozen, Whisper, infonce",
        "frozen, Whisper, filip",
    ),
    "products": ("ridge", "classical, infonce", "frozen, infonce", "frozen, siglip"),
    "emoji": ("classical, infonce",),
}
"""Ways that are tried on each table."""

SLOW = ("frozen, filip",)
"""Tried with --full alone: each token of each row is compared with each of each other."""

LANGUAGES = ["name", "name_zh", "name_de", "name_es"]


def flickr(seed: int, full: bool) -> dict[str, object]:
    """Return what `align` is given."""
    rows = plait.read(data_folder() / "flickr" / "captions.csv")
    said = {"photo": "image", "caption": "text"}
    return {"table": rows, "left": "photo", "right": "caption", "modalities": said,
            "split": "column:split"}  # fmt: skip


def spoken(seed: int, full: bool) -> dict[str, object]:
    """Return what `align` is given."""
    rows = plait.read(data_folder() / "flickr" / "spoken.csv")
    said = {"photo": "image", "spoken": "audio"}
    return {"table": rows, "left": "photo", "right": "spoken", "modalities": said,
            "split": "column:split"}  # fmt: skip


def products(seed: int, full: bool) -> dict[str, object]:
    """Return what `align` is given."""
    home = data_folder() / "products"
    frame = pd.read_csv(home / "products.csv")[["photo", "title"]].dropna()
    if not full:
        frame = frame.sample(5000, random_state=seed)
    rows = plait.read(frame.reset_index(drop=True), folder=home)
    return {"table": rows, "left": "photo", "right": "title",
            "modalities": {"photo": "image", "title": "text"}}  # fmt: skip


def emoji(seed: int, full: bool) -> dict[str, object]:
    """Return what `align` is given."""
    rows = plait.datasets.load("emoji")
    said = {"picture": "image", **dict.fromkeys(LANGUAGES, "text")}
    return {"table": rows, "left": "picture", "right": LANGUAGES[0], "others": LANGUAGES[1:],
            "modalities": said, "key": "family", "split": "column:split"}  # fmt: skip


def run(key: Row) -> Row:
    """Learn one space, and return how well each side finds the other."""
    made = {"flickr": flickr, "spoken": spoken, "products": products, "emoji": emoji}
    words, task = WAYS[key["way"]]
    config = AlignConfig(seed=key["seed"], task=task, encoders=choose_encoders(words))
    asked, start = made[key["table"]](key["seed"], key["full"]), time.perf_counter()
    if key["way"] == "ridge":
        return {**ridge(asked, config), "seconds": time.perf_counter() - start}
    space = plait.align(**asked, config=config, progress=QUIET)  # type: ignore[arg-type]
    return {**_scores(space.facts["retrieval"]), "seconds": time.perf_counter() - start}


def _scores(found: list[Row]) -> Row:
    return {
        f"{one['query']} to {one['found']}": {
            **{name: score["value"] for name, score in one["scores"].items()},
            "gallery": one["gallery"], "chance": one["chance"],
        }
        for one in found
    }  # fmt: skip


def ridge(asked: dict[str, object], config: AlignConfig) -> Row:
    """Return how a linear map from the right side's vectors to the left's finds them."""
    from plait.config import to_json
    from plait.data.loader import Reader
    from plait.data.quality import Ledger
    from plait.spaces.aligning import _columns, _ready, _split
    from plait.spaces.material import material_of

    rows = plait.read(asked["table"])
    names = (str(asked["left"]), str(asked["right"]))
    said = asked["modalities"]
    assert isinstance(said, dict)
    groups = _columns(rows, names, None, said, ())[1]
    ready = _ready(config, "quick")
    material, _ = material_of(Reader(rows, Ledger()), groups, (), None, ready, QUIET)
    way = asked.get("split")
    learning, held, _ = _split(rows, None if way is None else str(way), material, config.seed)
    left, right = (_matrix(material.rows.samples[name]) for name in names)
    right = right / np.linalg.norm(right, axis=1, keepdims=True)
    left = left / np.linalg.norm(left, axis=1, keepdims=True)
    chosen = np.random.default_rng(config.seed).permutation(np.unique(material.together[learning]))
    inner = np.isin(material.together[learning], chosen[: len(chosen) // 5])

    def mapped(penalty: float, own: np.ndarray) -> np.ndarray:
        return np.asarray(Ridge(penalty).fit(right[own], left[own]).predict(right))

    def recall(vectors: np.ndarray, own: np.ndarray) -> list[Row]:
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        centred = left - left[learning].mean(axis=0)
        centred /= np.linalg.norm(centred, axis=1, keepdims=True)
        asks = names[::-1]
        both = (Vectors(vectors[own]), Vectors(centred[own]))
        keys = (material.keys[own, 1], material.keys[own, 0])
        return [
            to_json(
                retrieve(asks[::way], both[::way], keys[::way], material.together[own], 0)
            )
            for way in (1, -1)
        ]  # fmt: skip

    def cost(penalty: float) -> float:
        own = learning[~inner]
        found = mapped(penalty, own) - left[own].mean(axis=0)
        score: float = recall(found, learning[inner])[0]["scores"]["MRR"]["value"]
        return -score

    best = min(np.logspace(-3, 2, 11), key=cost)
    return _scores(recall(mapped(best, learning) - left[learning].mean(axis=0), held))


def _matrix(samples: object) -> np.ndarray:
    return np.stack([sample[0] for sample in samples])  # type: ignore[attr-defined]


def main() -> None:
    """Measure, and print a line for each way of each table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    full = parser.parse_args().full
    keys = [
        {"table": name, "way": way, "seed": seed, "full": full}
        for seed in range(5 if full else 3) for name, ways in TABLES.items() for way in ways
        if full or way not in SLOW
    ]  # fmt: skip
    rows = measure("align", keys, run, budget=40 * 60)
    lines = []
    for name, way in ((name, way) for name, ways in TABLES.items() for way in ways):
        own = [row for row in rows if (row["table"], row["way"]) == (name, way)]
        for pair in (pair for pair in (own[0] if len(own) > 1 else ()) if " to " in pair):
            if name == "emoji" and not pair.endswith("to picture"):
                continue
            found = [row[pair] for row in own]
            lines.append({
                "table": name, "way": way, "search": pair, "gallery": found[0]["gallery"],
                "chance": found[0]["chance"],
                **{score: describe([one[score] for one in found])
                   for score in ("recall@1", "recall@5", "recall@10")},
                "median rank": float(np.median([one["median rank"] for one in found])),
            })  # fmt: skip
    table(lines, list(lines[0]) if lines else [])


if __name__ == "__main__":
    sys.exit(main())
