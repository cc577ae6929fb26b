"""Masks as files: one PNG a row beside a table that names them, and a sheet to look at."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from plait.data.image import Picture, read_pictures
from plait.data.mask import Mask, to_rle, write_mask
from plait.data.quality import Ledger
from plait.data.table import Table
from plait.progress import Progress
from plait.report.files import free_name, own_columns, write_columns
from plait.report.mask_sheet import Shown, telling, write_mask_sheet
from plait.segmenter.segmenter import Judged, Segmenter

SHARE = "share"
"""Ends the names of columns that hold the share of a picture that a class has."""


@dataclass(frozen=True)
class MaskFiles:
    """What was written.

    Attributes:
        names: of the file of each row's mask; None where there is none.
        skipped: cells that could not be read.
        absent: columns that the model reads, and the table lacks.
    """

    names: tuple[str | None, ...]
    skipped: Ledger = field(repr=False)
    absent: tuple[str, ...] = ()

    def __len__(self) -> int:
        return sum(name is not None for name in self.names)


def write_masks(
    model: Segmenter, table: Table, path: Path, folder: Path | None, progress: Progress
) -> MaskFiles:
    """Write the mask of every row, and a table of the rows with the names of these files.

    Beside each name stands the share of the picture that every class has. A mask is written as
    soon as it is made: memory is that of a few rows. `read_mask` reads either form.

    Args:
        model: that makes them.
        table: its rows.
        path: of the table: .csv, .tsv, .jsonl or .parquet.
        folder: of the masks, beside it or below; None puts them into the table itself, as JSON of
            run-length codes of COCO.
        progress: where to show it.
    """
    ledger = Ledger()
    names: list[str | None] = []
    shares: list[list[float | None]] = []
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    digits = len(str(len(table)))
    classes = model.classes
    for row, made in enumerate(model.each(table, ledger, progress)):
        if made is None:
            names.append(None)
            shares.append([None] * len(classes))
            continue
        mask = classes.decode(made)
        if folder is None:
            names.append(json.dumps(_codes(mask)))
        else:
            file = folder / f"{row:0{digits}}.png"
            write_mask(mask, file, classes.palette)
            names.append(str(file.relative_to(path.parent)))
        shares.append((np.bincount(made.ravel(), minlength=len(classes)) / made.size).tolist())
    columns = own_columns(table)
    columns[free_name(f"{model.target}_predicted", columns)] = names
    for name, own in zip(classes.names, zip(*shares, strict=True), strict=True):
        columns[free_name(f"{SHARE}({name})", columns)] = list(own)
    write_columns(path, columns)
    absent = tuple(name for name in model.columns if name not in table)
    return MaskFiles(tuple(names), ledger, absent)


def _codes(mask: Mask) -> list[dict[str, Any]]:
    """Return a run-length code for each value of a mask; what is left has the value 0."""
    values = [value for value in np.unique(mask).tolist() if value] or [0]
    return [{**to_rle(mask == value), "category_id": value} for value in values]


def draw_masks(model: Segmenter, judged: Judged, path: Path) -> None:
    """Write a sheet of the best, the median and the worst masks of rows that were judged.

    Only these are made again.

    Args:
        model: that made them.
        judged: what it was judged on.
        path: of a PNG file.
    """
    chosen = telling(judged.scores)
    few = judged.rows.take([row for _, row in chosen])
    shown = [
        Shown(
            f"{label}, row {judged.rows.row_number(row)}",
            float(judged.scores[row]),
            _picture(few, model.picture, number),
            truth,
            made,
            _words(model, few, number),
        )
        for (label, row), (number, truth, made) in zip(
            chosen, model.pairs(few, Progress(show=False)), strict=True
        )
    ]
    write_mask_sheet(shown, model.classes, path)


def _picture(table: Table, column: str, row: int) -> Picture:
    return read_pictures(table.cell(column, row), table.folder, table.allow_outside)[0]


def _words(model: Segmenter, table: Table, row: int) -> str:
    """Return the texts of a row that the model reads."""
    texts = [source.columns[0].stored for source in model.sources if source.kind == "text"]
    return " / ".join(str(table.cell(name, row) or "") for name in texts if name in table)
