"""A table made ready for a model that makes one of its columns from the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from plait.data.detect import detect, require_target, split_targets
from plait.data.loader import Reader, Source, sources_of
from plait.data.quality import Ledger
from plait.data.split import apart, make_split, marking
from plait.data.table import Table
from plait.encoders.encoder import Encoder
from plait.ensemble.config import FitConfig
from plait.errors import ColumnError, TableError, many
from plait.fitting import check_cells, overrides_of, require_rows
from plait.grouping import components, content_keys
from plait.model import known_targets, prepare, prepare_networks
from plait.progress import Progress
from plait.tasks.target import Target
from plait.types import MEDIA, Column, Modality, Sample, Schema

HELD_OUT = 0.1
"""Share of the rows that are judged, unless a split is named."""

MOST_JUDGED = 1000
"""Rows that are judged at most, unless a split is named: each must be made, which takes long."""

Keep = Callable[[int, Any], Any]
"""From a row and a value of the target to what is kept of it; CellError where it is not right."""

KeepOf = Callable[[Table, Sequence[Source]], Keep]
"""From a table and what is read of it to what is kept of its target."""

EncodersOf = Callable[[Sequence[Source]], Mapping[str, Encoder]]
"""From what is read to new encoders of it, which prepare the samples."""

PLURAL = {Modality.TEXT: "texts", Modality.MASK: "masks", Modality.IMAGE: "pictures"}
"""What can be made, in words."""


@dataclass(frozen=True)
class Material:
    """Rows made ready for a model that makes a column.

    Attributes:
        schema: of the table.
        target: the column that is made.
        sources: what is read.
        samples: of every source, of all n rows.
        raw: what pretrained networks that are trained on read, of all n rows.
        values: (n) of the target, as they are decoded.
        keys: (n) numbers of rows with the same inputs; NaN where a row has none.
        groups: (n) numbers of rows that have a picture, sound or video in common, or all inputs.
        ledger: cells that could not be read.
        table: the n rows.
        others: targets beside it, as one; None where there are none.
        truth: (n c) of these; NaN where it is not known.
    """

    schema: Schema
    target: str
    sources: tuple[Source, ...]
    samples: Mapping[str, Sequence[Sample | None]]
    raw: Mapping[str, Sequence[Sample | None]]
    values: Sequence[Any]
    keys: np.ndarray
    groups: np.ndarray
    ledger: Ledger
    table: Table
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


@dataclass(frozen=True)
class Request:
    """Which column is to be made, and of what.

    Attributes:
        target: the column; or it and others that are learned beside it.
        modality: of the column that is made: text, mask or image.
        modalities: what columns hold, where detection should not decide.
        ignore: columns to leave out.
        split: as in `plait.fit`.
        keep: what is kept of each value of the target; all of it, by default.
    """

    target: str | Sequence[str]
    modality: Modality
    modalities: Mapping[str, str] = field(default_factory=dict)
    ignore: Sequence[str] = ()
    split: str | None = None
    keep: KeepOf = lambda table, sources: lambda row, value: value


def gather(
    table: Table, request: Request, encoders_of: EncodersOf, config: FitConfig, progress: Progress
) -> tuple[Material, Parted]:
    """Read, detect, drop rows whose target is not known, split, and prepare samples.

    Args:
        table: that is learned from.
        request: what is to be made of it.
        encoders_of: gives the encoders whose samples are prepared.
        config: all other settings.
        progress: where to show it.

    Raises:
        ColumnError: for a column that is not there, or where not one target is of the modality.
        TableError: when the table cannot be learned from.
    """
    names, said = split_targets(request.target, table)
    require_rows(table)
    hidden = [*request.ignore, *marking(request.split, table)]
    schema = detect(table, names, overrides_of(request.modalities) | said, hidden)
    column = _made(schema, names, request.modality)
    name = column.name
    sources = sources_of(schema)
    if not sources:
        raise TableError(
            f"No column is left to make {name!r} from: "
            + "; ".join(f"{c.name}: {c.left_out}" for c in schema.columns if c.name not in names)
        )
    ledger = Ledger()
    ledger.add_table(table)
    rows, values = known_targets(table, [column], ledger, request.keep(table, sources))
    if len(rows) < 2:
        raise TableError(
            f"Target {name!r} is known in {many(len(rows), 'row')}; 2 at least are needed."
        )
    known = table.take(rows)
    reader = Reader(known, ledger)
    encoders = encoders_of(sources)
    samples = prepare(reader, sources, encoders, progress, config.max_bad_share)[0]
    check_cells(reader, sources, config.max_bad_share)
    raw: dict[str, Sequence[Sample | None]] = {}
    if config.encoders.finetune.way != "none":
        raw = prepare_networks(reader, sources, encoders, samples, progress)
    keys, groups = keys_of(Reader(known, Ledger()), sources)  # the ledger is whole already
    beside = [require_target(schema, other) for other in names if other != name]
    others, truth = _others(reader, beside)
    material = Material(
        schema, name, sources, samples, raw, values, keys, groups, ledger, known, others, truth
    )
    if not len(material.rows):
        raise TableError(f"No row has a cell that can be read to make {name!r} from.")
    return material, part(request.split, material, config.seed)


def _made(schema: Schema, names: Sequence[str], modality: Modality) -> Column:
    """Return the one target of the modality."""
    found = [schema[name] for name in names if schema[name].modality is modality]
    kind = modality.value
    if len(found) > 1:
        raise ColumnError(
            f"Targets {', '.join(repr(c.name) for c in found)} are {PLURAL[modality]}, and one can "
            "be made at a time; leave the others out, or say COLUMN:category."
        )
    if not found:
        column = schema[names[0]]
        raise ColumnError(
            f"Column {column.name!r} holds {column.modality.value} ({column.evidence}), and "
            f"{kind} is needed here; say {column.name}:{kind} to take its cells as that."
        )
    return found[0]


def _others(reader: Reader, columns: Sequence[Column]) -> tuple[Target | None, np.ndarray | None]:
    """Return the targets beside it as one, and (n c) their truth, NaN where it is not known."""
    if not columns:
        return None, None
    values = values_of(reader, columns)
    target = Target.together([
        Target.learn(column.name, column.modality, [cell for cell in own if cell is not None])
        for column, own in zip(columns, zip(*values, strict=True), strict=True)
    ])  # fmt: skip
    return target, target.encode(values)


def part(way: str | None, material: Material, seed: int) -> Parted:
    """Return which rows learn, and which are judged."""
    known = material.rows
    if way is not None:
        learning, judged, kept = make_split(material.table, way, 1, None, seed).once
        return Parted(np.intersect1d(learning, known), np.intersect1d(judged, known), kept)
    order = np.random.default_rng(seed).permutation(known)
    count = min(max(round(HELD_OUT * len(known)), 1), MOST_JUDGED)
    judged, learning = apart(order, material.groups, [count])
    return Parted(np.sort(learning), np.sort(judged), False)


def keys_of(reader: Reader, sources: Sequence[Source]) -> tuple[np.ndarray, np.ndarray]:
    """Return what tells rows apart, and what brings them together.

    Returns:
        (n) numbers of rows with the same inputs, NaN where there is none; and (n) numbers of rows
        that have a picture, sound or video in common, or all inputs where there are no such media.
    """
    keys = content_keys(reader, {source.name: (source,) for source in sources})
    rows = np.unique(np.nan_to_num(keys, nan=-1.0), axis=0, return_inverse=True)[1]
    whole = np.where(np.isnan(keys).all(axis=1), np.nan, rows.reshape(-1))
    media = [source.kind in MEDIA for source in sources]
    return whole, components(keys[:, media] if any(media) else whole[:, None])


def values_of(reader: Reader, columns: Sequence[Column]) -> list[tuple[Any, ...]]:
    """Return (n) the values of some columns in each row; None where one is not known."""
    rows = range(len(reader.table))
    cells = [[reader.cell(column, row) for row in rows] for column in columns]
    return list(zip(*cells, strict=True))
