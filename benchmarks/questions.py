"""Questions about pictures and clips, answered in words by a decoder that learned from nothing.

    pip install easy-vqa==1.0 && python benchmarks/weights.py
    python benchmarks/questions.py            one seed; what is killed goes on
    python benchmarks/questions.py --full     three seeds, more scenes, more epochs

Easy-VQA: 38,575 questions about 4,000 pictures to learn from, 9,673 about 1,000 others, by the
authors' split. Scenes and clips: tinted emoji, composed by `plait.scenes`, with pairs of names and
colours (and directions) that are never seen in training. Each is answered from all columns, from
the picture or clip alone, and from the question alone: the floor that a fusion falls to which reads
only one. Right is what is equal after the normalisation of SQuAD. Encoders are trained from
scratch, but for pictures of scenes, which the frozen MobileNetV2 of `benchmarks/weights.py` reads;
of each scene that is learned from, all things are also told from left to right. Early fusion is
self-attention over the tokens of both.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from rows import Row, describe, measure, table
from text_targets import write_easy_vqa

import plait
from plait import FitConfig
from plait.config import from_json
from plait.data.table import Table
from plait.encoders.config import choose_encoders
from plait.making.reading import ready
from plait.metrics.text import TEXT_METRICS
from plait.progress import Progress
from plait.scenes.clips import write_clips
from plait.scenes.pictures import write_scenes
from plait.train.record import Record
from plait.writer.learning import learn
from plait.writer.material import gather

os.environ.setdefault("PLAIT_MODELS", str(Path(__file__).parents[1] / "build" / "models"))
HOME = Path(__file__).parents[1] / "build" / "questions"
QUIET = Progress(show=False)
ENTRANTS = ("all", "media alone", "question alone")
MEDIA = {"easy-vqa": "picture", "scenes": "picture", "clips": "clip"}
EPOCHS = {"easy-vqa": 20, "scenes": 4, "clips": 30}
COUNTS = {"scenes": (10_000, 20_000), "clips": (600, 2000)}


def rows_of(name: str, full: bool) -> Table:
    """Return the table of a name, written when it is not there."""
    count = COUNTS[name][full] if name in COUNTS else 0
    folder = HOME / (f"{name}-{count}" if count else name)
    if not folder.is_dir():
        HOME.mkdir(parents=True, exist_ok=True)
        match name:
            case "easy-vqa":
                write_easy_vqa(folder)
            case "scenes":
                write_scenes(folder, count, 0, size=96)
            case _:
                write_clips(folder, count, 0, size=64)
    if name == "scenes":
        return described(folder)
    return plait.read(folder / {"easy-vqa": "questions.csv", "clips": "clips.csv"}[name])


def described(folder: Path) -> Table:
    """Return the questions about scenes, and what is to be told of those that are learned from."""
    rows, things = (
        pd.read_csv(folder / name, dtype=str, keep_default_na=False)
        for name in ("scenes.csv", "things.csv")
    )
    things = things.assign(left=things["left"].astype(int)).sort_values("left", kind="stable")
    said = (things["colour"] + " " + things["name"]).groupby(things["picture"]).agg(", ".join)
    learned = rows[rows["split"] == "train"].drop_duplicates("picture")
    told = learned.assign(
        question="from left to right, what is there?", type="description",
        answer=learned["picture"].map(said),
    )  # fmt: skip
    return plait.read(pd.concat([rows, told], ignore_index=True), folder=folder)


def config_of(name: str, seed: int, full: bool) -> FitConfig:
    """Return the settings."""
    scenes = name == "scenes"
    width = 128 if scenes else 96
    own = {"width": width, "side": 64, "layers": 1, "heads": 4, "dropout": 0.0,
           "augment": False}  # fmt: skip
    config = from_json(FitConfig, {
        "seed": seed,
        "fusion": "self_attention",
        "fusion_settings": {"width": width, "layers": 2, "dropout": 0.0},
        "encoders": {"trained": own, "video": {"frames": 16}},
        "write": {"width": width, "layers": 1, "longest": 40 if scenes else 6, "smoothing": 0.0,
                  "dropout": 0.0},
        "writing": {"epochs": EPOCHS[name] * (2 if full else 1), "least_steps": 1, "patience": 100,
                    "batch_size": 32, "learning_rate": 5e-4, "modality_dropout": 0.0,
                    "validation_share": 0.02, "precision": "float32"},
    })  # fmt: skip
    kinds = {"image": "mobilenet_v2" if scenes else "convolutional", "text": "transformer",
             "video": "convolutional", "audio": "convolutional"}  # fmt: skip
    chosen = [f"{kind}={encoder}" for kind, encoder in kinds.items()]
    return ready(replace(config, encoders=choose_encoders(chosen, config.encoders)), "quick")


def run(key: Row) -> Row:
    """Let one entrant learn, and return the share of right answers by type of question."""
    rows = rows_of(key["table"], key["full"])
    config, media = config_of(key["table"], key["seed"], key["full"]), MEDIA[key["table"]]
    kept = (media, "question", "answer", "split")
    ignore = [name for name in rows.columns if name not in kept]
    said = {"question": "text", media: "video" if media == "clip" else "image"}
    material, parted = gather(rows, "answer:text", said, ignore, "column:split", config, QUIET)
    names = [source.name for source in material.sources]
    only = {"all": names, "question alone": ["question"],
            "media alone": [n for n in names if n != "question"]}[key["entrant"]]  # fmt: skip
    start = time.perf_counter()
    under_way = HOME / f"{'-'.join(str(value) for value in key.values())}.safetensors"
    model = learn(material, parted.learning, config, Record(under_way), QUIET, only)
    under_way.unlink(missing_ok=True)
    seconds = time.perf_counter() - start
    held = rows.take(parted.judged)
    said = [text or "" for text in model.predict(held, QUIET).values]
    right = TEXT_METRICS["exact_match"].rows(said, [[a] for a in held.values("answer")])
    kinds = np.array(held.values("type"))
    if "combination" in held:
        kinds = np.array([f"{k}, new" if c == "new" else k for k, c in
                          zip(kinds, held.values("combination"), strict=True)])  # fmt: skip
    types = {str(kind): [float(right[kinds == kind].mean()), int((kinds == kind).sum())]
             for kind in np.unique(kinds)}  # fmt: skip
    return {"right": float(right.mean()), "types": types, "judged": len(held),
            "learned": len(parted.learning), "seconds": seconds}  # fmt: skip


def main() -> None:
    """Measure, and print a line for each entrant and type."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    full = parser.parse_args().full
    keys = [
        {"table": name, "entrant": entrant, "seed": seed, "full": full}
        for seed in range(3 if full else 1) for entrant in ENTRANTS for name in MEDIA
    ]  # fmt: skip
    rows = measure("questions", keys, run, budget=40 * 60)
    lines = []
    for name in MEDIA:
        own = [row for row in rows if row["table"] == name]
        for kind in ("all", *(own[0]["types"] if own else ())):
            line: Row = {"table": name, "questions": kind}
            for entrant in ENTRANTS:
                found = [row for row in own if row["entrant"] == entrant]
                values = [r["right"] if kind == "all" else r["types"][kind][0] for r in found]
                line[entrant] = describe(values) if values else ""
                line["judged"] = found[0]["judged" if kind == "all" else "types"] if found else ""
                if found and kind != "all":
                    line["judged"] = found[0]["types"][kind][1]
            lines.append(line)
    table(lines, ["table", "questions", "judged", *ENTRANTS])


if __name__ == "__main__":
    sys.exit(main())
