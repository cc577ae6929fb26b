"""Read a table for a model whose columns of files may have other names than a folder gives them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plait.data.loader import Source
from plait.data.read import read
from plait.data.table import Table
from plait.types import MEDIA


def read_as(table: Any, sources: Sequence[Source]) -> Table:
    """Read a table; files of a folder stand for the one column of their kind that a model reads.

    A folder of pictures is a table with a column `image`, whatever the model calls its pictures.
    Other names are the user's own, and are left alone.

    Args:
        table: anything that `plait.read` takes.
        sources: that the model reads.
    """
    table = read(table)
    columns = [column for source in sources for column in source.columns]
    names = {column.stored for column in columns}
    for kind in MEDIA:
        meant = [column.stored for column in columns if column.modality is kind]
        if len(meant) == 1 and meant[0] not in table and kind.value in table:
            joined = "." in meant[0]  # of a joined table, which may come by itself
            if kind.value not in names and not joined:
                table = table.renamed(kind.value, meant[0])
    return table
