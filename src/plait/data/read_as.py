"""Read a table for a model whose columns of files may have other names than a folder gives them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plait.data.detect import detect
from plait.data.loader import Source
from plait.data.read import read
from plait.data.table import Table
from plait.types import MEDIA


def read_as(table: Any, sources: Sequence[Source]) -> Table:
    """Read a table; where it has no column of a model's, its files stand for those of their kind.

    A folder of pictures is a table with a column `image`, whatever a model calls its pictures.
    Nothing is guessed where either has several columns of a kind.

    Args:
        table: anything that `plait.read` takes.
        sources: that the model reads.
    """
    table = read(table)
    columns = [column for source in sources for column in source.columns]
    # A joined table may come by itself, under its own names.
    if any(name in table for c in columns for name in (c.stored, c.stored.rpartition(".")[2])):
        return table
    found = detect(table).columns
    for kind in MEDIA:
        meant = [column.stored for column in columns if column.modality is kind]
        own = [column.name for column in found if column.modality is kind]
        if len(meant) == len(own) == 1:
            table = table.renamed(own[0], meant[0])
    return table
