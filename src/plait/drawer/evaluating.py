"""How good the pictures are that a model draws of rows it has not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plait.data.image import Picture
from plait.data.quality import Ledger
from plait.data.table import Table
from plait.drawer.agreement import agreement
from plait.drawer.canvas import squares_of
from plait.drawer.judging import ENOUGH, vectors_of
from plait.errors import TableError
from plait.evaluate.drawn import DrawnEvaluation
from plait.layers import on_accelerator
from plait.metrics.images import coverage, frechet_distance, kernel_distance
from plait.model import known_targets
from plait.progress import Progress

if TYPE_CHECKING:
    from plait.drawer.drawer import Drawer
    from plait.spaces.space import Space


def evaluate(
    model: Drawer, table: Table, space: Space | None, progress: Progress
) -> DrawnEvaluation:
    """Return the scores of a model on a table; see `Drawer.evaluate`."""
    table.require(model.target)
    rows, cells = known_targets(table, [model.schema[model.target]], Ledger())
    table, own = table.take(rows), model.config.draw
    encoded = model.encode(table, Ledger(), progress)
    seeds = [own.drawing.seed + row for row in range(len(table))]
    with on_accelerator(model.network):
        made = model.drawn(encoded, seeds, own.drawing, progress)
    there = [row for row, picture in enumerate(made) if picture is not None]
    if not there:
        raise TableError(f"No row has both a picture in {model.target!r} and a cell to draw from.")
    drawn: list[Picture] = [picture for picture in made if picture is not None]
    real = list(squares_of([cells[row][0] for row in there], own))
    scores: dict[str, float | None] = {}
    if len(there) >= ENOUGH:
        known, held = vectors_of(own.judge, (real, drawn), progress)
        covered = coverage(known, held)
        scores = {
            "frechet distance": frechet_distance(known, held),
            "kernel distance": kernel_distance(known, held).value,
            "precision": covered.precision,
            "recall": covered.recall,
        }
    if space is not None:
        found = agreement(space, model.target, table.take(np.array(there)), drawn)
        scores |= {
            "agreement": found.value,
            "agreement shuffled": found.shuffled,
            "agreement gain": found.gain.value,
            "agreement gain from": found.gain.low,
            "agreement gain to": found.gain.high,
        }
    return DrawnEvaluation(model.target, len(there), own.judge, scores)
