"""Questions about pictures and clips, answered in words by a decoder that learned from nothing.

    pip install easy-vqa==1.0
    python benchmarks/questions.py            one seed; what is killed goes on
    python benchmarks/questions.py --full     three seeds, more scenes, more epochs

Easy-VQA: 38,575 questions about 4,000 pictures to learn from, 9,673 about 1,000 others, by the
authors' split. Scenes and clips: tinted emoji, composed by `plait.scenes`, with pairs of names and
colours (and directions) that are never seen in training. Each is answered from all columns, from
the picture or clip alone, and from the question alone: the floor that a fusion falls to which reads
only one. Right is what is equal after the normalisation of SQuAD. Encoders are trained from
scratch, early fusion is self-attention over the tokens of both.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from rows import Row, describe, measure, table
from text_targets import write_easy_vqa

import plait
from plait import FitConfig
from plait.config import from_json
from plait.data.table import Table
from plait.encoders.config import choose_encoders
from plait.metrics.text import TEXT_METRICS
from plait.progress import Progress
from plait.scenes.clips import write_clips
from plait.scenes.pictures import write_scenes
from plait.train.record import Record
from plait.writer.learning import learn
from plait.writer.material import gather

HOME = Path(__file__).parents[1] / "build" / "questions"
QUIET = Progress(show=False)
ENTRANTS = ("all", "media alone", "question alone")
MEDIA = {"easy-vqa": "picture", "scenes": "picture", "clips": "clip"}
EPOCHS = {"easy-vqa": 20, "scenes": 20, "clips": 30}


def rows_of(name: str, full: bool) -> Table:
    """Return the table of a name, written when it is not there."""
    folder = HOME / (name if name == "easy-vqa" or not full else f"{name}-full")
    if not folder.is_dir():
        HOME.mkdir(parents=True, exist_ok=True)
        match name:
            case "easy-vqa":
                write_easy_vqa(folder)
            case "scenes":
                write_scenes(folder, 6000 if full else 2000, 0, size=96)
            case _:
                write_clips(folder, 2000 if full else 600, 0, size=64)
    file = {"easy-vqa": "questions.csv", "scenes": "scenes.csv", "clips": "clips.csv"}[name]
    return plait.read(folder / file)


def config_of(name: str, seed: int, full: bool) -> FitConfig:
    """Return the settings."""
    own = {"width": 96, "side": 64, "layers": 1, "heads": 4, "dropout": 0.0,
           "augment": False}  # fmt: skip
    config = from_json(FitConfig, {
        "seed": seed,
        "fusion": "self_attention",
        "fusion_settings": {"width": 96, "layers": 2, "dropout": 0.0},
        "encoders": {"trained": own, "video": {"frames": 16}},
        "write": {"width": 96, "layers": 1, "longest": 6, "smoothing": 0.0, "dropout": 0.0},
        "writing": {"epochs": EPOCHS[name] * (2 if full else 1), "least_steps": 1, "patience": 100,
                    "batch_size": 32, "learning_rate": 5e-4, "modality_dropout": 0.0,
                    "validation_share": 0.02, "precision": "float32"},
    })  # fmt: skip
    kinds = {"image": "convolutional", "text": "transformer", "video": "convolutional",
             "audio": "convolutional"}  # fmt: skip
    chosen = [f"{kind}={encoder}" for kind, encoder in kinds.items()]
    return replace(config, encoders=choose_encoders(chosen, config.encoders))


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
