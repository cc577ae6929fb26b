"""What each column holds: its modality, with the evidence and how sure it is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from plait.data.category import SEPARATORS, split_labels
from plait.data.date import parse_date
from plait.data.media import locate, modality_of_bytes, modality_of_name
from plait.data.number import parse_number
from plait.data.table import Table
from plait.errors import CellError, ColumnError, did_you_mean
from plait.types import PREDICTABLE, READABLE, Column, Modality, Schema

SAMPLE = 2000
"""Values of a column that are looked at, evenly spaced."""

FEW_LEVELS = 20
"""Whole numbers with at most so many distinct values are classes when they are the target."""

_ID_NAME = re.compile(r"(^|[_\W])(id|uuid|guid|key|index|hash)$|[a-z]Id$|ID$", re.ASCII)
_MASK_NAME = re.compile(r"mask|segmentation|label_?map", re.IGNORECASE)


def detect(
    table: Table,
    targets: Sequence[str] = (),
    overrides: Mapping[str, Modality] | None = None,
    ignore: Sequence[str] = (),
) -> Schema:
    """Return the schema of a table.

    Args:
        table: the table.
        targets: columns to be predicted; a whole number with few values is then a category.
        overrides: modality by column, where the user says it.
        ignore: columns that the user leaves out.

    Raises:
        ColumnError: when a named column is not in the table.
    """
    overrides = overrides or {}
    for name in (*targets, *overrides, *ignore):
        table.require(name)
    columns = []
    for name in table.columns:
        if name in overrides:
            column = Column(name, overrides[name], 1.0, "said by the user")
        else:
            column = detect_column(table, name, name in targets)
        if name in ignore:
            column = Column(name, column.modality, column.confidence, column.evidence, "ignored")
        elif name in targets:
            column = Column(name, column.modality, column.confidence, column.evidence, "target")
        elif column.modality not in READABLE and not column.left_out:
            reason = f"{column.modality.value} columns are not read yet"
            column = Column(name, column.modality, column.confidence, column.evidence, reason)
        columns.append(column)
    return Schema(tuple(columns))


def detect_column(table: Table, name: str, is_target: bool = False) -> Column:
    """Return what one column holds."""
    looked_at = np.linspace(0, len(table) - 1, min(len(table), SAMPLE)).astype(int)
    cells = [table.cell(name, row) for row in looked_at]
    values = [v for v in cells if not is_missing(v)]
    if not values:
        return Column(name, Modality.TEXT, 1.0, "every value is missing", "every value is missing")
    kinds = Counter(type(value) for value in values)
    kind = kinds.most_common(1)[0][0]
    column = _by_type(table, name, kind, values, is_target)
    if len(kinds) > 1 and not set(kinds) <= {int, float}:
        mixed = ", ".join(f"{count} {k.__name__}" for k, count in kinds.most_common())
        evidence = f"{column.evidence}; mixed types: {mixed}"
        column = Column(name, column.modality, column.confidence * 0.8, evidence, column.left_out)
    return column


def is_missing(value: Any) -> bool:
    """Return whether a cell holds nothing."""
    return value is None or (isinstance(value, (float, np.floating)) and bool(np.isnan(value)))


def _by_type(table: Table, name: str, kind: type, values: list[Any], is_target: bool) -> Column:
    if issubclass(kind, str):
        return _text_like(table, name, [v for v in values if isinstance(v, str)], is_target)
    if issubclass(kind, (bool, np.bool_)):
        return _category(name, [str(v) for v in values], 1.0, "true and false")
    if issubclass(kind, (int, float, np.number)) or kind.__name__ == "Decimal":
        return _number(name, [float(v) for v in values if not isinstance(v, str)], is_target)
    if issubclass(kind, (bytes, bytearray)):
        return _media(name, Counter(modality_of_bytes(v) for v in values), "first bytes")
    if issubclass(kind, dict):
        return _media(name, Counter(_dict_modality(v) for v in values), "bytes or path")
    if issubclass(kind, np.ndarray):
        return _array(name, values)
    if issubclass(kind, (list, tuple)):
        return _list(table, name, [v for v in values if len(v)], is_target)
    if kind.__module__.startswith("PIL"):
        return Column(name, Modality.IMAGE, 1.0, "PIL images")
    if hasattr(values[0], "isoformat"):
        return Column(name, Modality.DATE, 1.0, "dates")
    reason = f"values of type {kind.__name__} are not known"
    return Column(name, Modality.TEXT, 0.0, reason, reason)


def _dict_modality(value: dict[str, Any]) -> Modality | None:
    if isinstance(value.get("bytes"), bytes):
        return modality_of_bytes(value["bytes"])
    return modality_of_name(str(value.get("path") or ""))


def _media(name: str, kinds: Counter[Modality | None], evidence: str) -> Column:
    kind, count = kinds.most_common(1)[0]
    share = count / kinds.total()
    if kind is None:
        return Column(name, Modality.VECTOR, share, "bytes of no known file format")
    if kind is Modality.IMAGE and _MASK_NAME.search(name):
        return Column(name, Modality.MASK, 0.7, f"{evidence} of pictures, and the name says mask")
    return Column(name, kind, share, f"{share:.0%} are {kind.value} by {evidence}")


def _array(name: str, values: list[np.ndarray]) -> Column:
    if all(isinstance(v, np.ndarray) and v.ndim in (2, 3) for v in values):
        return Column(name, Modality.IMAGE, 0.9, f"arrays of shape {values[0].shape}")
    return _numbers_in_cells(name, [len(np.atleast_1d(v)) for v in values])


def _list(table: Table, name: str, values: list[Any], is_target: bool) -> Column:
    parts = [part for value in values for part in value]
    if not parts:
        return Column(name, Modality.TEXT, 1.0, "every list is empty", "every list is empty")
    if isinstance(parts[0], str):
        media = Counter(modality_of_name(part) for part in parts)
        if media.most_common(1)[0][0] is not None:
            return _media(name, media, "suffix, in lists")
        return Column(name, Modality.CATEGORIES, 0.9, f"lists of {len(set(parts))} labels")
    if isinstance(parts[0], (int, float)):
        return _numbers_in_cells(name, [len(v) for v in values])
    inner = detect_column(Table.of({name: parts}, table.folder), name, is_target)
    return Column(name, inner.modality, inner.confidence, f"lists: {inner.evidence}")


def _numbers_in_cells(name: str, lengths: list[int]) -> Column:
    if len(set(lengths)) == 1:
        return Column(name, Modality.VECTOR, 0.9, f"{lengths[0]} numbers in every cell")
    return Column(name, Modality.SERIES, 0.8, f"{min(lengths)} to {max(lengths)} numbers a cell")


def _text_like(table: Table, name: str, values: list[str], is_target: bool) -> Column:
    media = Counter(modality_of_name(value.strip()) for value in values)
    kind, count = media.most_common(1)[0]
    if kind is not None and count / len(values) >= 0.8:
        column = _media(name, media, "suffix")
        there = _share(values[:50], lambda v: _exists(table, v))
        evidence = f"{column.evidence}, {there:.0%} of the files are there"
        return Column(name, column.modality, column.confidence, evidence, column.left_out)
    numbers = [n for n in (parse_number(v) for v in values) if n is not None]
    if len(numbers) / len(values) >= 0.95:
        plain = _share(values, lambda v: v.strip().lstrip("-").replace(".", "", 1).isdigit())
        return _number(name, numbers, is_target, "" if plain > 0.5 else ", written as text", values)
    dates = _share(values, lambda v: parse_date(v) is not None)
    if dates >= 0.9:
        return Column(name, Modality.DATE, dates, f"{dates:.0%} are dates")
    return _words(name, [value.strip() for value in values], is_target)


def _exists(table: Table, value: str) -> bool:
    try:
        locate(value.strip(), table.folder, table.allow_outside)
    except CellError:
        return False
    return True


def _share(values: Sequence[str], test: Callable[[str], bool]) -> float:
    return sum(map(test, values)) / max(len(values), 1)


def _number(
    name: str, values: list[float], is_target: bool, how: str = "", texts: Sequence[str] = ()
) -> Column:
    finite = [v for v in values if np.isfinite(v)]
    distinct = len(set(finite))
    whole = all(v == int(v) for v in finite)
    span = f"{min(finite):g} to {max(finite):g}" if finite else "none finite"
    evidence = f"numbers{how}, {distinct} distinct, {span}"
    if distinct <= 1:
        return Column(name, Modality.NUMBER, 1.0, evidence, "constant")
    if is_target and whole and distinct <= FEW_LEVELS:
        hint = f"; few whole numbers, so classes (say {name}:number to regress)"
        return Column(name, Modality.CATEGORY, 0.6, evidence + hint)
    reason = "" if is_target or not whole else _identifier(name, finite, texts)
    if reason:
        return Column(name, Modality.NUMBER, 0.9, evidence, reason)
    return Column(name, Modality.NUMBER, 0.95, evidence)


def _identifier(name: str, values: list[float], texts: Sequence[str]) -> str:
    """Return why a column of whole numbers names the rows instead of measuring them, or nothing."""
    distinct = len(set(values))
    named = _ID_NAME.search(name) is not None
    if named and len(values) > 10 and distinct > 0.5 * len(values):
        return f"identifier: named so, {distinct} distinct of {len(values)}"
    steps = set(np.diff(values).tolist())
    zeros = any(len(t) > 1 and t.startswith("0") and t.isdigit() for t in texts)
    if distinct == len(values) > 10 and (len(steps) == 1 or zeros):
        return "identifier: every value differs, as numbers of rows do"
    return ""


def _words(name: str, values: list[str], is_target: bool) -> Column:
    distinct = len(set(values))
    lengths = [len(value.split()) for value in values]
    mean = sum(lengths) / len(lengths)
    facts = f"{distinct} distinct of {len(values)}, {mean:.1f} words each"
    if distinct == 1 and not is_target:
        return Column(name, Modality.CATEGORY, 1.0, facts, "constant")
    several = _label_lists(values)
    if several is not None:
        mark, labels = several
        evidence = f"{labels} labels separated by {mark!r}"
        return Column(name, Modality.CATEGORIES, 0.85, evidence)
    repeats = len(values) / distinct
    if (distinct <= 50 and repeats >= 2 and mean <= 6) or (repeats >= 10 and mean <= 6):
        return _category(name, values, 0.95 if repeats >= 5 else 0.75, facts)
    if distinct == len(values) > 10 and max(lengths) == 1 and _looks_like_code(name, values):
        return Column(name, Modality.TEXT, 0.85, facts, "identifier: every value differs")
    if is_target and mean <= 6 and repeats >= 1.5:
        return _category(name, values, 0.6, facts)
    return Column(name, Modality.TEXT, 0.9 if mean > 3 else 0.7, facts)


def _category(name: str, values: list[str], confidence: float, evidence: str) -> Column:
    left_out = "constant" if len(set(values)) == 1 else ""
    return Column(name, Modality.CATEGORY, confidence, evidence, left_out)


def _looks_like_code(name: str, values: list[str]) -> bool:
    digits = _share(values, lambda v: any(c.isdigit() for c in v))
    same_length = len({len(v) for v in values}) == 1
    return bool(_ID_NAME.search(name)) or (digits > 0.9 and same_length)


def _label_lists(values: list[str]) -> tuple[str, int] | None:
    """Return the separator and the number of labels, when cells are lists of labels that recur."""
    for mark in SEPARATORS:
        holding = [v for v in values if mark in v]
        if len(holding) < 0.2 * len(values) or len(values) < 4:
            continue
        labels = [part for value in values for part in split_labels(value)]
        counts = Counter(labels)
        short = sum(len(label.split()) for label in labels) / len(labels) <= 2.5
        recurring = sum(n for n in counts.values() if n > 1) / len(labels)
        if short and recurring >= 0.8 and len(counts) <= 0.5 * len(labels):
            return mark, len(counts)
    return None


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


def split_target(target: str, table: Table) -> tuple[str, Modality | None]:
    """Return the column and the modality of a target written as `column` or `column:modality`.

    Raises:
        ColumnError: when the column or the modality is not known.
    """
    if target in table:
        return target, None
    name, mark, modality = target.rpartition(":")
    if not mark or name not in table:
        table.require(target)
    allowed = [m.value for m in Modality]
    if modality not in allowed:
        hint = did_you_mean(modality, allowed)
        raise ColumnError(f"Modality {modality!r} of target {name!r} is not known.{hint}")
    return name, Modality(modality)
