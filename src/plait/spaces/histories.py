"""Histories in a space: their items are read by another group's tower, and known by its vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from plait.cache import Encoded
from plait.data.histories import HistoryColumn, known_items
from plait.data.loader import Reader, Source
from plait.data.reference import joined_name
from plait.encoders.history import History, HistoryConfig
from plait.errors import ColumnError
from plait.fusion.fusion import Fusion
from plait.fusion.towers import Towers
from plait.grouping import Groups
from plait.network import Network
from plait.types import Features, Modality, Raw, Sample

ROWS_A_BATCH = 512

KIND = Modality.HISTORY.value
"""Of the source of a history."""


@dataclass(frozen=True)
class Items:
    """What a history of a space may name.

    Attributes:
        column: the history.
        keys: of k items.
        vectors: (k d) of length 1, that the space has for them; zero where it has none.
    """

    column: HistoryColumn
    keys: tuple[str, ...]
    vectors: np.ndarray

    def with_more(self, keys: Sequence[str], vectors: np.ndarray) -> Items:
        """Return the same with further items."""
        return Items(
            self.column, (*self.keys, *keys), np.concatenate([self.vectors, np.nan_to_num(vectors)])
        )


class GroupTower:
    """The vectors of length 1 that a group's tower gives to items, while it learns.

    Args:
        towers: of all groups.
        group: number of the one that reads the items.
    """

    def __init__(self, towers: Towers, group: int) -> None:
        self.towers, self.group = towers, group
        self.network: Network | None = None
        self.content: Mapping[str, Features | Raw] = {}

    @property
    def width(self) -> int:
        """The width d of the space."""
        return self.towers.width

    def __call__(self, numbers: Tensor) -> Tensor:
        """Return (k d) vectors of items by their (k) numbers; zero where nothing is known."""
        assert self.network is not None
        device, rows = self.towers.last_layers[0].weight.device, numbers.cpu()
        taken = {name: part.take(rows) for name, part in self.content.items()}
        moved = {n: p.to(device) if isinstance(p, Features) else p for n, p in taken.items()}
        found = self.towers.alone(self.group, self.network.encode(moved))
        return normalize(found.pooled, dim=-1)


class ByNumber(Sequence[Sample | None]):
    """Histories as the (t d) vectors of their items, looked up when they are asked for.

    Args:
        numbers: (n) histories of item numbers, or None.
        vectors: (k d).
    """

    def __init__(self, numbers: Sequence[np.ndarray | None], vectors: np.ndarray) -> None:
        self._numbers, self._vectors = numbers, vectors

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, row):  # type: ignore[no-untyped-def]  # one sample; slices not needed
        own = self._numbers[row]
        return None if own is None else self._vectors[own]


def reader_of(column: HistoryColumn, groups: Groups) -> str:
    """Return the group whose tower reads the items of a history.

    Raises:
        ColumnError: when no group is of columns of the items alone.
    """
    start = joined_name(column.items, "")
    for name, own in groups.items():
        if all(read.stored.startswith(start) for source in own for read in source.columns):
            return name
    raise ColumnError(
        f"The items of history {column.name!r} are read as a group of columns of "
        f"{column.items!r} alone is read, and there is none among {list(groups)}; match the "
        f"history with {column.items!r}, or with some of its columns ('{start}NAME')."
    )


def history_encoders(
    towers: Towers, groups: Groups, columns: Sequence[HistoryColumn], config: HistoryConfig
) -> dict[str, History]:
    """Return what reads each history, by its name: attention over what a tower makes of items."""
    names = list(groups)
    return {
        column.name: History(GroupTower(towers, names.index(reader_of(column, groups))), config)
        for column in columns
    }


def histories_in(network: Network) -> dict[str, tuple[History, GroupTower]]:
    """Return the histories that a network reads, and the towers that read their items."""
    found = {}
    for name, encoder in network.by_name.items():
        if isinstance(encoder, History):
            assert isinstance(encoder.tower, GroupTower)
            found[name] = encoder, encoder.tower
    return found


def give_items(network: Network, items: Mapping[str, Encoded]) -> None:
    """Let the towers of a network that learns read items, encoded a row each, by history."""
    for name, (_, tower) in histories_in(network).items():
        group = tower.towers.groups[tower.group]
        assert isinstance(group, Fusion)
        tower.network = network
        tower.content = items[name].inputs(group.widths, network.by_name)


@torch.no_grad()
def take_items(network: Network) -> dict[str, np.ndarray]:
    """Return the (k d) vectors of all items by history, and let go of what they were made of."""
    network.eval()
    found = {}
    for name, (_, tower) in histories_in(network).items():
        count = len(next(iter(tower.content.values())))
        parts = [tower(rows) for rows in torch.arange(count).split(ROWS_A_BATCH)]
        found[name] = torch.cat(parts).float().numpy()
        tower.network, tower.content = None, {}
    return found


def history_samples(
    reader: Reader, source: Source, keys: Sequence[str], longest: int
) -> list[np.ndarray | None]:
    """Return (n) the numbers of the items in each row's history, the newest last; None for none.

    Args:
        reader: of the table; its ledger is told of keys that are not known.
        source: the history.
        keys: of the items.
        longest: items that are read, the newest.
    """
    numbers = {key: number for number, key in enumerate(keys)}
    found: list[np.ndarray | None] = []
    for row in range(len(reader.table)):
        own, unknown = known_items(reader.value(source, row) or (), numbers)
        if unknown:
            number = reader.table.row_number(row)
            reader.ledger.add(number, source.name, f"not known: {', '.join(unknown)}")
        found.append(own[-longest:] if len(own) else None)
    return found
