"""`load`: read back whatever plait wrote as a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plait import model
from plait.folder import kind_of
from plait.space import Space


def load(folder: str | Path) -> Any:
    """Return the `Model` or the `Space` that a folder holds.

    Raises:
        ModelError: when it holds none of them, is damaged, or a newer plait wrote it.
    """
    if kind_of(folder) == "space":
        return Space.load(folder)
    return model.load(folder)
