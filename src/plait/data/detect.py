"""What each column of a table holds, and what its target stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from plait.data.audio import has_track
from plait.data.mask_rules import masks_among
from plait.data.reference import JoinedColumn
from plait.data.rules import detect_column, is_missing, looked_at
from plait.data.series import usual_size
from plait.data.table import Table
from plait.errors import ColumnError, did_you_mean
from plait.types import PREDICTABLE, READABLE, Column, Modality, Schema

SOUND = ".sound"
"""Ends the name of a column that is the sound of a video column."""

VIDEOS_OPENED = 20
"""Videos of a column in which a sound track is looked for."""


def detect(
    table: Table,
    targets: Sequence[str] = (),
    overrides: Mapping[str, Modality] | None = None,
    ignore: Sequence[str] = (),
) -> Schema:
    """Return the schema of a table; after each video column `clip`, its sound as `clip.sound`.

    Args:
        table: the table.
        targets: columns to be predicted; a whole number with few values is then a category.
        overrides: modality by column, where the user says it.
        ignore: columns that the user leaves out; the sound of a video may be one.

    Raises:
        ColumnError: when a named column is not in the table.
    """
    overrides = overrides or {}
    for name in (*targets, *overrides, *ignore):
        sound = name not in table and name in ignore
        table.require(name.removesuffix(SOUND) if sound else name)
    columns = []
    for name, column in _looked_up(table, targets, overrides, ignore).items():
        if name in ignore:
            column = replace(column, left_out="ignored")
        elif name in targets:
            column = replace(column, left_out="target")
        elif column.modality not in READABLE and not column.left_out:
            column = replace(column, left_out=f"{column.modality.value} columns are not read yet")
        columns.append(_with_size(table, column))
        columns.extend(_sound_of(table, column, ignore))
    return Schema(tuple(columns))


def _looked_up(
    table: Table,
    targets: Sequence[str],
    overrides: Mapping[str, Modality],
    ignore: Sequence[str],
) -> dict[str, Column]:
    """Return what each column holds by itself, and which pictures are masks of others."""
    found = {
        name: Column(name, overrides[name], 1.0, "said by the user")
        if name in overrides
        else _detected(table, name, name in targets)
        for name in table.columns
    }
    pictures = [
        column
        for name, column in found.items()
        if column.modality is Modality.IMAGE
        and name not in ignore
        and not isinstance(table.data[name], JoinedColumn)
    ]
    for name, evidence in masks_among(table, pictures).items():
        if name not in overrides:
            told = f"{found[name].evidence}; {evidence}"
            found[name] = replace(
                found[name], modality=Modality.MASK, confidence=0.7, evidence=told
            )
    return found


def _detected(table: Table, name: str, is_target: bool) -> Column:
    """Return what a column holds; a joined one by its own table, where no row comes up twice."""
    if name in table.references and not is_target:
        facts = f"refers to {table.references[name].name}"
        return Column(name, Modality.REFERENCE, 1.0, facts, "its columns stand for it")
    stored = table.data[name]
    if isinstance(stored, JoinedColumn):
        found = _detected(stored.reference.table, stored.own, is_target)
        return replace(found, name=name)
    return detect_column(table, name, is_target)


def _with_size(table: Table, column: Column) -> Column:
    """Return a column of vectors or series with the numbers that one of them, or a step, has."""
    if column.modality not in (Modality.SERIES, Modality.VECTOR) or column.left_out:
        return column
    cells = [table.cell(column.name, row) for row in looked_at(table)]
    known = [cell for cell in cells if not is_missing(cell)]
    return replace(column, size=usual_size(known, column.modality is Modality.SERIES))


def _sound_of(table: Table, column: Column, ignore: Sequence[str]) -> list[Column]:
    """Return the column of the sound of a video column; none where its videos are silent films."""
    name = column.name + SOUND
    if column.modality is not Modality.VIDEO or column.left_out or name in table:
        return []
    cells = (table.cell(column.name, row) for row in looked_at(table, VIDEOS_OPENED))
    heard = [
        has_track(cell, table.folder, table.allow_outside) for cell in cells if not is_missing(cell)
    ]
    if not any(heard):
        return []
    evidence = f"{sum(heard)} of {len(heard)} videos that were opened have sound"
    left_out = "ignored" if name in ignore else ""
    return [Column(name, Modality.AUDIO, 1.0, evidence, left_out, of=column.name)]


def require_target(schema: Schema, name: str) -> Column:
    """Return the target's column.

    Raises:
        ColumnError: when its modality cannot be a target yet.
    """
    column = schema[name]
    if column.modality not in PREDICTABLE:
        allowed = ", ".join(m.value for m in PREDICTABLE)
        raise ColumnError(
            f"Column {name!r} holds {column.modality.value} ({column.evidence}), which cannot be a "
            f"target yet. Targets may be {allowed}: say it with {name}:category, for example."
        )
    return column


def split_targets(
    targets: str | Sequence[str], table: Table
) -> tuple[list[str], dict[str, Modality]]:
    """Return the columns to be predicted, and the modality of those written as `column:modality`.

    Raises:
        ColumnError: when there is none, one is named twice, or is not known.
    """
    named = [split_target(t, table) for t in ([targets] if isinstance(targets, str) else targets)]
    names = [name for name, _ in named]
    if not names:
        raise ColumnError("No target is named; name a column to be predicted.")
    for name in names:
        if names.count(name) > 1:
            raise ColumnError(f"Target {name!r} is named twice; name each column once.")
    return names, {name: modality for name, modality in named if modality}


def split_target(target: str, table: Table) -> tuple[str, Modality | None]:
    """Return the column and the modality of a target written as `column` or `column:modality`.

    Raises:
        ColumnError: when the column or the modality is not known.
    """
    if target in table:
        return target, None
    name, mark, modality = target.rpartition(":")
    allowed = [m.value for m in Modality]
    if not mark or name not in table:
        table.require(name if modality in allowed else target)
    if modality not in allowed:
        hint = did_you_mean(modality, allowed)
        raise ColumnError(f"Modality {modality!r} of target {name!r} is not known.{hint}")
    return name, Modality(modality)
