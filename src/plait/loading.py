"""`load`: read back whatever plait wrote as a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plait import model
from plait.folder import kind_of
from plait.recommendation.recommender import Recommender
from plait.space import Space


def load(folder: str | Path) -> Any:
    """Return the `Model`, the `Space` or the `Recommender` that a folder holds.

    Raises:
        ModelError: when it holds none of them, is damaged, or a newer plait wrote it.
    """
    kind = kind_of(folder)
    if kind == "space":
        return Space.load(folder)
    if kind == "recommender":
        return Recommender.load(folder)
    return model.load(folder)
