"""A model that segments: the masks of new rows, judge, save and load."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from plait.cache import Encoded
from plait.config import from_json, to_json
from plait.data.loader import Reader, blocks
from plait.data.mask import Mask, require_size
from plait.data.pixel_classes import PixelClasses
from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.read_as import read_as
from plait.data.table import Table
from plait.encoders.pretrained.tuned import put_learned
from plait.errors import CellError, TableError
from plait.evaluate.segmented import (
    JudgedMasks,
    JudgedPhrases,
    SegmentedEvaluation,
    evaluate_masks,
    evaluate_phrases,
)
from plait.folder import put_states, under
from plait.making.maker import Maker, Stored
from plait.making.material import keys_of
from plait.model import known_targets
from plait.progress import Progress
from plait.segmenter.building import build, network_of, tells_phrases
from plait.segmenter.card import segmenter_card
from plait.segmenter.tiles import boxes_of, put_together, size_of_cell, tiled
from plait.types import Raw

ROWS_A_BATCH = 16
"""Pictures, or tiles, that are segmented at a time."""


@dataclass(frozen=True)
class Masks:
    """The masks of the rows of a table.

    Attributes:
        target: the column that was made.
        classes: numbers of classes of each row's pixels, (h w) uint8; None without a picture.
        of: what these numbers stand for.
        skipped: cells that could not be read.
        absent: columns that the model reads, and the table lacks.
    """

    target: str
    classes: tuple[np.ndarray | None, ...]
    of: PixelClasses
    skipped: Ledger = field(default_factory=Ledger, repr=False)
    absent: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def values(self) -> list[Mask | None]:
        """The masks, each (h w) int32 with the values of the masks that were learned from."""
        return [None if own is None else self.of.decode(own) for own in self.classes]


@dataclass(frozen=True, eq=False)
class Judged:
    """What came of judging masks.

    Attributes:
        rows: of the table, those that were judged.
        scores: (n) of each, in 0..1: the mean IoU of its classes, or the IoU of what is meant.
        evaluation: of all of them.
    """

    rows: Table
    scores: np.ndarray
    evaluation: SegmentedEvaluation


@dataclass(frozen=True)
class Segmenter(Maker):
    """Gives every pixel of a picture a class, by all that a row has.

    Attributes:
        picture: the source whose pixels get classes.
        classes: that there are.
    """

    kind = "segmenter"

    picture: str
    classes: PixelClasses

    @property
    def phrases(self) -> bool:
        """Whether words say what is meant."""
        return tells_phrases(self.classes, self.sources)

    def predict(self, table: Any, progress: Progress | None = None) -> Masks:
        """Make the mask of every row; other cells and columns than the picture may be missing.

        Args:
            table: anything that `plait.read` takes.
            progress: where to show it.

        Raises:
            TableError: when the table has none of the model's columns.
        """
        table, ledger = read_as(table, self.sources), Ledger()
        progress = progress or Progress()
        made = tuple(self.each(table, ledger, progress))
        absent = tuple(name for name in self.columns if name not in table)
        return Masks(self.target, made, self.classes, ledger, absent)

    def each(self, table: Table, ledger: Ledger, progress: Progress) -> Iterator[np.ndarray | None]:
        """Yield the classes (h w) uint8 of each row's pixels, None where there is no picture.

        Args:
            table: the rows.
            ledger: of what cannot be read.
            progress: where to show it.
        """
        for rows, advance in self._blocks(table, progress):
            yield from self._few(table.take(rows), ledger)
            advance(len(rows))

    def _blocks(
        self, table: Table, progress: Progress
    ) -> Iterator[tuple[list[int], Callable[[int], None]]]:
        """Yield the rows that are segmented at a time, and what is told how many are done."""
        # Tiles of one picture are a batch of their own.
        size = 1 if self.config.segment.tile else ROWS_A_BATCH
        with progress.stage(f"Segmenting {self.picture}", len(table)) as advance:
            for rows in blocks(range(len(table)), size):
                yield rows, advance

    def _few(self, table: Table, ledger: Ledger) -> Iterator[np.ndarray | None]:
        """Yield the classes of a few rows."""
        sizes = [size_of_cell(table, self.picture, row) for row in range(len(table))]
        tile = self.config.segment.tile
        tiles = tiled(table, self.picture, [size and boxes_of(*size, tile) for size in sizes])
        own = Ledger()
        shares = iter(self.shares(tiles.table, own))
        for (row, column), reason in own.entries.items():
            ledger.add(tiles.row_number(row), column, reason)
        for size, boxes in zip(sizes, tiles.boxes, strict=True):
            parts = [next(shares) for _ in boxes or (None,)]
            there = [part for part in parts if part is not None]
            if size is None or not there:
                yield None
                continue
            yield put_together(there, boxes or (), *size).argmax(axis=2).astype(np.uint8)

    @torch.no_grad()
    def shares(self, table: Table, ledger: Ledger) -> list[np.ndarray | None]:
        """Return the probabilities (c side side) of a few rows; None where there is no picture."""
        rows = self.encode(table, ledger, Progress(show=False))
        found: list[np.ndarray | None] = [None] * len(table)
        seen = np.flatnonzero(rows.present([self.picture]).numpy())
        for start in range(0, len(seen), ROWS_A_BATCH):
            batch = seen[start : start + ROWS_A_BATCH]
            some = rows.take(batch)
            made = self.network.task.predict(self.joined(some))
            if self.config.segment.flip:
                other = self.joined(self._mirrored(some))
                made = (made + self.network.task.predict(other).flip(3)) / 2
            for row, own in zip(batch, made.numpy(), strict=True):
                found[row] = own
        return found

    def _mirrored(self, rows: Encoded) -> Encoded:
        """Return encoded rows with their pictures mirrored."""
        raw = rows.raw[self.picture]
        once, places = raw.once()
        samples = [None if own is None else np.stack(own)[:, :, ::-1] for own in once]
        mirrored = Raw(samples, places, raw.present, places)
        return replace(rows, raw={**rows.raw, self.picture: mirrored})

    def evaluate(self, table: Any, progress: Progress | None = None) -> SegmentedEvaluation:
        """Judge the masks of rows whose mask is known; where words say what is meant, as phrases.

        Takes and raises what `judge` does.
        """
        return self.judge(table, progress).evaluation

    def judge(self, table: Any, progress: Progress | None = None) -> Judged:
        """Make the masks of rows whose mask is known, and compare them; each is made once.

        Args:
            table: anything that `plait.read` takes, with the target.
            progress: where to show it.

        Raises:
            ColumnError: when the table lacks the target column.
            TableError: when no row has a mask and a picture.
        """
        table, progress = read(table), progress or Progress()
        table.require(self.target)
        there: list[int] = []
        unknown: list[int] = []

        def pairs() -> Iterator[tuple[np.ndarray, np.ndarray]]:
            for row, truth, made in self.pairs(table, progress, unknown.append):
                there.append(row)
                yield truth, made

        count = len(self.classes)
        judged = JudgedPhrases.of(pairs()) if self.phrases else JudgedMasks.of(pairs(), count)
        if not there:
            raise TableError(
                f"No row has both a mask in {self.target!r} and a picture in {self.picture!r}."
            )
        rows, seed = table.take(there), self.config.seed
        groups = keys_of(Reader(rows, Ledger()), self.sources)[1]
        result = (
            evaluate_phrases(self.target, judged, groups, seed)
            if isinstance(judged, JudgedPhrases)
            else evaluate_masks(self.target, judged, self.classes.names, groups, seed)
        )
        result = replace(result, left_out=len(table) - len(there), unknown=sum(unknown))
        return Judged(rows, judged.by_row, result)

    def pairs(
        self,
        table: Table,
        progress: Progress,
        told: Callable[[int], None] = lambda unknown: None,
    ) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Yield each row that has a mask and a picture of its size, its true and predicted classes.

        Args:
            table: the rows.
            progress: where to show it.
            told: is given how many pixels of the true mask have values that are no class.
        """
        for rows, advance in self._blocks(table, progress):
            few = table.take(rows)
            known, masks = self._known(few)
            made = self._few(few.take(known), Ledger())
            for place, mask, own in zip(known, masks, made, strict=True):
                if own is not None:
                    told(self.classes.unknown(mask))
                    yield rows[place], self.classes.encode(mask), own
            advance(len(rows))

    def _known(self, table: Table) -> tuple[np.ndarray, list[Mask]]:
        """Return the rows that have a picture and a mask of its size, and these masks."""

        def fitting(row: int, mask: Mask) -> Mask:
            require_picture(mask, size_of_cell(table, self.picture, row))
            return mask

        return known_targets(table, [self.schema[self.target]], Ledger(), fitting)

    def own(self) -> dict[str, Any]:
        """Return what the classes are, and of which picture."""
        return {"picture": self.picture, "classes": to_json(self.classes)}

    def card(self) -> str:
        """Return the model card, in Markdown."""
        return segmenter_card(self)

    @staticmethod
    def load(folder: str | Path) -> Segmenter:
        """Read what `save` wrote.

        Raises:
            ModelError: when it is no model that segments, or damaged.
        """
        stored = Stored.read(folder, "segmenter")
        document, config = stored.document, stored.config
        made = build(stored.sources, config)
        put_states(made.frozen, stored.states)
        classes = from_json(PixelClasses, document["classes"])
        network = network_of(document["widths"], made, classes, stored.sources, config)
        put_learned(network, under(stored.states, "network/"))
        return Segmenter(
            stored.schema, document["target"], stored.sources, made.frozen, network.eval(), config,
            document["facts"], Ledger(), document["picture"], classes,
        )  # fmt: skip


def require_picture(mask: Mask, size: tuple[int, int] | None) -> None:
    """Refuse a mask without a picture (h, w) of its size.

    Raises:
        CellError: saying which it is.
    """
    if size is None:
        raise CellError("there is no picture that the mask is of")
    require_size(mask, size)
