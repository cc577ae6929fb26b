"""A contrastive step of CLIP ViT-B/32: plait's training of both towers beside a bare loop.

    python benchmarks/speed_align.py            about 15 minutes: three pairs a precision
    python benchmarks/speed_align.py --full     ten pairs

Photos and captions of Flickr, batch 32, every weight of both towers trained, true size with random
weights. The bare loop is transformers' own `CLIPModel(..., return_loss=True)` with AdamW on the
same prepared batches; plait's holds gradient clipping, negatives that are masked, the schedule and
the optimiser too. Both do three steps after one that is not counted, each in a process of its own,
in turns. `parts` computes plait's batch in two parts by gradient caching, which takes half the
memory of activations for a second forward pass. open_clip imports torchvision, which must fit the
build of torch; where it does not, it cannot be measured.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from embed import models
from rows import Row, data_folder, describe, in_process, measure, table
from torch import Tensor

import plait
from plait.cache import fit_and_encode
from plait.data.loader import Reader
from plait.data.quality import Ledger
from plait.data.table import Table
from plait.encoders.config import choose_encoders, fine_tuned
from plait.encoders.pretrained.tuned import fit_sharing, tuned_of
from plait.network import Network
from plait.progress import Progress
from plait.spaces.aligning import _columns, _ready
from plait.spaces.config import AlignConfig
from plait.spaces.material import material_of
from plait.spaces.network import built, towers_of
from plait.train.config import TrainConfig
from plait.train.loop import train
from plait.train.step import Lesson

BATCH, STEPS = 32, 3
LOOPS = ("bare", "plait", "plait in two parts")
SAID = {"photo": "image", "caption": "text"}


def pairs() -> Table:
    """Return as many photos with a caption as the steps take."""
    home = data_folder() / "flickr"
    frame = pd.read_csv(home / "captions.csv").drop_duplicates("photo")[list(SAID)]
    return plait.read(frame.head(BATCH * (STEPS + 1)).reset_index(drop=True), folder=home)


def bare(precision: str) -> float:
    """Return the seconds of the steps of a loop as a person writes it."""
    from PIL import Image
    from transformers import AutoImageProcessor, AutoTokenizer, CLIPModel

    folder, rows = models() / "clip", pairs()
    model = CLIPModel.from_pretrained(folder).train()
    reads = AutoImageProcessor.from_pretrained(folder, backend="pil")
    words = AutoTokenizer.from_pretrained(models() / "minilm")
    photos = [Image.open(data_folder() / "flickr" / p).convert("RGB") for p in rows.values("photo")]
    pixels = reads(photos, return_tensors="pt")["pixel_values"]
    texts = words(rows.values("caption"), padding=True, return_tensors="pt")
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0.1, fused=True)

    def step(batch: Tensor) -> None:
        optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            found = model(
                pixel_values=pixels[batch],
                input_ids=texts["input_ids"][batch],
                attention_mask=texts["attention_mask"][batch],
                return_loss=True,
            )
        found.loss.backward()
        optimiser.step()

    batches = torch.arange(len(pixels)).split(BATCH)
    step(batches[0])
    start = time.perf_counter()
    for batch in batches[1:]:
        step(batch)
    return time.perf_counter() - start


def plait_steps(precision: str, parts: int) -> float:
    """Return the seconds of the same steps in plait."""
    clip = models() / "clip"
    encoders = fine_tuned(choose_encoders([f"image={clip}", f"text={clip}"]), "all")
    pretrained = replace(encoders.pretrained, precision="float32", cache=False)
    config = AlignConfig(encoders=replace(encoders, pretrained=pretrained))
    groups, quiet = _columns(pairs(), list(SAID), None, SAID, ())[1], Progress(show=False)
    config = _ready(config, "quick")
    material, config = material_of(Reader(pairs(), Ledger()), groups, (), None, config, quiet)
    rows, nothing = np.arange(BATCH * (STEPS + 1)), np.zeros((BATCH * (STEPS + 1), 1))
    frozen = built(groups, config)[0]
    encoded = fit_and_encode(frozen, material.rows.samples, rows, nothing, 0, material.rows.raw)
    widths = {name: features.width for name, features in encoded.features.items()}
    towers = towers_of(groups, widths, {}, config, ())
    network = Network(tuned_of(frozen, config.encoders.finetune), towers.fusion, towers.task)
    inputs = encoded.inputs(network.fusion.widths, network.by_name)
    fit_sharing(network.by_name, inputs, 0)  # type: ignore[arg-type]
    lesson = Lesson(inputs, torch.from_numpy(material.keys), torch.ones(len(rows)))
    settings = TrainConfig(
        epochs=1, least_steps=1, batch_size=BATCH, accumulate=parts, validation_share=0.0,
        precision=precision, clip=1.0, modality_dropout=0.0,
    )  # fmt: skip

    def steps(own: Lesson) -> float:
        start = time.perf_counter()
        train(network, own, settings, 0)
        return time.perf_counter() - start

    steps(lesson.take(torch.arange(BATCH)))
    return steps(lesson.take(torch.arange(BATCH, len(rows))))


def run(key: Row) -> Row:
    """Time one loop, in a process of its own."""
    return in_process(__file__, "--step", key["loop"], key["precision"])


def main() -> None:
    """Measure, and print a line for each loop and precision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--step", nargs=2)
    arguments = parser.parse_args()
    if arguments.step:
        loop, precision = arguments.step
        torch.set_num_threads(os.cpu_count() or 1)
        parts = 2 if loop.endswith("parts") else 1
        seconds = bare(precision) if loop == "bare" else plait_steps(precision, parts)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"samples_a_second": BATCH * STEPS / seconds, "megabytes": peak}))
        return
    models()
    keys = [
        {"pair": pair, "precision": precision, "loop": loop}
        for pair in range(10 if arguments.full else 3)
        for precision in ("float32", "bfloat16") for loop in LOOPS
    ]  # fmt: skip
    rows = measure("speed_align", keys, run, budget=40 * 60)
    lines = []
    for precision, loop in ((p, loop) for p in ("float32", "bfloat16") for loop in LOOPS):
        own = {r["pair"]: r for r in rows if (r["precision"], r["loop"]) == (precision, loop)}
        base = {r["pair"]: r for r in rows if (r["precision"], r["loop"]) == (precision, "bare")}
        ratios = [
            row["samples_a_second"] / base[pair]["samples_a_second"]
            for pair, row in own.items() if pair in base
        ]  # fmt: skip
        if len(ratios) > 1:
            lines.append({
                "precision": precision, "loop": loop,
                "samples/s": float(np.median([row["samples_a_second"] for row in own.values()])),
                "times the bare loop": describe(ratios),
                "peak MB": max(row["megabytes"] for row in own.values()),
            })  # fmt: skip
    table(lines, ["precision", "loop", "samples/s", "times the bare loop", "peak MB"])


if __name__ == "__main__":
    sys.exit(main())
