"""Masks: the streets of CamVid by class, and what a phrase means in a scene of emoji.

    python benchmarks/segment.py            one seed of streets, one of phrases; goes on when killed
    python benchmarks/segment.py --full     three seeds, more epochs, more scenes

Streets: 367 pictures of 240 x 180 pixels to learn from, 101 to choose by, 233 to be judged (Brostow
et al., 2008), 11 classes; a network from scratch, and the maps of a MobileNetV2 that was trained on
ImageNet (`benchmarks/weights.py`), as they are and trained on.

Phrases: scenes of seven tinted emoji and phrases that need both the words and the picture
(`plait.scenes.phrased`), with pairs of names and colours, and of names and directions, that were
never seen in training. Beside what reads both stand what sees the picture alone and what sees grey
pictures: the floors that a broken fusion falls to.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from rows import Row, data_folder, describe, measure, table

import plait
from plait import FitConfig
from plait.config import from_json
from plait.data.table import Table
from plait.evaluate.segmented import JudgedPhrases
from plait.metrics.segmentation import generalised_iou
from plait.progress import Progress
from plait.scenes.phrased import write_phrases
from plait.segmenter.building import ready
from plait.segmenter.comparing import Contest
from plait.segmenter.files import draw_masks
from plait.segmenter.learning import Ready, gathered, segment
from plait.train.record import Record

HOME = Path(__file__).parents[1] / "build" / "phrases"
RESULTS = Path(__file__).parent / "results"
QUIET = Progress(show=False)
STREETS = ("from scratch", "MobileNetV2", "MobileNetV2, trained on")
PHRASES = ("both", "picture alone", "phrase alone")
EPOCHS = {False: 36, True: 80}
"""Of phrases, for the small run and the full one."""

DECODER = "sides"
"""Rows without it are of the decoder before, which knew neither sides nor whether all is empty."""


def streets(key: Row) -> Row:
    """Let one encoder learn streets, and return its scores on the test pictures."""
    entrant, full = key["entrant"], key["full"]
    encoders: dict[str, Any] = {"trained": {"width": 96, "layers": 1}}
    if entrant != STREETS[0]:
        folder = Path(os.environ.get("PLAIT_MODELS", "build/models")) / "mobilenet_v2"
        encoders["of_image"] = str(folder)
    if entrant == STREETS[2]:
        encoders["finetune"] = {"way": "all", "rate": 3e-4, "decay": 1.0}
    config = from_json(FitConfig, {
        "seed": key["seed"],
        "encoders": encoders,
        "segment": {"side": 192, "width": 64, "void": [11], "flip": True},
        "segmenting": {"epochs": 120 if full else 20, "least_steps": 1, "patience": 1000,
                       "batch_size": 8, "learning_rate": 1e-3, "validation_share": 0.0},
    })  # fmt: skip
    rows = plait.read(data_folder() / "roads" / "roads.csv")
    start = time.perf_counter()
    model = segment(rows, "mask", split="column:split", config=config, progress=QUIET)
    seconds = time.perf_counter() - start
    held = rows.take(np.flatnonzero(np.array(rows.values("split")) == "test"))
    sheet = RESULTS / f"streets-{STREETS.index(entrant)}-{key['seed']}.png"
    draw_masks(model, model.judge(held, QUIET), sheet)
    judged = model.facts["judged"]
    return {
        "scores": {name: own["value"] for name, own in judged["scores"].items()},
        "low": judged["scores"]["mean_iou"]["low"],
        "high": judged["scores"]["mean_iou"]["high"],
        "classes": {own["name"]: own["iou"] and own["iou"]["value"] for own in judged["classes"]},
        "judged": judged["rows"],
        "parameters": sum(p.numel() for p in model.network.parameters()),
        "seconds": seconds,
    }


def phrase_config(seed: int, epochs: int) -> FitConfig:
    """Return the settings of phrases."""
    return ready(from_json(FitConfig, {
        "seed": seed,
        "fusion": "self_attention",
        "fusion_settings": {"width": 96, "dropout": 0.0},
        "encoders": {"trained": {"width": 96, "layers": 1, "dropout": 0.0}},
        "segment": {"side": 96, "width": 48, "dropout": 0.0, "augment": False},
        "segmenting": {"epochs": epochs, "least_steps": 1, "patience": 1000,
                       "batch_size": 32, "learning_rate": 1e-3, "validation_share": 0.0},
    }), "quick")  # fmt: skip


def gathered_phrases(rows: Table, config: FitConfig) -> Ready:
    """Return phrases made ready."""
    return gathered(
        rows, "mask", {"phrase": "text"}, ["kind", "combination"], "column:split", config, QUIET
    )


def phrases(key: Row) -> Row:
    """Let one entrant learn phrases, and return gIoU by kind, seen and new."""
    full = key["full"]
    folder = HOME.with_name("phrases-full") if full else HOME
    if not folder.is_dir():
        write_phrases(folder, 4000 if full else 400, 0, 96)
    rows = plait.read(folder / "phrases.csv")
    config = phrase_config(key["seed"], EPOCHS[full])
    made = gathered_phrases(rows, config)
    contest = Contest(made, "picture", config, QUIET)
    only = ["picture"] if key["entrant"] == PHRASES[1] else None
    under_way = HOME.with_name(f"{'-'.join(str(value) for value in key.values())}.safetensors")
    start = time.process_time()
    model, judged = contest.learned(
        config.fusion, only, key["entrant"] == PHRASES[2], Record(under_way)
    )
    seconds = time.process_time() - start
    under_way.unlink(missing_ok=True)
    found = JudgedPhrases.of((truth, said) for _, truth, said in model.pairs(judged, QUIET))
    kinds = np.array([f"{kind}, {combination}" for kind, combination in
                      zip(made.judged.values("kind"), made.judged.values("combination"),
                          strict=True)])  # fmt: skip
    by_kind = {
        str(kind): [float(generalised_iou(found.intersections[kinds == kind],
                                          found.unions[kinds == kind])),
                    int((kinds == kind).sum())]
        for kind in np.unique(kinds)
    }  # fmt: skip
    if key["entrant"] == PHRASES[0]:
        draw_masks(model, model.judge(judged, QUIET), RESULTS / f"phrases-{key['seed']}.png")
    return {
        "giou": float(generalised_iou(found.intersections, found.unions)),
        "kinds": by_kind,
        "judged": len(kinds),
        "learned": len(made.parted.learning),
        "seconds": seconds,
    }


def main() -> None:
    """Measure, and print a table for streets and one for phrases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    full = parser.parse_args().full
    seeds = range(3 if full else 1)
    keys = [
        {"table": name, "entrant": entrant, "seed": seed, "full": full, "decoder": DECODER}
        for seed in seeds
        for name, entrants in (("phrases", PHRASES), ("streets", STREETS))
        for entrant in entrants
    ]
    runs = {"phrases": phrases, "streets": streets}
    rows = measure("segment", keys, lambda key: runs[key["table"]](key), budget=40 * 60)
    lines = []
    for entrant in STREETS:
        own = [r for r in rows if (r["table"], r["entrant"]) == ("streets", entrant)]
        if own:
            names = ("mean_iou", "pixel_accuracy", "boundary_f1")
            scores = {name: describe([row["scores"][name] for row in own]) for name in names}
            lines.append({"streets": entrant, "parameters": own[0]["parameters"], **scores,
                          "seconds": np.mean([row["seconds"] for row in own])})  # fmt: skip
    table(lines, ["streets", "parameters", "mean_iou", "pixel_accuracy", "boundary_f1", "seconds"])
    lines = []
    of_phrases = [r for r in rows if r["table"] == "phrases"]
    for kind in ("all", *(of_phrases[0]["kinds"] if of_phrases else ())):
        line: Row = {"phrases": kind}
        for entrant in PHRASES:
            own = [row for row in of_phrases if row["entrant"] == entrant]
            values = [r["giou"] if kind == "all" else r["kinds"][kind][0] for r in own]
            line[entrant] = describe(values) if values else ""
            if own:
                line["judged"] = own[0]["judged"] if kind == "all" else own[0]["kinds"][kind][1]
        lines.append(line)
    table(lines, ["phrases", "judged", *PHRASES])


if __name__ == "__main__":
    sys.exit(main())
