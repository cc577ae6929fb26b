"""`embed` with a space: the vectors that it gives to the groups of columns that a table has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plait.data.detect import detect
from plait.data.loader import Reader
from plait.data.quality import Ledger
from plait.data.read_as import read_as
from plait.errors import TableError
from plait.progress import Progress
from plait.spaces.space import Space
from plait.vectors import Embedding, numbers_of


def embed_groups(
    space: Space, table: Any, groups: Sequence[str] = (), progress: Progress | None = None
) -> Embedding:
    """Return the vectors of length 1 that a space gives to the rows of a table, by group.

    Args:
        space: that `align` learned.
        table: anything that `plait.read` takes, with columns of a group.
        groups: by their names; by default all of which the table has a column.
        progress: where to show it.

    Raises:
        ConfigError: for a group that the space does not have.
        TableError: when the table has no column of a group.
    """
    table, ledger = read_as(table, space.sources), Ledger()
    ledger.add_table(table)
    names = list(groups) or space.groups_of(table)
    if not names:
        raise TableError(
            f"The table has no column of any group of the space ({', '.join(space.groups)}); it "
            f"has {table.columns}."
        )
    vectors = {name: space.vectors(table, name, progress, ledger) for name in names}
    numbers = numbers_of(Reader(table, Ledger()), detect(table))
    return Embedding(table, vectors, ledger, numbers)
