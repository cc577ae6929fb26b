"""A table made ready for a model that writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plait.data.detect import detect, split_targets
from plait.data.loader import Reader, Source, sources_of
from plait.data.quality import Ledger
from plait.data.split import apart, make_split, parse_way
from plait.data.table import Table
from plait.encoders.pretrained.encoder import Pretrained
from plait.ensemble.config import FitConfig
from plait.errors import ColumnError, TableError
from plait.fitting import check_cells, overrides_of, require_rows
from plait.model import known_targets, prepare, prepare_raw
from plait.progress import Progress
from plait.types import Modality, Sample, Schema
from plait.writer.building import build
from plait.writer.references import keys_of

HELD_OUT = 0.1
"""Share of the rows that are judged, unless a split is named."""

MOST_JUDGED = 1000
"""Rows that are judged at most, unless a split is named: each must be written, word by word."""


@dataclass(frozen=True)
class Material:
    """Rows made ready for a model that writes.

    Attributes:
        schema: of the table.
        target: the column that is written.
        sources: what is read.
        samples: of every source, of all n rows.
        raw: what pretrained networks that are trained on read, of all n rows.
        texts: (n) of the target.
        keys: (n) numbers of rows with the same inputs; NaN where a row has none.
        groups: (n) numbers of rows that have a picture, sound or video in common, or all inputs.
        ledger: cells that could not be read.
    """

    schema: Schema
    target: str
    sources: tuple[Source, ...]
    samples: Mapping[str, Sequence[Sample | None]]
    raw: Mapping[str, Sequence[Sample | None]]
    texts: Sequence[str]
    keys: np.ndarray
    groups: np.ndarray
    ledger: Ledger

    @property
    def rows(self) -> np.ndarray:
        """(k) rows that have something to go by."""
        return np.flatnonzero(~np.isnan(self.keys))


@dataclass(frozen=True)
class Parted:
    """Which rows learn, and which are judged; `kept`, whether these are never learned from."""

    learning: np.ndarray
    judged: np.ndarray
    kept: bool


def gather(
    table: Table,
    target: str,
    modalities: Mapping[str, str],
    ignore: Sequence[str],
    split: str | None,
    config: FitConfig,
    progress: Progress,
) -> tuple[Material, Parted]:
    """Read, detect, drop rows without a text, split, and prepare samples.

    Raises:
        ColumnError: for a column that is not there, or a target that is no text.
        TableError: when the table cannot be learned from.
    """
    (name,), said = split_targets(target, table)
    require_rows(table)
    _, split_column = parse_way(split, table)
    hidden = [split_column] if (split or "").startswith("column:") else []
    schema = detect(table, [name], overrides_of(modalities) | said, [*ignore, *hidden])
    column = schema[name]
    if column.modality is not Modality.TEXT:
        raise ColumnError(
            f"Column {name!r} holds {column.modality.value} ({column.evidence}), and a text is "
            f"needed here; say {name}:text to take its cells as texts."
        )
    sources = sources_of(schema)
    if not sources:
        raise TableError(
            "No column is left to write from: "
            + "; ".join(f"{c.name}: {c.left_out}" for c in schema.columns if c.name != name)
        )
    ledger = Ledger()
    ledger.add_table(table)
    rows, texts = known_targets(table, [column], ledger)
    if len(rows) < 2:
        raise TableError(
            f"Target {name!r} has {len(rows)} rows with a text; 2 at least are needed."
        )
    known = table.take(rows)
    reader = Reader(known, ledger)
    encoders = build(sources, config).encoders
    samples = prepare(reader, sources, encoders, progress, config.max_bad_share)[0]
    check_cells(reader, sources, config.max_bad_share)
    raw: dict[str, Sequence[Sample | None]] = {}
    if config.encoders.finetune.way != "none":
        prepares = {
            n: e.backbone.prepare for n, e in encoders.items() if isinstance(e, Pretrained)
        }  # fmt: skip
        raw = prepare_raw(reader, sources, prepares, samples, progress)
    keys, groups = keys_of(Reader(known, Ledger()), sources)  # the ledger is whole already
    material = Material(schema, name, sources, samples, raw, texts, keys, groups, ledger)
    if not len(material.rows):
        raise TableError("No row has a cell that can be read to write from.")
    return material, _part(known, split, material, config.seed)


def _part(table: Table, way: str | None, material: Material, seed: int) -> Parted:
    """Return which rows learn, and which are judged."""
    known = material.rows
    if way is not None:
        made = make_split(table, way, 1, None, seed)
        if len(made.test):
            learning = np.setdiff1d(known, made.test)
            return Parted(learning, np.intersect1d(made.test, known), True)
        learning, judged = made.folds[0]
        return Parted(np.intersect1d(learning, known), np.intersect1d(judged, known), False)
    order = np.random.default_rng(seed).permutation(known)
    count = min(max(round(HELD_OUT * len(known)), 1), MOST_JUDGED)
    judged, learning = apart(order, material.groups, [count])
    return Parted(np.sort(learning), np.sort(judged), False)
