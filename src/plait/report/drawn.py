"""Pictures that were drawn: a table for the terminal, columns of a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from plait.evaluate.drawn import DrawnEvaluation
from plait.report.files import free_name, own_columns

MEANING = {
    "loss": "of the velocity; lower is better",
    "frechet distance": "FID on this encoder; lower is better",
    "kernel distance": "KID on this encoder; lower is better",
    "kernel distance of real": "what a perfect model would have",
    "precision": "share of drawn pictures that might be real",
    "recall": "share of real pictures that might be drawn",
    "copied": "share nearer to one learned from than 95 % of those are to each other",
    "copied of real": "the same share of held-out real pictures",
    "agreement": "cosine of a picture with what was asked for",
    "agreement shuffled": "and with what was asked for elsewhere",
    "agreement gain": "the difference, with its 95 % interval",
}
"""What each score is."""


def drawn_table(found: DrawnEvaluation) -> RenderableType:
    """Return every score with what it means."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("score", "value", ""):
        table.add_column(name, justify="right" if name == "value" else "left")
    for name, value in found.scores.items():
        known = value is not None and value == value
        table.add_row(name, f"{value:.4f}" if known else "—", MEANING.get(name, ""))
    return Group(table, "", f"{found.rows:,} held-out rows drawn; vectors of {found.encoder!r}.")


def drawn_columns(rows: Any, target: str, paths: Sequence[Path | None], base: Path) -> Any:
    """Return a table's own columns, and where the picture of each row is, relative to a folder."""
    columns = own_columns(rows)
    named = [None if path is None else path.relative_to(base).as_posix() for path in paths]
    columns[free_name(f"{target}_drawn", columns)] = named
    return columns
