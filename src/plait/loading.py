"""`load`: read back whatever plait wrote as a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plait.folder import kind_of


def load(folder: str | Path) -> Any:
    """Return what a folder holds: a `Model`, `Writer`, `Segmenter`, `Drawer`, `Space`...

    Args:
        folder: its path; of an index, which ends in .lance, a URI in object storage too.

    Raises:
        ModelError: when it holds none of them, is damaged, or a newer plait wrote it.
    """
    # One of them at a time: a model needs nothing of what an index is made with.
    if str(folder).endswith(".lance"):
        from plait.search.index import Index

        return Index.open(folder)
    match kind_of(folder):
        case "space":
            from plait.spaces.space import Space

            return Space.load(folder)
        case "recommender":
            from plait.recommendation.recommender import Recommender

            return Recommender.load(folder)
        case "writer":
            from plait.writer.writer import Writer

            return Writer.load(folder)
        case "drawer":
            from plait.drawer.drawer import Drawer

            return Drawer.load(folder)
        case "segmenter":
            from plait.segmenter.segmenter import Segmenter

            return Segmenter.load(folder)
        case _:
            from plait.model import load as load_model

            return load_model(folder)
