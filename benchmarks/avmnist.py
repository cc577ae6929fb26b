"""AV-MNIST: digits that are seen in part and heard through noise, alone and by every fusion.

    python benchmarks/avmnist.py            within 45 minutes: 3,000 learning rows, three seeds
    python benchmarks/avmnist.py --full     20,000 learning rows, five seeds

The task of CentralNet (Vielzeuf et al., 2018, section 4.1) in the form that MultiBench took over
(Liang et al., 2021): an MNIST picture of which principal components keep a quarter of the energy,
and a spoken digit with noise over it. Where this preparation differs from theirs: recordings are
those of the Free Spoken Digit Dataset (2,700 to learn from, 300 to be judged on, the same
speakers; theirs are TIDIGITS), noise are clips of ESC-50 at a signal-to-noise ratio drawn from
-17 to -7 dB (theirs does not say), the network reads log-mel frames computed here (theirs reads
112 x 112 spectrograms made beforehand), and there are 3,000 and 2,000 pairs (theirs 55,000 and
10,000). Every picture is paired with a recording of the same digit and the same part, drawn at
random. So accuracies do not compare with published ones; gains may be set beside theirs.

Judged on the same 2,000 pairs for every seed; intervals of gains resample pairs and seeds.
"""

from __future__ import annotations

import argparse
import gzip
import io
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from experts import HoldOut, hold_out
from rows import Row, data_folder, measure, table

import plait
from plait.catalog import FUSIONS
from plait.encoders.classical_sound import SoundConfig
from plait.encoders.config import EncoderConfig
from plait.encoders.trained import TrainedConfig
from plait.ensemble.network_expert import NetworkExpert
from plait.fusion.fusion import FusionConfig
from plait.metrics.uncertainty import gain
from plait.train.record import Record

RATE, ENERGY, DECIBELS, TEST = 8000, 0.25, (-17.0, -7.0), 2000
SINGLES = {"image alone": ["image"], "sound alone": ["sound"]}
CONFIG = plait.FitConfig(
    folds=1,
    encoders=EncoderConfig(
        of_image="convolutional",
        of_audio="convolutional",
        sound=SoundConfig(rate=RATE, longest_seconds=1.0, mels=40),
        trained=TrainedConfig(width=32, side=32, augment=False),
    ),
    fusion_settings=FusionConfig(width=32),
)
CONFIG = replace(CONFIG, deep=replace(CONFIG.deep, epochs=18, least_steps=1, patience=6))

ready: dict[tuple[int, int], HoldOut] = {}


def prepared(seed: int, rows: int) -> HoldOut:
    """Return the pairs of a seed; those that are judged are the same for all seeds."""
    if (seed, rows) not in ready:
        ready.clear()
        path = Path(tempfile.gettempdir()) / f"plait-avmnist-{seed}-{rows}.parquet"
        if not path.exists():
            write_pairs(path, seed, rows)
        ready[seed, rows] = hold_out(
            path, "digit:category", replace(CONFIG, seed=seed), "column:part",
            modalities={"image": "image", "sound": "audio"},
        )  # fmt: skip
    return ready[seed, rows]


def write_pairs(path: Path, seed: int, rows: int) -> None:
    """Write pictures as PNG and sounds as WAV into one Parquet file."""
    import pandas as pd

    pictures = {part: mnist(part) for part in ("train", "test")}
    mean, axes = components(pictures["train"][0])
    spoken = pd.read_csv(data_folder() / "digits" / "spoken.csv")
    noises = [read(data_folder() / "sounds" / c)
              for c in pd.read_csv(data_folder() / "sounds" / "sounds.csv")["clip"]]  # fmt: skip
    frames = []
    for part, count, own in (("train", rows, 1 + seed), ("test", TEST, 0)):
        random = np.random.default_rng(own)
        images, digits = pictures[part]
        chosen = random.permutation(len(images))[:count]
        flat = images[chosen].reshape(count, -1) - mean
        dim = (flat @ axes.T @ axes + mean).clip(0, 255).round().astype(np.uint8)
        takes = spoken[spoken["split"] == part].groupby("digit")["spoken"].apply(list)
        names = [random.choice(takes[digit]) for digit in digits[chosen]]
        sounds = [noisy(read(data_folder() / "digits" / name), noises, random) for name in names]
        frames.append(pd.DataFrame({
            "image": [png(row.reshape(28, 28)) for row in dim],
            "sound": sounds, "digit": digits[chosen], "part": part,
        }))  # fmt: skip
    partial = path.with_suffix(".partial")
    pd.concat(frames).to_parquet(partial, index=False)
    partial.rename(path)


def mnist(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (n 28 28) pictures and (n) digits."""
    start = data_folder() / "digits" / ("t10k" if part == "test" else "train")
    with gzip.open(f"{start}-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(f"{start}-labels-idx1-ubyte.gz") as file:
        return images, np.frombuffer(file.read(), np.uint8, offset=8)


def components(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean, and the first principal components that hold ENERGY of the variance."""
    from sklearn.decomposition import PCA

    found = PCA(ENERGY, svd_solver="full").fit(images[:20000].reshape(-1, 784).astype(float))
    return found.mean_, found.components_


def read(path: Path) -> np.ndarray:
    """Return the samples of a sound at RATE."""
    from plait.data.audio import read_sound

    return read_sound(str(path.name), path.parent).at(RATE).samples


def noisy(sound: np.ndarray, noises: list[np.ndarray], random: np.random.Generator) -> bytes:
    """Return a second of the sound as WAV with noise over it at a ratio of powers drawn."""
    import soundfile

    whole = np.zeros(RATE, np.float32)
    whole[: min(len(sound), RATE)] = sound[:RATE]
    noise = noises[random.integers(len(noises))]
    start = random.integers(max(len(noise) - RATE, 1))
    noise = np.resize(noise[start : start + RATE], RATE) + 1e-6 * random.normal(size=RATE)
    ratio = 10 ** (random.uniform(*DECIBELS) / 20)
    mixed = whole / whole.std() * ratio + noise / noise.std()
    file = io.BytesIO()
    soundfile.write(file, 0.9 * mixed / np.abs(mixed).max(), RATE, format="WAV")
    return file.getvalue()


def png(pixels: np.ndarray) -> bytes:
    """Return a grey picture as PNG."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def run(key: Row) -> Row:
    """Train one entrant with one seed, and keep which of the judged pairs it had right."""
    data, entrant = prepared(key["seed"], key["rows"]), key["entrant"]
    if entrant == "average":
        scores, done = np.mean([learn(data, s, key)[0] for s in SINGLES.values()], axis=0), {}
    else:
        fusion = entrant if entrant in FUSIONS else "concat"
        scores, done = learn(data, SINGLES.get(entrant, list(data.sources)), key, fusion)
    right = scores.argmax(axis=1) == data.held_truth.argmax(axis=1)
    return {"accuracy": float(right.mean()), **done, "right": np.packbits(right).tobytes().hex()}


def learn(
    data: HoldOut, sources: list[str], key: Row, fusion: str = "concat"
) -> tuple[np.ndarray, Row]:
    """Return (n c) scores of the judged pairs, and what the training took."""
    ends = [time.perf_counter()]
    record = Record(watch=lambda course: ends.append(time.perf_counter()))
    expert = data.learn(sources, replace(CONFIG, seed=key["seed"]), fusion, record)
    assert isinstance(expert, NetworkExpert)
    assert expert.network is not None
    size = sum(parameter.numel() for parameter in expert.network.parameters())
    seconds = float(np.median(np.diff(ends)))
    return data.predict(expert), {"parameters": size, "seconds_an_epoch": seconds}


def main() -> None:
    """Measure, and print each entrant with its gain over the better single modality."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    full = parser.parse_args().full
    entrants = [*SINGLES, "average", *FUSIONS]
    keys = [
        {"rows": 20000 if full else 3000, "seed": seed, "entrant": entrant}
        for seed in range(5 if full else 3) for entrant in entrants
    ]  # fmt: skip
    rows = measure("avmnist", keys, run, budget=40 * 60)
    own = {e: [r for r in rows if r["entrant"] == e] for e in entrants}
    complete = min(map(len, own.values()))
    right = {
        e: np.array([
            np.unpackbits(np.frombuffer(bytes.fromhex(r["right"]), np.uint8))[:TEST]
            for r in found[:complete]
        ])
        for e, found in own.items()
    }  # fmt: skip
    best = max(SINGLES, key=lambda e: right[e].mean())
    lines = []
    for entrant, found in own.items():
        line: Row = {"entrant": entrant, "accuracy": float(right[entrant].mean())}
        line |= {k: found[0].get(k, "") for k in ("parameters", "seconds_an_epoch")}
        if entrant not in SINGLES:
            line[f"gain over {best}"] = apart(right[entrant], right[best])
        lines.append(line)
    print(f"{complete} seeds")
    table(lines, ["entrant", "accuracy", "parameters", "seconds_an_epoch", f"gain over {best}"])


def apart(one: np.ndarray, other: np.ndarray) -> str:
    """Return the mean difference of (seeds pairs) with a 95 % interval over pairs and seeds."""
    random, gaps = np.random.default_rng(0), one.astype(float) - other
    seeds, pairs = gaps.shape
    draws = np.array([
        gaps[random.integers(seeds, size=seeds)][:, random.integers(pairs, size=pairs)].mean()
        for _ in range(2000)
    ])  # fmt: skip
    found = gain(float(gaps.mean()), draws)
    return f"{found.value:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"


if __name__ == "__main__":
    sys.exit(main())
