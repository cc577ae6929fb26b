"""Scores of masks as tables for the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from plait.errors import many
from plait.evaluate.segmented import ClassScore, SegmentedEvaluation
from plait.report.tables import score_table


def segmented_table(found: SegmentedEvaluation) -> RenderableType:
    """Return every metric with its interval, and the scores of each class."""
    parts: list[RenderableType] = [score_table(found.scores, found.metric), ""]
    if found.classes:
        table = Table(box=None, header_style="bold", pad_edge=False)
        table.add_column("class")
        for name in ("of pixels", "IoU", "95 % interval", "Dice", "boundary F1"):
            table.add_column(name, justify="right")
        for one in found.classes:
            table.add_row(escape(one.name), *_cells(one))
        parts += [table, ""]
    left_out = f", {found.left_out:,} without a mask left out" if found.left_out else ""
    unknown = (
        f" {many(found.unknown, 'pixel')} of values that were not learned do not count."
        if found.unknown
        else ""
    )
    return Group(*parts, f"{many(found.rows, 'mask')} judged{left_out}.{unknown}")


def _cells(one: ClassScore) -> tuple[str, ...]:
    iou = one.iou
    return (
        f"{one.share:.2%}",
        "" if iou is None else f"{iou.value:.4f}",
        "" if iou is None else f"{iou.low:.4f} … {iou.high:.4f}",
        "" if one.dice is None else f"{one.dice:.4f}",
        "" if one.boundary_f1 is None else f"{one.boundary_f1:.4f}",
    )
