"""A table made ready for a model that writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plait.data.detect import detect, require_target, split_targets
from plait.data.loader import Reader, Source, sources_of
from plait.data.quality import Ledger
from plait.data.split import apart, make_split, marking
from plait.data.table import Table
from plait.ensemble.config import FitConfig
from plait.errors import ColumnError, TableError
from plait.fitting import check_cells, overrides_of, require_rows
from plait.model import known_targets, prepare, prepare_networks
from plait.progress import Progress
from plait.tasks.target import Target
from plait.types import Column, Modality, Sample, Schema
from plait.writer.building import build
from plait.writer.references import keys_of, values_of

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
        others: targets beside the text, as one; None where there are none.
        truth: (n c) of these; NaN where it is not known.
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
    others: Target | None = None
    truth: np.ndarray | None = None

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
    target: str | Sequence[str],
    modalities: Mapping[str, str],
    ignore: Sequence[str],
    split: str | None,
    config: FitConfig,
    progress: Progress,
) -> tuple[Material, Parted]:
    """Read, detect, drop rows without a text, split, and prepare samples.

    Raises:
        ColumnError: for a column that is not there, or where not one target is a text.
        TableError: when the table cannot be learned from.
    """
    names, said = split_targets(target, table)
    require_rows(table)
    hidden = [*ignore, *marking(split, table)]
    schema = detect(table, names, overrides_of(modalities) | said, hidden)
    column = _text_of(schema, names)
    name = column.name
    sources = sources_of(schema)
    if not sources:
        raise TableError(
            "No column is left to write from: "
            + "; ".join(f"{c.name}: {c.left_out}" for c in schema.columns if c.name not in names)
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
        raw = prepare_networks(reader, sources, encoders, samples, progress)
    keys, groups = keys_of(Reader(known, Ledger()), sources)  # the ledger is whole already
    beside = [require_target(schema, other) for other in names if other != name]
    others, truth = _others(reader, beside)
    material = Material(
        schema, name, sources, samples, raw, texts, keys, groups, ledger, others, truth
    )
    if not len(material.rows):
        raise TableError("No row has a cell that can be read to write from.")
    return material, _part(known, split, material, config.seed)


def _text_of(schema: Schema, names: Sequence[str]) -> Column:
    """Return the one target that is a text."""
    texts = [schema[name] for name in names if schema[name].modality is Modality.TEXT]
    if len(texts) > 1:
        raise ColumnError(
            f"Targets {', '.join(repr(c.name) for c in texts)} are texts, and one can be written "
            "at a time; leave the others out, or say COLUMN:category."
        )
    if not texts:
        column = schema[names[0]]
        raise ColumnError(
            f"Column {column.name!r} holds {column.modality.value} ({column.evidence}), and a text "
            f"is needed here; say {column.name}:text to take its cells as texts."
        )
    return texts[0]


def _others(reader: Reader, columns: Sequence[Column]) -> tuple[Target | None, np.ndarray | None]:
    """Return targets beside the text as one, and (n c) their truth, NaN where it is not known."""
    if not columns:
        return None, None
    values = values_of(reader, columns)
    target = Target.together([
        Target.learn(column.name, column.modality, [cell for cell in own if cell is not None])
        for column, own in zip(columns, zip(*values, strict=True), strict=True)
    ])  # fmt: skip
    return target, target.encode(values)


def _part(table: Table, way: str | None, material: Material, seed: int) -> Parted:
    """Return which rows learn, and which are judged."""
    known = material.rows
    if way is not None:
        learning, judged, kept = make_split(table, way, 1, None, seed).once
        return Parted(np.intersect1d(learning, known), np.intersect1d(judged, known), kept)
    order = np.random.default_rng(seed).permutation(known)
    count = min(max(round(HELD_OUT * len(known)), 1), MOST_JUDGED)
    judged, learning = apart(order, material.groups, [count])
    return Parted(np.sort(learning), np.sort(judged), False)
