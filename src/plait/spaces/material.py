"""What a space is learned from: rows, and items of their histories, made ready."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from plait.data.histories import HistoryColumn
from plait.data.loader import Reader, Source
from plait.data.quality import Ledger
from plait.data.reference import key_of, referred
from plait.data.referred import Referred
from plait.encoders.encoder import Encoder
from plait.errors import ConfigError, TableError
from plait.fitting import check_cells
from plait.grouping import Groups, components, content_keys, numbered
from plait.model import prepare, prepare_networks
from plait.progress import Progress
from plait.spaces.config import AlignConfig
from plait.spaces.histories import KIND, history_samples, reader_of
from plait.spaces.joint import Joint, joint_of
from plait.spaces.network import built
from plait.types import Sample


@dataclass(frozen=True)
class Prepared:
    """Rows made ready for encoders.

    Attributes:
        samples: of every source, of all n rows.
        raw: samples of encoders that are trained, and of networks that are trained on.
    """

    samples: Mapping[str, Sequence[Sample | None]]
    raw: Mapping[str, Sequence[Sample | None]]

    def referred(self, places: np.ndarray) -> Prepared:
        """Return the rows that refer to these, by (n) the row that each refers to; -1 is none."""
        return Prepared(
            {name: Referred(own, places) for name, own in self.samples.items()},
            {name: Referred(own, places) for name, own in self.raw.items()},
        )


@dataclass(frozen=True)
class ItemRows:
    """The items of a history.

    Attributes:
        column: the history.
        keys: of k items.
        rows: the items, made ready.
    """

    column: HistoryColumn
    keys: tuple[str, ...]
    rows: Prepared


@dataclass(frozen=True)
class Material:
    """Rows made ready for a space.

    Attributes:
        groups: what is read of each group.
        rows: all n of them; of a history, the numbers of its items.
        keys: (n k) names of what rows are of; those of the groups' cells first.
        together: (n) numbers of rows that are held out together.
        joint: the model in whose space all groups lie already, if there is one.
        items: of each history, by its name.
    """

    groups: Groups
    rows: Prepared
    keys: np.ndarray
    together: np.ndarray
    joint: Joint | None
    items: Mapping[str, ItemRows] = field(default_factory=dict)


def material_of(
    reader: Reader,
    groups: Groups,
    columns: Sequence[HistoryColumn],
    key: str | None,
    config: AlignConfig,
    progress: Progress,
) -> tuple[Material, AlignConfig]:
    """Return the rows made ready, and the settings as they are for these groups.

    Args:
        reader: of the table, with its histories.
        groups: what is read.
        columns: the histories among it.
        key: column of what a row is of.
        config: settings.
        progress: where to show it.

    Raises:
        ColumnError: when no tower reads the items of a history.
        ConfigError: when nothing is to be learned, and there is no joint model.
        TableError: when no rows have two groups, or too much cannot be read.
    """
    joint = joint_of(groups, built(groups, config)[0])
    if config.fusion != "concat" or config.task.loss == "filip" or config.task.hidden:
        joint = None
    if config.as_is and joint is None:
        raise ConfigError(
            "as_is takes the space that a joint model (CLIP, SigLIP, CLAP) has by itself: name one "
            "model for both groups, each a single column (--encoders image=NAME,text=NAME), with "
            "fusion 'concat', no hidden layer, and another loss than 'filip'."
        )
    if joint is not None:
        pretrained = replace(config.encoders.pretrained, width=0)
        config = replace(config, encoders=replace(config.encoders, pretrained=pretrained))
    rows, items = _prepared(reader, groups, columns, config, progress)
    keys = _keys(Reader(reader.table, Ledger()), groups, key)
    together = _together(reader, columns, keys)
    material = Material(groups, rows, keys, together, joint, items)
    _require_pairs(material)
    if joint is not None:
        first = next(iter(groups.values()))[0].name
        width = next(len(sample[0]) for sample in rows.samples[first] if sample is not None)
        config = replace(config, task=replace(config.task, width=width, noise=0.0))
    return material, config


def _prepared(
    reader: Reader,
    groups: Groups,
    columns: Sequence[HistoryColumn],
    config: AlignConfig,
    progress: Progress,
) -> tuple[Prepared, dict[str, ItemRows]]:
    """Return the rows, and the items of histories, each of which is read once for both."""
    frozen, trained = built(groups, config)
    by_item = {reader_of(column, groups): column.items for column in columns}
    own = [source for name, sources in groups.items() if name not in by_item
           for source in sources if source.kind != KIND]  # fmt: skip
    parts, items = [_read(reader, own, frozen, trained, config, progress)], {}
    for group, reference in by_item.items():
        behind = Reader(referred(reader.table, reference), reader.ledger)
        items[group] = _read(behind, groups[group], frozen, trained, config, progress)
        places = reader.table.references[reference].places[reader.table.rows]
        parts.append(items[group].referred(places))
    found = {}
    for column in columns:
        other = reader.table.references[column.items]
        keys = tuple(key_of(value) or "" for value in other.table.values(other.key))
        found[column.name] = ItemRows(column, keys, items[reader_of(column, groups)])
        source = next(s for sources in groups.values() for s in sources if s.name == column.name)
        own_items = history_samples(reader, source, keys, config.history.longest)
        parts.append(Prepared({column.name: own_items}, {column.name: own_items}))
    return Prepared(
        {name: samples for part in parts for name, samples in part.samples.items()},
        {name: samples for part in parts for name, samples in part.raw.items()},
    ), found


def _read(
    reader: Reader,
    sources: Sequence[Source],
    frozen: Mapping[str, Encoder],
    trained: Mapping[str, Encoder],
    config: AlignConfig,
    progress: Progress,
) -> Prepared:
    """Return some sources of a table."""
    samples = prepare(reader, sources, {**frozen, **trained}, progress, config.max_bad_share)[0]
    check_cells(reader, sources, config.max_bad_share)
    raw = {name: own for name, own in samples.items() if name in trained}
    if config.encoders.finetune.way != "none":
        raw |= prepare_networks(reader, sources, frozen, samples, progress)
    return Prepared(samples, raw)


def _keys(reader: Reader, groups: Groups, key: str | None) -> np.ndarray:
    """Return (n k): of each group's cells, and of the key's where there is one."""
    keys = content_keys(reader, groups)
    if key is None:
        return keys
    values = [None if value is None else repr(value) for value in reader.table.values(key)]
    return np.column_stack([keys, numbered(values)])


def _together(reader: Reader, columns: Sequence[HistoryColumn], keys: np.ndarray) -> np.ndarray:
    """Return (n) numbers of rows that are held out together.

    Rows that share a key; but where histories are made, those of one user, as what others did
    later would link users whom nothing had linked before.
    """
    for column in columns:
        if column.who is not None:
            users = [key_of(value) for value in reader.table.values(column.who)]
            return components(numbered(users)[:, None])
    return components(keys)


def _require_pairs(material: Material) -> None:
    cells = material.keys[:, : len(material.groups)]
    pairs = int(((~np.isnan(cells)).sum(axis=1) > 1).sum())
    if pairs < 4:
        raise TableError(
            f"{pairs} rows have two of the groups {list(material.groups)}; at least 4 are needed "
            "to learn from some and judge on others. `plait check` shows what is missing."
        )
