"""Texts that were written: tables for the terminal, columns of a file."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from plait.evaluate.written import Texts, WrittenEvaluation
from plait.report.files import free_name, own_columns
from plait.report.tables import score_table


def written_table(found: WrittenEvaluation) -> RenderableType:
    """Return every metric of texts with its interval, and some of the texts."""
    table = score_table({**found.scores, **found.others}, found.metric)
    texts = Table(box=None, header_style="bold", pad_edge=False)
    texts.add_column("written")
    texts.add_column("by people")
    for written, known in found.examples:
        texts.add_row(escape(written or "(nothing)"), escape(" / ".join(known)))
    left_out = f", {found.left_out:,} without a text left out" if found.left_out else ""
    return Group(table, "", texts, "", f"{found.rows:,} different inputs{left_out}.")


def written_columns(rows: Any, texts: Texts) -> dict[str, list[Any]]:
    """Return a table's own columns, and the texts that were written, one column a candidate."""
    columns = own_columns(rows)
    most = max((len(own) for own in texts.candidates), default=1)
    for place in range(max(most, 1)):
        name = f"{texts.target}_written" + (f"_{place + 1}" if place else "")
        values = [own[place] if place < len(own) else None for own in texts.candidates]
        columns[free_name(name, columns)] = values
    columns[free_name("confidence", columns)] = [
        None if sure != sure else float(sure) for sure in texts.confidence
    ]
    for name, values in texts.others.items():
        said = ["|".join(value) if isinstance(value, tuple) else value for value in values]
        columns[free_name(f"{name}_predicted", columns)] = said
    return columns
