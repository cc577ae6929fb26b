"""Drawn pictures beside real ones, on vectors of a stated encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plait.data.image import Picture
from plait.data.loader import Reader, Source
from plait.data.quality import Ledger
from plait.data.table import Table
from plait.encoders.config import EncoderConfig
from plait.encoders.pretrained.encoder import Pretrained
from plait.ensemble.entrants import build_encoder
from plait.metrics.images import Nearest, coverage, frechet_distance, kernel_distance, nearest
from plait.model import prepare
from plait.progress import Progress
from plait.types import Column, Modality

PICTURES = "pictures"

COPY = 0.95
"""Share of the pictures learned from that are further from their nearest than a copy is."""

ENOUGH = 4
"""Pictures of each kind that sets can be compared of."""


@dataclass(frozen=True)
class Beside:
    """Scores, and which of the pictures learned from is nearest to each that was drawn."""

    scores: dict[str, float]
    nearest: Nearest


def compared(
    learned: Sequence[Picture],
    real: Sequence[Picture],
    drawn: Sequence[Picture],
    encoder: str,
    progress: Progress,
) -> Beside:
    """Return how drawn pictures stand beside real ones.

    Args:
        learned: that the model learned from, or some of them.
        real: that it did not learn from.
        drawn: by it.
        encoder: of images, by its name; one that must be fitted is fitted on those learned from.
        progress: where to show it.
    """
    known, held, made = vectors_of(encoder, (learned, real, drawn), progress)
    close = nearest(known, made)
    scores = {
        "copied": float((close.copied > COPY).mean()),
        # An encoder that was fitted on few pictures sees all others nearer to these than they are.
        "copied of real": float((nearest(known, held).copied > COPY).mean()),
    }
    if min(len(known), len(held), len(made)) >= ENOUGH:
        covered = coverage(held, made)
        scores = {
            "frechet distance": frechet_distance(held, made),
            "kernel distance": kernel_distance(held, made).value,
            "kernel distance of real": kernel_distance(known, held).value,
            "precision": covered.precision,
            "recall": covered.recall,
            **scores,
        }
    return Beside(scores, close)


def vectors_of(
    encoder: str, parts: Sequence[Sequence[Picture]], progress: Progress
) -> list[np.ndarray]:
    """Return (n d) vectors of each of several lists of pictures: a network's own, whole vectors.

    Args:
        encoder: by its name; one that must be fitted is fitted on the first list.
        parts: the lists.
        progress: where to show it.

    Raises:
        ConfigError: for an encoder that is not known.
        ModelError: when it cannot be had.
    """
    source = Source(PICTURES, "image", (Column(PICTURES, Modality.IMAGE),))
    made = build_encoder(source, EncoderConfig(of_image=encoder))
    table = Table.of({PICTURES: [picture for part in parts for picture in part]})
    samples = prepare(Reader(table, Ledger()), (source,), {PICTURES: made}, progress)[0][PICTURES]
    cells = [samples[row] for row in range(len(table))]
    if isinstance(made, Pretrained):
        values = np.stack([cell[0] for cell in cells if cell is not None])
    else:
        made.fit(cells[: len(parts[0])], np.zeros((len(parts[0]), 1)), 0)
        values = made(cells).pooled.numpy()
    return np.split(values, np.cumsum([len(part) for part in parts])[:-1])
