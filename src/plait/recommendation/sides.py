"""The two sides of a recommendation, users and items: what is read of each, and its vectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from plait.cache import encode
from plait.catalog import FUSIONS
from plait.data.detect import detect
from plait.data.loader import Reader, Source, View, sources_of
from plait.data.quality import Ledger
from plait.data.reference import joined_name
from plait.data.table import Table
from plait.encoders.config import EncoderConfig
from plait.encoders.encoder import Encoder
from plait.encoders.history import History
from plait.ensemble.entrants import build_encoder
from plait.errors import ColumnError, ConfigError
from plait.fusion.feature import Concat
from plait.fusion.towers import Towers
from plait.model import prepare
from plait.network import Network
from plait.progress import Progress
from plait.recommendation.config import RecommendConfig
from plait.recommendation.items import IDENTITY, Item, ItemTower
from plait.tasks.recommend import Recommend
from plait.types import Features, Modality, Raw, Schema

ANYONE, HISTORY, ITEM = "(anyone)", "(history)", "(item)"
"""Sources beside the columns: what holds for every user, what he chose before, the item itself."""

ROWS_A_BATCH = 512


@dataclass(frozen=True)
class Side:
    """Users or items.

    Attributes:
        column: of the interactions, that refers to them.
        key: the column of their own table that is referred to.
        schema: of that table, the key left out; empty where there is none.
    """

    column: str
    key: str
    schema: Schema

    @property
    def sources(self) -> tuple[Source, ...]:
        """What is read of them."""
        return sources_of(self.schema)

    def built(self, config: EncoderConfig) -> dict[str, Encoder]:
        """Return an encoder a source.

        Raises:
            ConfigError: for one that would be trained.
        """
        encoders = {source.name: build_encoder(source, config) for source in self.sources}
        for name, encoder in encoders.items():
            if encoder.trained:
                raise ConfigError(
                    f"The encoder of {joined_name(self.column, name)!r} would be trained; a "
                    "recommender reads classical or pretrained ones, frozen."
                )
        return encoders


def side_of(
    table: Table, column: str, modalities: Mapping[str, Modality], ignore: Iterable[str]
) -> tuple[Side, Table | None]:
    """Return what is read behind a column, and the table of it, if it refers to one.

    Args:
        table: of interactions.
        column: of users or of items.
        modalities: what columns hold, by their joined names.
        ignore: joined names of columns to leave out.
    """
    if column not in table.references:
        return Side(column, column, Schema(())), None
    reference = table.references[column]
    start = joined_name(column, "")
    said = {n.removeprefix(start): m for n, m in modalities.items() if n.startswith(start)}
    left = [name.removeprefix(start) for name in ignore if name.startswith(start)]
    schema = detect(reference.table, (), said, left)
    key = replace(schema[reference.key], modality=Modality.REFERENCE, left_out="the key")
    return Side(column, reference.key, schema.with_column(key)), reference.table


def require_joined(
    table: Table, columns: Sequence[str], modalities: Iterable[str], ignore: Iterable[str]
) -> None:
    """Refuse names that are said of no joined column.

    Raises:
        ColumnError: naming it.
    """
    starts = tuple(joined_name(column, "") for column in columns)
    for name in (*modalities, *ignore):
        whole = [start + name for start in starts if start + name in table]
        if whole and name not in table:
            raise ColumnError(f"Column {name!r} is not in the table. Did you mean {whole[0]!r}?")
        table.require(name)
        if not name.startswith(starts):
            raise ColumnError(
                f"Column {name!r} is not read: of the interactions only who, what, when and which "
                "rows are choices is. What is known of users and items comes from their own "
                f"tables, as {' and '.join(repr(start + 'COLUMN') for start in starts)}."
            )


def encode_side(
    side: Side,
    table: Table | None,
    encoders: Mapping[str, Encoder],
    learned: np.ndarray | None,
    config: RecommendConfig,
    ledger: Ledger,
    progress: Progress,
) -> dict[str, Features]:
    """Return Features of all rows of a side's table, by source.

    Args:
        side: users or items.
        table: theirs; None where there is none.
        encoders: by source.
        learned: (k) rows that the encoders are fitted on first; None where they are fitted.
        config: settings.
        ledger: is told what cannot be read, by joined names.
        progress: where to show it.
    """
    if table is None or not side.sources:
        return {}
    reader = Reader(table, Ledger())
    samples = prepare(reader, side.sources, encoders, progress)[0]
    if learned is not None:
        from plait.fitting import check_cells  # code of learning, which recommending does not load

        check_cells(reader, side.sources, config.max_bad_share)
        for name, encoder in encoders.items():
            nothing = np.zeros((len(learned), 1))
            encoder.fit_encode(View(samples[name], learned), nothing, config.seed)
    found = encode(encoders, samples, np.arange(len(table)))
    for (row, column), reason in reader.ledger.entries.items():
        ledger.add(row, joined_name(side.column, column), reason)
    return dict(found.features)


def network_of(
    users: Mapping[str, int], items: Mapping[str, int], share: Tensor, config: RecommendConfig
) -> Network:
    """Return two towers: of users with their history, and of items.

    Args:
        users: widths of what is known of users, by source.
        items: widths of what is known of items.
        share: (n) of the choices that each item has; 0 is a new one.
        config: settings.

    Raises:
        ConfigError: when nothing is known of items.
    """
    identity = {IDENTITY: config.identity} if config.identity else {}
    if not items and not identity:
        raise ConfigError(
            "Nothing is known of the items: join a table of them (join={'item': 'items.csv'}), or "
            "let 'identity' be more than 0."
        )
    fusion, settings = FUSIONS[config.fusion], config.fusion_settings
    own = fusion({**items, **identity}, settings)
    tower = ItemTower(own, config.task.width, (share > 0).float(), config.hidden)
    encoders: dict[str, Encoder] = {ITEM: Item(tower)}
    widths = {ANYONE: 1, **users}
    if config.reading is not None:
        encoders[HISTORY] = History(tower, config.reading)
        widths[HISTORY] = tower.width
    groups = [fusion(widths, settings), Concat({ITEM: tower.width}, settings)]
    task = config.task
    towers = Towers(groups, task.width, task.hidden, settings, [task.noise] * 2, late=False)
    return Network(encoders, towers, Recommend(config.task, share))


def tower_of(network: Network) -> ItemTower:
    """Return the item tower of a network."""
    item = network.by_name[ITEM]
    assert isinstance(item, Item)
    return item.tower


def rows_of(
    network: Network,
    users: Mapping[str, Features],
    histories: Sequence[np.ndarray | None],
    items: Sequence[int | None],
) -> dict[str, Features | Raw]:
    """Return what the network reads of rows.

    Args:
        network: that reads.
        users: (b) Features of what is known of each row's user.
        histories: (b) items that he chose before, newest last; None where there is no user.
        items: (b) numbers of items; None where there is no item.
    """
    ones = torch.ones(len(histories), 1)
    there = torch.tensor([history is not None for history in histories], dtype=torch.bool)
    rows: dict[str, Features | Raw] = {ANYONE: Features.from_pooled(ones, there), **users}
    rows[ITEM] = _raw(items)
    if HISTORY in network.by_name:
        reads = network.by_name[HISTORY].preprocess
        rows[HISTORY] = _raw([None if own is None else reads(own) for own in histories])
    return rows


def _raw(samples: Sequence[object]) -> Raw:
    present = torch.tensor([sample is not None for sample in samples], dtype=torch.bool)
    return Raw(samples, torch.arange(len(samples)), present)


@torch.no_grad()
def vectors_of(network: Network, rows: Mapping[str, Features | Raw]) -> np.ndarray:
    """Return (b 2 d) vectors of length 1 of users and items; zero where a row lacks one."""
    network.eval()
    count = len(rows[ITEM])
    parts = [
        network({name: part.take(batch) for name, part in rows.items()})
        for batch in torch.arange(count).split(ROWS_A_BATCH)
    ]
    found: np.ndarray = torch.cat(parts).float().numpy()
    return found
