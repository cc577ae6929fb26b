"""The training loop beside a bare one: samples a second on product photos and titles, batch 64.

    python benchmarks/speed_train.py            about 10 minutes: five pairs a network
    python benchmarks/speed_train.py --full     fifteen pairs, and more rows

Both loops train the same network from the same weights on the same prepared samples, one after the
other in one process, the order turned around from pair to pair; the bare loop is what a person
writes by hand: shuffle, forward, loss, backward, AdamW, the warm-up and cosine of the learning
rate. plait's also hides modalities, checks the loss, and keeps the best weights; validation is off
in both, but the files of the first epoch are warm for both. `waiting` is the share of the loop's
time in which it reads samples.
"""

from __future__ import annotations

import argparse
import copy
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from experts import HoldOut, hold_out
from rows import Row, data_folder, describe, measure, table

import plait
from plait.encoders.config import EncoderConfig
from plait.ensemble.entrants import build_encoder
from plait.ensemble.network_expert import NetworkExpert
from plait.network import Network
from plait.train.config import TrainConfig
from plait.train.loop import train
from plait.train.step import Lesson
from plait.types import Raw

BATCH = 64
EPOCHS = {"frozen": 20, "trained": 2}
"""A head on frozen Features is quick: of fewer epochs, more than half would be starting up."""

NETWORKS = {
    "frozen, concat": (EncoderConfig(), "concat"),
    "trained, concat": (EncoderConfig(of_image="convolutional", of_text="transformer"), "concat"),
    "trained, bottleneck": (EncoderConfig(of_image="transformer", of_text="gru"), "bottleneck"),
}

SHOWN = ("samples_a_second", "bare", "ratio", "waiting", "peak_mb")

ready: dict[str, tuple[HoldOut, Network, Lesson]] = {}


class Timed(Sequence[Any]):
    """Samples, and the seconds that reading them took."""

    def __init__(self, samples: Sequence[Any]) -> None:
        self.samples, self.seconds = samples, 0.0

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, row):  # type: ignore[no-untyped-def]
        start = time.perf_counter()
        sample = self.samples[row]
        self.seconds += time.perf_counter() - start
        return sample


def prepared(name: str, rows: int) -> tuple[HoldOut, Network, Lesson]:
    """Return a table's hold-out, a network that has not learned yet, and its lesson."""
    import pandas as pd

    if name in ready:
        return ready[name]
    ready.clear()
    encoders, fusion = NETWORKS[name]
    home = data_folder() / "products"
    frame = pd.read_csv(home / "products.csv")[["photo", "title", "subCategory"]]
    config = plait.FitConfig(folds=1, encoders=encoders)
    data = hold_out(
        plait.read(frame.sample(rows, random_state=0), folder=home),
        "subCategory", config, "group:title",
    )  # fmt: skip
    problem = data.setup.problem
    made = {s.name: build_encoder(s, encoders) for s in problem.sources}
    made = {name: encoder for name, encoder in made.items() if encoder.trained}
    torch.manual_seed(0)
    widths = {n: f.width for n, f in data.learned.features.items()}
    for source, encoder in made.items():
        encoder.fit(data.learned.raw[source], data.truth, 0)
        widths[source] = encoder.width
    expert = NetworkExpert(
        data.sources, problem.target, fusion, config.fusion_settings, config.head, config.train
    )
    network = expert._build({n: widths[n] for n in expert.sources}, made)
    weight = torch.ones(len(data.truth))
    lesson = Lesson(data.learned.inputs(expert.sources), torch.from_numpy(data.truth), weight)
    ready[name] = data, network, lesson
    return ready[name]


def bare(network: Network, lesson: Lesson, config: TrainConfig) -> None:
    """Train as a person would by hand."""
    steps = -(-len(lesson.target) // BATCH) * config.epochs
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config.learning_rate, total_steps=steps, pct_start=0.1
    )
    network.train()
    for _ in range(config.epochs):
        for batch in torch.randperm(len(lesson.target)).split(BATCH):
            rows = {name: part.take(batch) for name, part in lesson.rows.items()}
            optimiser.zero_grad()
            features = network.encode(rows)
            loss = network.loss(features, lesson.target[batch], lesson.weight[batch])
            loss.backward()
            if config.clip:
                torch.nn.utils.clip_grad_norm_(network.parameters(), config.clip)
            optimiser.step()
            schedule.step()


def run(key: Row) -> Row:
    """Time a pair: the bare loop, and plait's."""
    _, network, lesson = prepared(key["network"], key["rows"])
    deep = key["network"].startswith("trained")
    config = plait.FitConfig().deep if deep else plait.FitConfig().train
    epochs = EPOCHS[key["network"].split(",")[0]]
    config = replace(
        config,
        epochs=epochs,
        least_steps=1,
        batch_size=BATCH,
        validation_share=0.0,
        patience=epochs,
    )
    torch.set_num_threads(2 if deep else 1)
    seconds, waiting = {}, 0.0
    order = ["bare", "plait"] if key["pair"] % 2 else ["plait", "bare"]
    for loop in order:
        fresh, timed = copy.deepcopy(network), {}
        parts = dict(lesson.rows)
        for name, part in parts.items():
            if isinstance(part, Raw):
                timed[name] = Timed(part.samples)
                parts[name] = replace(part, samples=timed[name])
        own = replace(lesson, rows=parts)
        start = time.perf_counter()
        if loop == "bare":
            bare(fresh, own, config)
        else:
            train(fresh, own, config, seed=0)
        seconds[loop] = time.perf_counter() - start
        if loop == "plait":
            waiting = sum(part.seconds for part in timed.values()) / seconds[loop]
    done = len(lesson.target) * epochs
    return {
        "samples_a_second": done / seconds["plait"],
        "bare": done / seconds["bare"],
        "ratio": seconds["plait"] / seconds["bare"],
        "waiting": waiting,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Measure, and print each network's median ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    full = parser.parse_args().full
    keys = [
        {"network": name, "pair": pair, "rows": 6000 if full else 2000}
        for name in NETWORKS for pair in range(-1, 15 if full else 5)
    ]  # fmt: skip
    rows = measure("speed_train", keys, run, budget=40 * 60)
    lines = []
    for name in NETWORKS:
        own = [r for r in rows if r["network"] == name and r["pair"] >= 0]  # -1 warms the files
        if len(own) > 1:
            medians = {k: float(np.median([r[k] for r in own])) for k in SHOWN}
            lines.append(
                {"network": name, **medians, "mean ratio": describe([r["ratio"] for r in own])}
            )
    table(
        lines,
        ["network", *SHOWN, "mean ratio"],
    )


if __name__ == "__main__":
    sys.exit(main())
