"""The rules: what the values of one column say they are, with the evidence and how sure it is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from plait.data.category import SEPARATORS, split_labels
from plait.data.date import parse_date
from plait.data.mask_rules import holds_codes
from plait.data.media import locate, modality_of_bytes, modality_of_name
from plait.data.number import parse_number, unit_of
from plait.data.series import parse_numbers
from plait.data.table import Table
from plait.errors import CellError
from plait.types import Column, Modality

SAMPLE = 2000
"""Values of a column that are looked at, evenly spaced."""

FEW_LEVELS = 20
"""Whole numbers with at most so many distinct values are classes when they are the target."""

_ID_NAME = re.compile(r"(?i:(^|[_\W])(id|uuid|guid|key|index|hash))$|[a-z]I[dD]$", re.ASCII)
_POSTAL_NAME = re.compile(r"(^|[_\W])(zip|plz|(zip|post|postal)[_ ]?code)$", re.IGNORECASE)
_MASK_NAME = re.compile(r"mask|segmentation|label_?map", re.IGNORECASE)


def detect_column(table: Table, name: str, is_target: bool = False) -> Column:
    """Return what one column holds."""
    cells = {row: _start_of(table.cell(name, row)) for row in looked_at(table)}
    there = {row: value for row, value in cells.items() if not is_missing(value)}
    values = list(there.values())
    if not values:
        return Column(name, Modality.TEXT, 1.0, "every value is missing", "every value is missing")
    kinds = Counter(type(value) for value in values)
    kind = kinds.most_common(1)[0][0]
    alike = [v for v in values if isinstance(v, kind) or (_is_number(v) and kind in (int, float))]
    column = _by_type(table, name, kind, alike, is_target)
    if column.modality is Modality.NUMBER and not is_target and not column.left_out:
        column = replace(column, left_out=_counts_rows(there))
    if len(kinds) > 1 and not set(kinds) <= {int, float}:
        mixed = ", ".join(f"{count} {k.__name__}" for k, count in kinds.most_common())
        evidence = f"{column.evidence}; mixed types: {mixed}"
        column = replace(column, confidence=column.confidence * 0.8, evidence=evidence)
    return column


def looked_at(table: Table, most: int = SAMPLE) -> list[int]:
    """Return the rows that are looked at, evenly spaced."""
    rows: list[int] = np.linspace(0, len(table) - 1, min(len(table), most)).astype(int).tolist()
    return rows


def is_missing(value: Any) -> bool:
    """Return whether a cell holds nothing: None, NaN, NaT, pandas' NA, or blank text."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    if isinstance(value, (float, np.floating)):
        return bool(np.isnan(value))
    if isinstance(value, np.datetime64):
        return bool(np.isnat(value))
    return type(value).__name__ in ("NaTType", "NAType")


def _start_of(value: Any) -> Any:
    """Return the first bytes of a file held in a cell: thousands of whole ones fill the memory."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value[:64])
    if isinstance(value, dict) and isinstance(value.get("bytes"), bytes):
        return {**value, "bytes": value["bytes"][:64]}
    return value


def _is_number(value: Any) -> bool:
    number = isinstance(value, (int, float, np.integer, np.floating, Decimal))
    return number and not isinstance(value, bool)


def _counts_rows(cells: Mapping[int, Any]) -> str:
    """Return why whole numbers, in equal steps, merely count the rows; or nothing."""
    numbers = [parse_number(v) if isinstance(v, str) else v for v in cells.values()]
    whole = [float(n) for n in numbers if n is not None and _is_number(n) and n % 1 == 0]
    if len(whole) != len(cells) or len(whole) <= 10:
        return ""
    slopes = np.diff(whole) / np.diff(list(cells))
    equal = slopes[0] != 0 and bool(np.allclose(slopes, slopes[0], rtol=1e-9, atol=0))
    return "identifier: grows by the same with every row" if equal else ""


def _by_type(table: Table, name: str, kind: type, values: list[Any], is_target: bool) -> Column:
    if issubclass(kind, str):
        return _text_like(table, name, values, is_target)
    if issubclass(kind, (bool, np.bool_)):
        return _category(name, [str(v) for v in values], 1.0, "true and false")
    if issubclass(kind, (int, float, np.integer, np.floating, Decimal)):
        return _number(name, [float(v) for v in values], is_target)
    if issubclass(kind, (bytes, bytearray)):
        return _media(name, Counter(modality_of_bytes(v) for v in values), "first bytes")
    if issubclass(kind, dict):
        return _dict(name, values)
    if issubclass(kind, np.ndarray):
        return _array(name, values)
    if issubclass(kind, (list, tuple, set)):
        return _list(table, name, [list(v) for v in values if len(v)], is_target)
    if kind.__module__.startswith("pandas") and kind.__name__ == "Series":
        return Column(name, Modality.SERIES, 1.0, "pandas Series")
    if kind.__module__.startswith("PIL"):
        return _image(name, 1.0, "PIL images")
    if issubclass(kind, (date, np.datetime64)):
        return Column(name, Modality.DATE, 1.0, "dates")
    reason = f"values of type {kind.__name__} are not known"
    return Column(name, Modality.TEXT, 0.0, reason, reason)


def _dict(name: str, values: list[dict[str, Any]]) -> Column:
    if holds_codes(values):
        return Column(name, Modality.MASK, 0.95, "run-length codes of COCO")
    for key, modality in (("array", Modality.AUDIO), ("values", Modality.SERIES)):
        if all(value.get(key) is not None for value in values):
            return Column(name, modality, 0.95, f"dictionaries with {key!r}")
    return _media(name, Counter(_dict_modality(v) for v in values), "bytes or path")


def _dict_modality(value: dict[str, Any]) -> Modality | None:
    if isinstance(value.get("bytes"), bytes):
        return modality_of_bytes(value["bytes"])
    return modality_of_name(str(value.get("path") or ""))


def _media(name: str, kinds: Counter[Modality | None], evidence: str) -> Column:
    kind, count = kinds.most_common(1)[0]
    share = count / kinds.total()
    if kind is None:
        reason = "bytes of no known file format"
        return Column(name, Modality.TEXT, share, reason, reason)
    facts = f"{share:.0%} are {kind.value} by {evidence}"
    if kind is Modality.IMAGE:
        return _image(name, share, facts)
    return Column(name, kind, share, facts)


def _image(name: str, confidence: float, evidence: str) -> Column:
    if _MASK_NAME.search(name):
        return Column(name, Modality.MASK, 0.7, f"{evidence}, and the name says mask")
    return Column(name, Modality.IMAGE, confidence, evidence)


def _array(name: str, values: list[np.ndarray]) -> Column:
    if all(v.ndim in (2, 3) for v in values):
        return _image(name, 0.9, f"arrays of shape {values[0].shape}")
    return _numbers_in_cells(name, [len(np.atleast_1d(v)) for v in values])


def _list(table: Table, name: str, values: list[Any], is_target: bool) -> Column:
    parts = [part for value in values for part in value if not is_missing(part)]
    if not parts:
        return Column(name, Modality.TEXT, 1.0, "every list is empty", "every list is empty")
    if isinstance(parts[0], str):
        media = Counter(modality_of_name(part) for part in parts)
        kind = media.most_common(1)[0][0]
        if kind is not None:
            column = _media(name, media, "suffix, in lists")
            several = "" if kind is Modality.IMAGE else f"lists of {kind.value} are not read yet"
            return replace(column, left_out=column.left_out or several)
        return Column(name, Modality.CATEGORIES, 0.9, f"lists of {len(set(parts))} labels")
    if _is_number(parts[0]):
        return _numbers_in_cells(name, [len(v) for v in values])
    if isinstance(parts[0], (list, tuple, np.ndarray)) and all(map(_is_number, parts[0])):
        return Column(name, Modality.SERIES, 0.9, f"lists of {len(parts[0])} numbers a step")
    inner = detect_column(Table.of({name: parts}, table.folder, table.allow_outside), name)
    return replace(inner, evidence=f"lists: {inner.evidence}")


def _numbers_in_cells(name: str, lengths: list[int]) -> Column:
    length, count = Counter(lengths).most_common(1)[0]
    if count >= 0.95 * len(lengths):
        evidence = f"{length} numbers a cell (say {name}:series if they follow in time)"
        return Column(name, Modality.VECTOR, 0.9, evidence)
    return Column(name, Modality.SERIES, 0.8, f"{min(lengths)} to {max(lengths)} numbers a cell")


def _text_like(table: Table, name: str, values: list[str], is_target: bool) -> Column:
    media = Counter(modality_of_name(value.strip()) for value in values)
    kind, count = media.most_common(1)[0]
    if kind is not None and count / len(values) >= 0.8:
        column = _media(name, media, "suffix")
        there = _share(values[:50], lambda v: _exists(table, v))
        return replace(column, evidence=f"{column.evidence}, {there:.0%} of the files are there")
    if holds_codes(values):
        return Column(name, Modality.MASK, 0.95, "run-length codes of COCO, as JSON")
    numbers = [n for n in (parse_number(v) for v in values) if n is not None]
    units = {unit_of(v) for v in values} - {""}
    if len(numbers) / len(values) >= 0.95 and len(units) <= 1 and not _are_codes(values):
        plain = _share(values, lambda v: v.strip().lstrip("-").replace(".", "", 1).isdigit())
        return _number(name, numbers, is_target, "" if plain > 0.5 else ", written as text")
    lists = [parse_numbers(v) if v.lstrip().startswith("[") else None for v in values[:100]]
    if all(lists):
        return _list(table, name, lists, is_target)
    dates = _share(values, lambda v: parse_date(v) is not None)
    if dates >= 0.9:
        return Column(name, Modality.DATE, dates, f"{dates:.0%} are dates")
    return _words(name, [value.strip() for value in values], is_target)


def _are_codes(values: Sequence[str]) -> bool:
    """Return whether digits name things, as in 007 or 02139: numbers have no leading zeros."""
    return any(v.startswith("0") and v.isdigit() and v.strip("0") for v in map(str.strip, values))


def _exists(table: Table, value: str) -> bool:
    try:
        locate(value, table.folder, table.allow_outside)
    except CellError:
        return False
    return True


def _share(values: Sequence[str], test: Callable[[str], bool]) -> float:
    return sum(map(test, values)) / max(len(values), 1)


def _number(name: str, values: Sequence[float], is_target: bool, how: str = "") -> Column:
    finite = [v for v in values if np.isfinite(v)]
    distinct = len(set(finite))
    whole = all(v == int(v) for v in finite)
    span = f"{min(finite):g} to {max(finite):g}" if finite else "none finite"
    evidence = f"numbers{how}, {distinct} distinct, {span}"
    if distinct <= 1:
        reason = "constant" if distinct else "no number in it is finite"
        return Column(name, Modality.NUMBER, 1.0, evidence, reason)
    if whole and not is_target and _POSTAL_NAME.search(name):
        hint = f"; the name says postal codes, so categories (say {name}:number if not)"
        return Column(name, Modality.CATEGORY, 0.8, evidence + hint)
    if is_target and whole and distinct <= FEW_LEVELS:
        hint = f"; few whole numbers, so classes (say {name}:number to regress)"
        return Column(name, Modality.CATEGORY, 0.6, evidence + hint)
    reason = "" if is_target or not whole else _identifier(name, finite)
    if reason:
        return Column(name, Modality.NUMBER, 0.9, evidence, reason)
    return Column(name, Modality.NUMBER, 0.95, evidence)


def _identifier(name: str, values: list[float]) -> str:
    """Return why a column of whole numbers names the rows instead of measuring them, or nothing."""
    distinct = len(set(values))
    named = _ID_NAME.search(name) is not None
    if named and len(values) > 10 and distinct > 0.5 * len(values):
        return f"identifier: named so, {distinct} distinct of {len(values)}"
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
        combined = len(counts) < len(set(values))  # else the mark is a part of fixed labels
        if short and combined and recurring >= 0.8 and len(counts) <= 0.5 * len(labels):
            return mark, len(counts)
    return None
