"""What a space would say of rows that it has not learned from: it is learned again without them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from plait.data.loader import Reader
from plait.data.quality import Ledger
from plait.data.table import Table
from plait.evaluate.sides import Side
from plait.progress import Progress
from plait.spaces.material import material_of
from plait.spaces.sides import sides_of
from plait.spaces.space import Space
from plait.spaces.training import held_out, learn


def sides_apart(
    space: Space,
    table: Table,
    names: Sequence[str],
    parts: np.ndarray,
    key: str | None,
    ledger: Ledger,
    progress: Progress,
) -> Iterator[tuple[np.ndarray, list[Side]]]:
    """Yield the rows of each part, and their sides by a space that learned from all other parts.

    Out of fold, as stacking asks for (Wolpert, Neural Networks 1992): what a model says of rows
    that it has learned from is surer than what it says of new ones. The table is prepared once.
    Settings are those of the space; its groups are those of which the table has a column.

    Args:
        space: whose groups and settings these are.
        table: of rows to learn from and to judge.
        names: of the groups whose sides are returned, in this order.
        parts: (n) numbers, two of them at least; what belongs together is in one.
        key: column of what a row is of, as in `align`.
        ledger: where cells that cannot be read are noted.
        progress: where to show it.

    Raises:
        TableError: when too much cannot be read, or too few rows have two groups.
    """
    table = space.with_histories(table, ledger)
    groups = {name: space.groups[name] for name in space.groups_of(table)}
    inside = {source.name for own in groups.values() for source in own}
    columns = [items.column for name, items in space.items.items() if name in inside]
    reader = Reader(table, ledger)
    material, config = material_of(reader, groups, columns, key, space.config, progress)
    for part in np.unique(parts):
        rows = np.flatnonzero(parts == part)
        learned = learn(material, np.flatnonzero(parts != part), config, progress)
        sides = sides_of(learned.network, held_out(material, learned, rows))
        yield rows, [sides[list(groups).index(name)] for name in names]
