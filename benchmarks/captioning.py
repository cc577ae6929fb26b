"""Photographs described in words: by a decoder of its own, and by a small language model.

    python benchmarks/weights.py               the encoder and the language model, once
    python benchmarks/captioning.py            one seed
    python benchmarks/captioning.py --full     three seeds, more epochs

Flickr (../shared/data): 700 photos with five captions each to learn from, 200 others are described
once and judged by their five captions (the published split; 100 more are left out). Photos are read
by a frozen MobileNetV2 (49 cells). Beside what is learned stand one caption for all photos, and the
captions of the photo with the nearest vector. SmolLM2-135M has weights of four bits and learns
nothing itself (`none`), or by LoRA.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from rows import RESULTS, Row, describe, measure, table
from text_targets import flickr_captions

from plait import FitConfig
from plait.config import from_json
from plait.encoders.config import choose_encoders
from plait.evaluate.written import scores_of
from plait.making.material import Material, Parted
from plait.making.reading import ready
from plait.progress import Progress
from plait.report.written_plots import reward_plot
from plait.train.record import Record
from plait.writer.building import build
from plait.writer.comparing import constant, nearest_rows
from plait.writer.judging import written
from plait.writer.learning import learn
from plait.writer.material import gather

os.environ.setdefault("PLAIT_MODELS", str(Path(__file__).parents[1] / "build" / "models"))
QUIET = Progress(show=False)
SMOL = "SmolLM2-135M-Instruct"
WAYS = ("one caption for all", "captions of the nearest photo", "decoder from scratch",
        "decoder, then CIDEr as reward", "SmolLM2, projection alone", "SmolLM2, LoRA")  # fmt: skip
SHOWN = ("cider", "bleu_4", "rouge_l", "meteor")


def config_of(way: str, seed: int, full: bool) -> FitConfig:
    """Return the settings of what learns."""
    write: Row = {"width": 256, "layers": 2, "longest": 24, "dropout": 0.3}
    writing: Row = {"epochs": 30, "least_steps": 1, "batch_size": 64, "patience": 5,
                    "learning_rate": 1e-3}  # fmt: skip
    if "reward" in way:
        write["reinforce"] = {"reward": "cider", "group": 5}
    if way.startswith("SmolLM2"):
        write |= {"language_model": SMOL, "instruction": "Describe the photo in one sentence.",
                  "tuning": {"way": "lora" if "LoRA" in way else "none", "rate": 2e-5}}  # fmt: skip
        writing |= {"epochs": 6 if full else 2, "batch_size": 16, "patience": 2,
                    "modality_dropout": 0.0}  # fmt: skip
    config = from_json(FitConfig, {"seed": seed, "write": write, "writing": writing})
    encoders = choose_encoders(["image=mobilenet_v2"], config.encoders)
    return ready(replace(config, encoders=encoders), "quick")


def prepared(config: FitConfig) -> tuple[Material, Parted, np.ndarray, list[list[str]]]:
    """Return the rows, which of them learn, the photos that are judged, and their captions."""
    rows, references = flickr_captions()
    kept = np.flatnonzero([part in ("train", "test") for part in rows.values("split")])
    rows = rows.take(kept)
    material, parted = gather(
        rows, "caption:text", {"photo": "image"}, [], "column:split", config, QUIET
    )
    photos = rows.values("photo")
    return material, parted, parted.judged, [references[photos[row]] for row in parted.judged]


def run(key: Row) -> Row:
    """Describe the photos in one way, and return its scores and some of its captions."""
    config = config_of(key["way"], key["seed"], key["full"])
    material, parted, judged, references = prepared(config)
    start = time.perf_counter()
    facts: Row = {}
    if key["way"] == WAYS[0]:
        texts = constant(material, parted, judged)
    elif key["way"] == WAYS[1]:
        frozen = build(material.sources, config).frozen
        nearest = nearest_rows(material, parted, judged, frozen, key["seed"])
        texts = [material.values[parted.learning[row]] for row in nearest]
    else:
        model = learn(material, parted.learning, config, Record(), QUIET)
        facts = {"stages": model.facts.get("rewarded", [])}
        texts = [text or "" for text in written(model, material, judged, QUIET).values]
    seconds = time.perf_counter() - start
    found = scores_of(texts, references, np.arange(len(texts)), key["seed"], thorough=True)
    scores = {name: [value, *np.percentile(draws, [2.5, 97.5]).tolist()]
              for name, (value, draws) in found.items()}  # fmt: skip
    shown = [[texts[n], references[n][0]] for n in range(0, len(texts), 25)]
    return {**facts, "scores": scores, "seconds": seconds, "shown": shown}


def main() -> None:
    """Measure, and print a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    full = parser.parse_args().full
    keys = [{"way": way, "seed": seed, "full": full}
            for seed in range(3 if full else 1) for way in WAYS]  # fmt: skip
    rows = measure("captioning", keys, run, budget=40 * 60)
    lines = []
    for way in WAYS:
        own = [row for row in rows if row["way"] == way]
        if not own:
            continue
        line: Row = {"way": way}
        for name in SHOWN:
            value, low, high = own[0]["scores"].get(name, [float("nan")] * 3)
            values = [row["scores"].get(name, [float("nan")])[0] for row in own]
            one = f"{value:.3f} [{low:.3f}, {high:.3f}]"
            line[name] = one if len(own) == 1 else describe(values)
        lines.append({**line, "seconds": float(np.mean([row["seconds"] for row in own]))})
    table(lines, ["way", *SHOWN, "seconds"])
    for row in rows:
        if row.get("stages") and row["seed"] == 0:
            print(reward_plot(row["stages"], "cider", RESULTS / "rewards.png"))
        for said, known in row["shown"][:4] if row["seed"] == 0 else []:
            print(f"{row['way']}: {said!r}; by a person: {known!r}")


if __name__ == "__main__":
    sys.exit(main())
