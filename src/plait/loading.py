"""`load`: read back whatever plait wrote as a folder, or as an index."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plait import model
from plait.folder import kind_of
from plait.search.index import Index
from plait.space import Space


def load(folder: str | Path) -> Any:
    """Return the `Model`, the `Space` or the `Index` that a folder holds.

    Args:
        folder: its path; of an index, which ends in .lance, a URI in object storage too.

    Raises:
        ModelError: when it holds none of them, is damaged, or a newer plait wrote it.
    """
    if str(folder).endswith(".lance"):
        return Index.open(folder)
    if kind_of(folder) == "space":
        return Space.load(folder)
    return model.load(folder)
