"""Who writes best: every modality alone, several fusions, and two that only repeat."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from plait.cache import encode, fit_and_encode
from plait.catalog import FUSIONS
from plait.data.read import read
from plait.encoders.encoder import Encoder
from plait.ensemble.board import Board
from plait.ensemble.config import FitConfig
from plait.errors import ConfigError, unknown
from plait.evaluate.written import deciding, scores_of
from plait.layers import bytes_of
from plait.making.comparing import BASELINE, Entrant, board_of
from plait.making.material import Material, Parted
from plait.making.reading import ready
from plait.metrics.text import TEXT_METRICS
from plait.progress import Progress
from plait.train.record import Record
from plait.writer.building import build
from plait.writer.judging import written
from plait.writer.learning import learn
from plait.writer.material import gather
from plait.writer.references import references_of

CONSTANT = "one text for all"
NEAREST = "text of the nearest row"


@dataclass(frozen=True)
class Entry:
    """What one entrant wrote."""

    name: str
    level: str
    texts: list[str]
    fit_seconds: float
    write_seconds: float
    megabytes: float


def compare(
    table: Any,
    target: str | Sequence[str],
    *,
    preset: str = "quick",
    modalities: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    split: str | None = None,
    fusions: Sequence[str] = ("concat",),
    config: FitConfig | None = None,
    progress: Progress | None = None,
) -> Board:
    """Judge what is written from every modality alone, and from all by several fusions.

    Beside them stand those that write nothing of their own: one text for all rows, and where there
    are frozen encoders the text of the row with the nearest vectors.

    Takes what `plait.writer.learning.write` takes, and raises what it raises.

    Returns:
        The board; `chance` is the score of the text that suits most rows.
    """
    table, progress = read(table), progress or Progress()
    config = ready(config or FitConfig(), preset)
    material, parted = gather(table, target, modalities or {}, ignore, split, config, progress)
    first, references = references_of(material.keys, parted.judged, material.values)
    metric = config.metric or deciding([text for own in references for text in own])
    if metric not in TEXT_METRICS:
        raise ConfigError(unknown("Metric of texts", metric, TEXT_METRICS))
    for name in fusions:
        if name not in FUSIONS:
            raise ConfigError(unknown("Fusion", name, FUSIONS))
    everything = [source.name for source in material.sources]
    line_up = [(name, "single", config.fusion, [name]) for name in everything]
    if len(everything) > 1:
        line_up += [(name, FUSIONS[name].level, name, everything) for name in fusions]
    entries = [
        _enter(material, parted, first, replace(config, fusion=fusion), name, level, only, progress)
        for name, level, fusion, only in line_up
    ]
    entries += _baselines(material, parted, first, config)
    groups = material.groups[first]
    entrants = [
        Entrant(
            entry.name, entry.level, scores_of(entry.texts, references, groups, config.seed),
            entry.fit_seconds, len(entry.texts) / max(entry.write_seconds, 1e-9), entry.megabytes,
        )
        for entry in entries
    ]  # fmt: skip
    return board_of(entrants, metric, TEXT_METRICS[metric].sign, len(references), CONSTANT)


def _enter(
    material: Material,
    parted: Parted,
    first: np.ndarray,
    config: FitConfig,
    name: str,
    level: str,
    only: Sequence[str],
    progress: Progress,
) -> Entry:
    """Let one entrant learn and write."""
    progress.say(f"{name}:")
    start = time.perf_counter()
    model = learn(material, parted.learning, config, Record(), progress, only)
    middle = time.perf_counter()
    texts = [text or "" for text in written(model, material, first, progress).values]
    end = time.perf_counter()
    size = bytes_of(model.network.state_dict().values())
    return Entry(name, level, texts, middle - start, end - middle, size / 1e6)


def _baselines(
    material: Material, parted: Parted, first: np.ndarray, config: FitConfig
) -> list[Entry]:
    """Return those that repeat what they have learned from."""
    start = time.perf_counter()
    found = [Entry(CONSTANT, BASELINE, constant(material, parted, first), 0.0, 1e-9, 0.0)]
    frozen = build(material.sources, config).frozen
    if frozen:
        nearest = nearest_rows(material, parted, first, frozen, config.seed)
        texts = [material.values[parted.learning[row]] for row in nearest]
        found.append(Entry(NEAREST, BASELINE, texts, 0.0, time.perf_counter() - start, 0.0))
    return found


def nearest_rows(
    material: Material,
    parted: Parted,
    first: np.ndarray,
    frozen: Mapping[str, Encoder],
    seed: int,
) -> np.ndarray:
    """Return for each of some rows the number of the learning row with the nearest vectors.

    Vectors of each source are of length 1 and stand side by side, so that each has the same say.
    """
    nothing = np.zeros((len(parted.learning), 1))
    known = fit_and_encode(frozen, material.samples, parted.learning, nothing, seed)
    asked = encode(frozen, material.samples, first)
    one, other = (
        torch.cat([nn.functional.normalize(f.pooled, dim=1) for f in part.features.values()], dim=1)
        for part in (asked, known)
    )
    return np.concatenate([(part @ other.T).argmax(dim=1).numpy() for part in one.split(1024)])


def constant(material: Material, parted: Parted, first: np.ndarray) -> list[str]:
    """Return for every row the text whose words are most common among those learned from.

    score(text) = mean over its words of the share of texts with that word.
    """
    known = [material.values[row] for row in parted.learning]
    words = [set(text.lower().split()) for text in known]
    shares, counts = Counter(word for own in words for word in own), Counter(known)
    ((most, times),) = counts.most_common(1)
    if times > 1:  # answers repeat: the most frequent one
        return [most] * len(first)
    means = [sum(shares[w] for w in own) / max(len(own), 1) for own in words]
    return [known[int(np.argmax(means))]] * len(first)
