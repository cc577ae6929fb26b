"""A table made ready for a model that writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plait.data.table import Table
from plait.ensemble.config import FitConfig
from plait.making import material
from plait.making.material import Material, Parted, Request
from plait.progress import Progress
from plait.types import Modality
from plait.writer.building import build


def gather(
    table: Table,
    target: str | Sequence[str],
    modalities: Mapping[str, str],
    ignore: Sequence[str],
    split: str | None,
    config: FitConfig,
    progress: Progress,
) -> tuple[Material, Parted]:
    """Return the rows that have a text; see `plait.making.material.gather`."""
    request = Request(target, Modality.TEXT, modalities, ignore, split)
    return material.gather(
        table, request, lambda sources: build(sources, config).encoders, config, progress
    )
