"""Learn to segment: a mask column from a picture and all that a row has beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from plait.chance import seeded
from plait.config import to_json
from plait.data.detect import detect, split_targets
from plait.data.loader import Source, sources_of
from plait.data.mask import Mask, read_palette
from plait.data.pixel_classes import PixelClasses, read_classes
from plait.data.read import read
from plait.data.split import marking
from plait.data.table import Table
from plait.encoders.pretrained.pyramid import PretrainedPyramid
from plait.ensemble.config import FitConfig
from plait.errors import ColumnError, TableError
from plait.fitting import overrides_of, without_nan
from plait.grouping import components
from plait.making.material import Keep, Material, Parted, Request, gather, part
from plait.making.reading import fitted
from plait.making.run import begin, require_parts
from plait.making.training import Training
from plait.progress import Progress
from plait.segmenter.building import build, network_of, picture_of, ready
from plait.segmenter.segmenter import Segmenter, require_picture
from plait.segmenter.tiles import Tiles, boxes_of, size_of_cell, tiled
from plait.segmenter.vary import Varied, shrunk, target_of
from plait.tasks.segment import VOID
from plait.tasks.segment_config import SegmentConfig
from plait.train.record import Record, Track
from plait.types import Modality


def segment(
    table: Any,
    target: str | Sequence[str],
    *,
    preset: str = "quick",
    modalities: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    split: str | None = None,
    config: FitConfig | None = None,
    journal: str | Path | None = None,
    track: Track | None = None,
    progress: Progress | None = None,
) -> Segmenter:
    """Learn to make a mask column from a picture and the other columns.

    A tenth of the rows, 1,000 at most, is held out with all that have a picture in common with
    them, and the masks of these are judged; the model then learns again from all rows.

    Args:
        table: anything that `plait.read` takes.
        target: the column, or `column:mask`.
        preset: the encoders that none is named for.
        modalities: what columns hold, where detection should not decide.
        ignore: columns to leave out.
        split: as in `plait.fit`.
        config: all other settings.
        journal: folder in which what is under way is kept until the end; see `plait.fit`.
        track: is told of every epoch of every training.
        progress: where to show it; a terminal, by default.

    Returns:
        The model. `model.facts["judged"]` holds what held-out rows scored.

    Raises:
        ColumnError: for a column that is not there, where the picture is not clear, or for
            targets beside the mask.
        ConfigError: for a setting that is not allowed.
        ModelError: when the journal is of another run.
        TableError: when the table cannot be learned from.
    """
    table, progress = read(table), progress or Progress()
    config = ready(config or FitConfig(), preset)
    ready_made = gathered(table, target, modalities or {}, ignore, split, config, progress)
    material, parted = ready_made.material, ready_made.parted
    own = {"rows": len(material.rows), "apart": parted.kept}
    facts, kept = begin(table, material, config, split, own, journal, track)
    record = kept.record(0, material.target)
    model = learn(material, ready_made.classes, parted.learning, config, record, progress)
    found = model.evaluate(ready_made.judged, progress)
    if not parted.kept:
        record = kept.record(None, material.target)
        model = learn(material, ready_made.classes, material.rows, config, record, progress)
    kept.remove()
    facts["judged"] = without_nan(to_json(found))
    return replace(model, facts=model.facts | facts)


@dataclass(frozen=True)
class Ready:
    """A table made ready for a model that segments.

    Attributes:
        material: the rows, or tiles of them, made ready.
        parted: which of them learn.
        classes: of their pixels.
        judged: the rows of the table that are judged, whole.
    """

    material: Material
    parted: Parted
    classes: PixelClasses
    judged: Table


def gathered(
    table: Table,
    target: str | Sequence[str],
    modalities: Mapping[str, str],
    ignore: Sequence[str],
    split: str | None,
    config: FitConfig,
    progress: Progress,
) -> Ready:
    """Return a table made ready; takes and raises what `segment` does."""
    names = split_targets(target, table)[0]
    if len(names) > 1:
        raise ColumnError(
            f"A mask is learned by itself; fit {', '.join(map(repr, names[1:]))} by a model of its "
            "own."
        )
    cut = _tiled(table, target, modalities, ignore, split, config)
    kept = Kept(config.segment)
    request = Request(target, Modality.MASK, modalities, ignore, split, kept)
    material, parted = gather(
        cut.table, request, lambda sources: build(sources, config).encoders, config, progress
    )
    if cut.table is not table:  # tiles of one picture stay together
        origin = cut.origin[material.table.rows]
        groups = components(np.stack([material.groups, origin], axis=1))
        material = replace(material, groups=groups)
        parted = part(split, material, config.seed)
    require_parts(len(material.rows), parted)
    judged = material.table.take(parted.judged)
    if cut.table is not table:
        judged = table.take(np.unique(cut.origin[judged.rows]))
    return Ready(material, parted, kept.classes(material), judged)


class Kept:
    """Keeps of every mask what a network learns from, and notes which values there are.

    Args:
        config: settings.
    """

    def __init__(self, config: SegmentConfig) -> None:
        self.config = config
        self.values: set[int] = set()

    def __call__(self, table: Table, sources: Sequence[Source]) -> Keep:
        """Return what keeps the masks of a table."""
        picture = picture_of(sources, self.config.picture)

        def keep(row: int, mask: Mask) -> Mask:
            require_picture(mask, size_of_cell(table, picture, row))
            self.values.update(np.unique(mask).tolist())
            return shrunk(mask, self.config.side)

        return keep

    def classes(self, material: Material) -> PixelClasses:
        """Return the classes of all masks that were kept.

        Raises:
            ConfigError: when the file of names cannot be read, or fits no value.
            TableError: when there are fewer than two values, or too many.
        """
        named = read_classes(self.config.classes) if self.config.classes else {}
        first = material.table.cell(material.target, 0)
        palette = read_palette(first, material.table.folder, material.table.allow_outside)
        values = np.array(sorted(self.values), dtype=np.int32)
        found = PixelClasses.learn([values[None]], named, self.config.void, palette)
        if len(found) > VOID:
            raise TableError(f"Masks have {len(found)} classes, and {VOID} can be learned at most.")
        return found


def _tiled(
    table: Table,
    target: str | Sequence[str],
    modalities: Mapping[str, str],
    ignore: Sequence[str],
    split: str | None,
    config: FitConfig,
) -> Tiles:
    """Return the table in tiles, where these are asked for."""
    if not config.segment.tile:
        return Tiles(table, table, np.arange(len(table)), ())
    names, said = split_targets(target, table)
    schema = detect(
        table, names, overrides_of(modalities) | said, [*ignore, *marking(split, table)]
    )
    picture = picture_of(sources_of(schema), config.segment.picture)
    sizes = [size_of_cell(table, picture, row) for row in range(len(table))]
    boxes = [size and boxes_of(*size, config.segment.tile) for size in sizes]
    return tiled(table, picture, boxes, names[0])


def learn(
    material: Material,
    classes: PixelClasses,
    rows: np.ndarray,
    config: FitConfig,
    record: Record,
    progress: Progress,
    only: Sequence[str] | None = None,
) -> Segmenter:
    """Return a model that learned from some rows, and of these from the named sources alone."""
    sources = tuple(s for s in material.sources if only is None or s.name in only)
    with seeded(config.seed):
        made = build(sources, config)
        encoded = fitted(material, rows, made.frozen, made.trained, config.seed)
        widths = encoded.widths(made.trained)
        network = network_of(widths, made, classes, sources, config)
        target = torch.from_numpy(
            np.stack([target_of(classes.encode(material.values[row])) for row in rows])
        )
        words = any(source.kind == "text" for source in sources)
        vary = Varied(made.picture, moves=not words) if config.segment.augment else None
        training = Training(material, rows, encoded, target, config.seed, record, progress, vary)
        training.train(network, config.segmenting, "Learning to segment")
        pyramid = made.trained[made.picture]
        if isinstance(pyramid, PretrainedPyramid):
            pyramid.finish()
    network.eval()
    return Segmenter(
        material.schema, material.target, sources, made.frozen, network, config, {},
        material.ledger, made.picture, classes,
    )  # fmt: skip
