"""Who asks for recommendations: users who are known by their keys, and those of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from plait.data.histories import known_items
from plait.data.interactions import Interactions
from plait.data.loader import Reader
from plait.data.quality import Ledger
from plait.data.reference import key_of
from plait.data.table import Table
from plait.errors import TableError, did_you_mean
from plait.types import Column, Features, Modality

CHOSEN = "history"
"""Column of a table of users that names the items which they chose before."""

NOW = np.inf
"""After everything that was learned from."""


@dataclass(frozen=True)
class Asking:
    """Users who ask.

    Attributes:
        names: (b) their keys, or the numbers of their rows.
        features: of what is known of them, by source.
        histories: (b) numbers of the items that they chose before, newest last.
    """

    names: Sequence[str]
    features: Mapping[str, Features]
    histories: Sequence[np.ndarray]


def is_keys(users: Any, interactions: Interactions) -> bool:
    """Return whether these are keys of users, and not a table of them."""
    if isinstance(users, str):
        return users in interactions.users or not Path(users).is_file()
    return isinstance(users, (list, tuple, int, np.integer))


def by_keys(users: Any, known: Mapping[str, Features], interactions: Interactions) -> Asking:
    """Return users who are known, by one key or several.

    Raises:
        TableError: for a key that is not known.
    """
    asked = [users] if isinstance(users, (str, int, np.integer)) else list(users)
    keys = [key_of(user) or "" for user in asked]
    numbers = {key: number for number, key in enumerate(interactions.users)}
    for key in keys:
        if key not in numbers:
            raise TableError(
                f"User {key!r} is not known.{did_you_mean(key, numbers)} Give a table with the "
                "columns of a new user."
            )
    rows = np.array([numbers[key] for key in keys], dtype=np.int64)
    return Asking(keys, taken(known, rows), _chosen_by(rows, interactions))


def of_table(
    table: Table,
    key: str,
    features: Mapping[str, Features],
    interactions: Interactions,
    ledger: Ledger,
) -> Asking:
    """Return the users of a table: what they are known to have chosen, and what the table says.

    Args:
        table: of users, a row each.
        key: column of their keys, if it is there.
        features: of what the table knows of them.
        interactions: what was chosen by whom.
        ledger: is told of items of a history that are not known.
    """
    names = keys_of_rows(table, key)
    numbers = {own: number for number, own in enumerate(interactions.users)}
    rows = np.array([numbers.get(name, -1) for name in names], dtype=np.int64)
    known, said = _chosen_by(rows, interactions), _said(table, interactions, ledger)
    return Asking(names, features, [np.concatenate(own) for own in zip(known, said, strict=True)])


def keys_of_rows(table: Table, column: str) -> list[str]:
    """Return the key of each row, or its number where there is none."""
    values = table.values(column) if column in table else [None] * len(table)
    return [key_of(value) or str(row) for row, value in enumerate(values)]


def taken(features: Mapping[str, Features], rows: np.ndarray) -> dict[str, Features]:
    """Return Features of some rows, by source."""
    index = torch.from_numpy(rows)
    return {name: part.take(index) for name, part in features.items()}


def _chosen_by(users: np.ndarray, interactions: Interactions) -> list[np.ndarray]:
    """Return what each user chose; nothing for -1."""
    found = interactions.histories(np.maximum(users, 0), np.full(len(users), NOW))
    return [own if user >= 0 else own[:0] for user, own in zip(users, found, strict=True)]


def _said(table: Table, interactions: Interactions, ledger: Ledger) -> list[np.ndarray]:
    """Return the items that the column `history` names."""
    numbers = {key: number for number, key in enumerate(interactions.items)}
    reader, column, found = Reader(table, ledger), Column(CHOSEN, Modality.HISTORY), []
    for row in range(len(table)):
        keys = reader.cell(column, row) or ()
        own, unknown = known_items(keys, numbers)
        if unknown:
            ledger.add(table.row_number(row), CHOSEN, f"not known: {', '.join(unknown)}")
        found.append(own)
    return found
