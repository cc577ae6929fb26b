"""A whole fit beside its encoding alone: what the contest adds to the time of the networks.

    python benchmarks/fit.py               about 35 minutes: 5,000 products, one run
    python benchmarks/fit.py --rows 2000   about 15
    python benchmarks/fit.py --full        three runs

Photos go through CLIP ViT-B/32 and titles through a MiniLM of six layers, of true size with random
weights, in float32, bfloat16 or int8 as `auto` chooses; a year stands beside them, and the kind of
product is learned. `encode` is `plait.embed` of both columns, `without cache` the same with the
cache off; `fit` and `compare` (eight fusions) begin with an empty cache too, `again` means with a
full one. Each is a process of its own, so seconds hold imports and compiling, and megabytes are its
peak; weights count 492.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from embed import models
from rows import Row, data_folder, in_process, measure, table

STEPS = ("encode", "encode again", "encode without cache", "fit", "fit again", "compare")
FUSIONS = ("concat", "mean", "projection", "gated", "ensemble", "bilinear", "low_rank", "experts")


def step(name: str, rows: int, seed: int) -> None:
    """Do one thing."""
    import plait
    from plait.encoders.config import choose_encoders
    from plait.progress import Progress

    home, quiet = data_folder() / "products", Progress(show=False)
    frame = pd.read_csv(home / "products.csv").dropna(subset=["title", "photo"])
    frame = frame.sample(min(rows, len(frame)), random_state=seed).reset_index(drop=True)
    read = plait.read(frame[["photo", "title", "year", "masterCategory"]], folder=home)
    encoders = choose_encoders([f"image={models() / 'clip'}", f"text={models() / 'minilm'}"])
    config = replace(plait.FitConfig(seed=seed, folds=1), encoders=encoders)
    said = {"title": "text", "year": "number"}
    if name.startswith("encode"):
        if name == "encode without cache":
            encoders = replace(encoders, pretrained=replace(encoders.pretrained, cache=False))
        plait.embed(read, modalities=said, config=encoders, progress=quiet)
    elif name == "compare":
        plait.compare(
            read, "masterCategory", modalities=said, fusions=FUSIONS, config=config, progress=quiet
        )
    else:
        plait.fit(read, "masterCategory", modalities=said, config=config, progress=quiet)


def run(key: Row) -> Row:
    """Time one step, in a process of its own."""
    cache = Path(tempfile.gettempdir()) / "plait-fit-cache"
    os.environ["PLAIT_CACHE"] = str(cache)
    if not key["step"].endswith("again"):
        shutil.rmtree(cache, ignore_errors=True)
    return in_process(__file__, "--step", key["step"], key["rows"], key["run"])


def main() -> None:
    """Measure, and print a line for each step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--step", nargs=3)
    arguments = parser.parse_args()
    if arguments.step:
        name, rows, seed = arguments.step
        start = time.perf_counter()
        step(name, int(rows), int(seed))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": time.perf_counter() - start, "megabytes": peak}))
        return
    models()
    keys = [
        {"rows": arguments.rows, "run": number, "step": name}
        for number in range(3 if arguments.full else 1)
        for name in STEPS
    ]  # fmt: skip
    found = measure("fit", keys, run, budget=40 * 60)
    lines = []
    for name in STEPS:
        own = {row["run"]: row for row in found if row["step"] == name}
        base = {row["run"]: row["seconds"] for row in found if row["step"] == "encode"}
        first = {row["run"]: row["seconds"] for row in found if row["step"] == "fit"}
        if own:
            seconds = [row["seconds"] for row in own.values()]
            encoding = [row["seconds"] / base[number] for number, row in own.items()]
            fits = [row["seconds"] / first[n] for n, row in own.items() if n in first]
            lines.append({
                "step": name, "seconds": float(np.median(seconds)),
                "times encoding": float(np.median(encoding)),
                "times fit": float(np.median(fits)) if fits else "",
                "peak MB": max(row["megabytes"] for row in own.values()),
            })  # fmt: skip
    table(lines, ["step", "seconds", "times encoding", "times fit", "peak MB"])


if __name__ == "__main__":
    sys.exit(main())
