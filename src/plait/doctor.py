"""The doctor: what a table holds, and what will go wrong with it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from plait.data.detect import detect, split_targets
from plait.data.image import size_of
from plait.data.loader import Reader
from plait.data.media import read_bytes
from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.rules import SAMPLE, is_missing
from plait.data.split import PART_NAMES
from plait.data.table import Table
from plait.data.text import script_shares
from plait.data.video import Video
from plait.errors import CellError, many
from plait.progress import Progress
from plait.types import MEDIA, Column, Modality, Schema

GIVES_AWAY = 0.95
"""How well a column may tell the target by itself, in 0..1, before it is suspected."""

NAMES_IT = 0.5
"""Share of rows in which a text may hold the target's own word before it is suspected."""

RARE = 5
"""Rows below which a class is called rare."""


BULKY = (*MEDIA, Modality.SERIES, Modality.VECTOR, Modality.MASK)
"""Modalities whose cells are looked at one by one, and not held."""

CHECKED_FRAMES, CHECKED_SIDE = 4, 64
"""Frames of a video that are decoded to see whether it is whole, and how large."""

WORDS = {Modality.IMAGE: "picture", Modality.AUDIO: "sound", Modality.VIDEO: "video"}
"""What cells are called that are worth a warning when they repeat."""


@dataclass(frozen=True)
class Look:
    """What is kept of a large cell: a hash, and two measures of it."""

    digest: str
    one: float
    other: float


@dataclass(frozen=True)
class ColumnReport:
    """What one column holds.

    Attributes:
        column: its modality, with evidence.
        missing: cells that hold nothing.
        unreadable: cells that cannot be read.
        distinct: different values.
        repeated: cells whose value was there before; for media, by content.
        statistics: one sentence.
        tells_target: how well it tells a target by itself: 0 no better than chance, 1 always.
        names_target: share of rows in which it holds a target's own word.
    """

    column: Column
    missing: int
    unreadable: int
    distinct: int
    repeated: int
    statistics: str
    tells_target: float | None = None
    names_target: float | None = None


@dataclass(frozen=True)
class TableReport:
    """What a table holds.

    Attributes:
        rows: how many.
        targets: the columns to be predicted.
        columns: one report each.
        balance: rows by class, most first, of each target that has classes.
        duplicate_rows: rows that equal an earlier one in every used column.
        across: rows of the test part that are in the training part too.
        findings: sentences on what to look at, the gravest first.
        unreadable: (row, column, reason) of cells and rows that cannot be read.
    """

    rows: int
    targets: tuple[str, ...]
    columns: tuple[ColumnReport, ...]
    balance: Mapping[str, Mapping[str, int]]
    duplicate_rows: int
    across: int
    findings: tuple[str, ...]
    unreadable: tuple[tuple[int, str, str], ...]


def check(
    table: Any,
    target: str | Sequence[str] | None = None,
    *,
    test: Any = None,
    modalities: Mapping[str, Modality] | None = None,
    ignore: Sequence[str] = (),
    progress: Progress | None = None,
) -> TableReport:
    """Read every cell of a table and report what it holds.

    Args:
        table: anything that `plait.read` takes.
        target: column to be predicted, or several; classes and leaks are then looked at too.
        test: another table; rows that are in both are counted.
        modalities: what columns hold, where detection should not decide.
        ignore: columns to leave out.
        progress: where to show it.

    Raises:
        ColumnError: for a column that is not in the table.
    """
    table = read(table)
    overrides = dict(modalities or {})
    names: list[str] = []
    if target is not None:
        names, said = split_targets(target, table)
        overrides |= said
    schema = detect(table, names, overrides, ignore)
    ledger = Ledger()
    ledger.add_table(table)
    reader = Reader(table, ledger)
    with (progress or Progress()).stage("Reading cells", len(schema.columns)) as advance:
        cells = {}
        for column in schema.columns:
            cells[column.name] = _read(reader, column)
            advance(1)
    goals = [cells[name] for name in names if schema[name].modality not in BULKY]
    columns = tuple(
        _column_report(reader, column, cells[column.name], goals) for column in schema.columns
    )
    keys = _row_keys(schema, cells)
    balance = {name: _balance(schema[name], cells[name]) for name in names}
    balance = {name: classes for name, classes in balance.items() if classes}
    across = _across(table, cells, test, schema)
    duplicates = len(keys) - len(set(keys))
    findings = _findings(columns, balance, duplicates, across, ledger)
    findings += _unlike_pictures(schema, cells)
    unreadable = tuple((r, c, why) for (r, c), why in sorted(ledger.entries.items()))
    return TableReport(
        len(table), tuple(names), columns, balance, duplicates, across, tuple(findings), unreadable
    )


def _read(reader: Reader, column: Column) -> list[Any]:
    """Return every cell's value; of pictures, sounds and the like what `_look` says of them."""
    if column.modality not in BULKY:
        if column.left_out and column.left_out != "target":
            return [_plain(v) for v in reader.table.values(column.stored)]
        return [reader.cell(column, row) for row in range(len(reader.table))]
    return [_look(reader, column, row) for row in range(len(reader.table))]


def _plain(value: Any) -> Any:
    return (
        None
        if is_missing(value)
        else value
        if isinstance(value, (str, int, float))
        else repr(value)
    )


def _whole(reader: Reader, column: Column, row: int) -> Any:
    """Return a decoded cell; a video that is cut off is none, and only its frames tell."""
    found = reader.cell(column, row)
    if not isinstance(found, Video):
        return found
    clip = reader.guarded(column, row, lambda: found.clip(CHECKED_FRAMES, CHECKED_SIDE))
    return found if clip else None


def _look(reader: Reader, column: Column, row: int) -> Look | None:
    """Return the hash and two measures of a cell that is too large to be held."""
    found = _whole(reader, column, row)
    if found is None:
        return None
    value, table = reader.table.cell(column.stored, row), reader.table
    match column.modality:
        case Modality.IMAGE:
            # Large ones are decoded smaller.
            whole = size_of(value, table.folder, table.allow_outside)
            height, width = whole or found[0].shape[:2]
            content, measures = b"".join(p.tobytes() for p in found), (width, height)
        case Modality.MASK:
            content, measures = found.tobytes(), found.shape[::-1]
        case Modality.AUDIO:
            content, measures = found.samples.tobytes(), (found.seconds, found.rate)
        case Modality.VIDEO:
            content, measures = str(found.seconds).encode(), (found.seconds, found.height)
        case Modality.SERIES:
            content = found.values.tobytes() + found.times.tobytes()
            measures = found.values.shape
        case _:
            content, measures = found.tobytes(), (len(found), 1)
    with suppress(CellError):  # the file itself, where there is one
        content = read_bytes(value, table.folder, table.allow_outside)
    return Look(hashlib.sha256(content).hexdigest(), *measures)


def _column_report(
    reader: Reader, column: Column, cells: list[Any], goals: Sequence[list[Any]]
) -> ColumnReport:
    unreadable = reader.ledger.counts()[column.name]
    known = [cell for cell in cells if cell is not None]
    keys = [cell.digest if isinstance(cell, Look) else cell for cell in known]
    distinct = len(set(map(str, keys)))
    tells = names = None
    if column.left_out != "target" and column.modality not in BULKY:
        tells = _most(_skill(column, cells, goal) for goal in goals)
        names = _most(_names_target(cells, goal) for goal in goals)
    return ColumnReport(
        column,
        len(cells) - len(known) - unreadable,
        unreadable,
        distinct,
        len(known) - distinct,
        _statistics(column, known),
        tells,
        names,
    )


def _most(found: Iterable[float | None]) -> float | None:
    return max((value for value in found if value is not None), default=None)


def _statistics(column: Column, known: list[Any]) -> str:
    if not known:
        return ""
    if isinstance(known[0], Look):
        return _sizes(column.modality, known)
    match column.modality:
        case Modality.TEXT:
            texts = [str(text) for text in known]
            lengths = np.array([len(text) for text in texts])
            scripts = script_shares(texts[:SAMPLE])
            shown = ", ".join(f"{s} {share:.0%}" for s, share in scripts.items() if share >= 0.01)
            low, middle, high = np.percentile(lengths, [5, 50, 95]).astype(int)
            return f"{low} / {middle} / {high} characters (5, 50, 95 %); {shown}"
        case Modality.NUMBER if isinstance(known[0], float):
            low, middle, high = np.percentile(known, [5, 50, 95])
            return f"{low:g} / {middle:g} / {high:g} (5, 50, 95 %)"
        case Modality.CATEGORY | Modality.CATEGORIES:
            counts = _count_labels(known)
            return ", ".join(f"{label} {count}" for label, count in counts.most_common(4))
    return ""


def _sizes(modality: Modality, looks: Sequence[Look]) -> str:
    ones, others = [look.one for look in looks], [look.other for look in looks]
    match modality:
        case Modality.IMAGE | Modality.MASK:
            return (
                f"{min(ones)}x{min(others)} to {max(ones)}x{max(others)} pixels, "
                f"median {int(np.median(ones))}x{int(np.median(others))}"
            )
        case Modality.AUDIO | Modality.VIDEO:
            unit = "samples a second" if modality is Modality.AUDIO else "pixels high"
            sizes = ", ".join(f"{size:,}" for size in sorted(set(others))[:4])
            low, middle, high = np.percentile(ones, [5, 50, 95])
            return f"{low:.2f} / {middle:.2f} / {high:.2f} seconds (5, 50, 95 %); {sizes} {unit}"
        case Modality.SERIES:
            low, middle, high = np.percentile(ones, [5, 50, 95]).astype(int)
            each = many(int(others[0]), "number")
            return f"{low} / {middle} / {high} steps (5, 50, 95 %), {each} a step"
    return f"{many(int(ones[0]), 'number')} each"


def _count_labels(cells: Sequence[Any]) -> Counter[str]:
    return Counter(
        label for cell in cells for label in (cell if isinstance(cell, tuple) else [cell])
    )


def _balance(column: Column, cells: list[Any]) -> dict[str, int]:
    if column.modality not in (Modality.CATEGORY, Modality.CATEGORIES):
        return {}
    return dict(_count_labels([cell for cell in cells if cell is not None]).most_common())


def _skill(column: Column, cells: list[Any], goal: list[Any]) -> float | None:
    """Return how well a column alone tells the target: a small tree, learned on every other row.

    0 is no better than the most frequent class, or the mean; 1 is always right.
    """
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    rows = [i for i, (c, g) in enumerate(zip(cells, goal, strict=True)) if None not in (c, g)]
    if len(rows) < 40 or isinstance(goal[rows[0]], tuple):
        return None
    values, wanted = [cells[i] for i in rows], [goal[i] for i in rows]
    learn, judge = slice(0, None, 2), slice(1, None, 2)
    is_number = isinstance(wanted[0], float)
    codes = np.array(values) if isinstance(values[0], float) else _codes(values, wanted, learn)
    new = np.isnan(codes[judge])
    filled = np.nan_to_num(codes)[:, None]
    # A leaf a level for categories, a few cuts for numbers.
    leaves = 64 if isinstance(values[0], float) else max(len(set(map(str, values))), 2)
    kind = DecisionTreeRegressor if is_number else DecisionTreeClassifier
    goals = np.array(wanted)
    tree = kind(max_leaf_nodes=leaves, min_samples_leaf=2, random_state=0)
    tree.fit(filled[learn], goals[learn])
    found, truth = tree.predict(filled[judge]), goals[judge]
    # A value that was not seen tells nothing: the mean or the most frequent class is said of it.
    usual = goals[learn].mean() if is_number else Counter(goals[learn]).most_common(1)[0][0]
    found[new] = usual
    if is_number:
        spread = np.var(truth)
        return float(np.clip(1 - np.mean((found - truth) ** 2) / spread, 0, 1)) if spread else None
    base = (truth == usual).mean()
    return float(np.clip(((found == truth).mean() - base) / max(1 - base, 1e-9), 0, 1))


def _codes(values: list[Any], wanted: list[Any], learn: slice) -> np.ndarray:
    """Return a number a level, levels that mean the same side by side; NaN for unseen ones."""
    answers: dict[str, list[Any]] = {}
    for value, goal in zip(values[learn], wanted[learn], strict=True):
        answers.setdefault(str(value), []).append(goal)

    def usual(level: str) -> tuple[str, float]:
        goals = answers[level]
        if isinstance(goals[0], float):
            return "", float(np.mean(goals))
        return str(Counter(goals).most_common(1)[0][0]), 0.0

    code = {level: float(i) for i, level in enumerate(sorted(answers, key=usual))}
    return np.array([code.get(str(value), np.nan) for value in values])


def _names_target(cells: list[Any], goal: list[Any]) -> float | None:
    """Return the share of rows in which a cell holds every label of the target as a word."""
    pairs = [
        (" ".join(c) if isinstance(c, tuple) else c, (g,) if isinstance(g, str) else g)
        for c, g in zip(cells, goal, strict=True)
        if isinstance(c, (str, tuple)) and isinstance(g, (str, tuple)) and g
    ]
    if not pairs:
        return None
    held = [all(label.casefold() in str(text).casefold() for label in labels)
            for text, labels in pairs if min(map(len, labels)) >= 3]  # fmt: skip
    return float(np.mean(held)) if held else None


def _row_keys(schema: Schema, cells: Mapping[str, list[Any]]) -> list[str]:
    """Return a hash of each row's used cells; a target is no part of it."""
    used = [cells[column.name] for column in schema.inputs]
    return [hashlib.sha256(repr(row).encode()).hexdigest() for row in zip(*used, strict=True)]


def _across(table: Table, cells: Mapping[str, list[Any]], test: Any, schema: Schema) -> int:
    """Return how many test rows are training rows too: of another table, or by a split column."""
    if test is not None:
        other = read(test)
        shared = Schema(tuple(c for c in schema.columns if c.stored in other))
        reader = Reader(other, Ledger())
        there = {column.name: _read(reader, column) for column in shared.columns}
        train = set(_row_keys(shared, cells))
        return sum(key in train for key in _row_keys(shared, there))
    for column in (c for c in schema.columns if not c.of):
        parts = [PART_NAMES.get(str(v).casefold(), "") for v in table.values(column.name)[:SAMPLE]]
        if {"train", "test"} <= set(parts) and "" not in parts:
            used = Schema(tuple(c for c in schema.inputs if c.name != column.name))
            return _across_parts(table.values(column.name), _row_keys(used, cells))
    return 0


def _across_parts(values: list[Any], keys: list[str]) -> int:
    part = [PART_NAMES.get(str(value).casefold(), "") for value in values]
    train = {key for key, name in zip(keys, part, strict=True) if name == "train"}
    return sum(key in train for key, name in zip(keys, part, strict=True) if name == "test")


def _findings(
    columns: Sequence[ColumnReport],
    balance: Mapping[str, Mapping[str, int]],
    duplicates: int,
    across: int,
    ledger: Ledger,
) -> list[str]:
    found = []
    for report in columns:
        name = report.column.name
        left_out = bool(report.column.left_out)
        if not left_out and (report.tells_target or 0) >= GIVES_AWAY:
            found.append(
                f"Column {name!r} alone tells the target almost always "
                f"({report.tells_target:.2f} of 1): ignore it if it is not known beforehand."
            )
        if not left_out and (report.names_target or 0) >= NAMES_IT:
            found.append(
                f"Column {name!r} holds the target's own word in {report.names_target:.0%} of rows."
            )
    if across:
        found.append(
            f"{many(across, 'test row')} can be found among the training rows: the test score will "
            "be too good."
        )
    if duplicates:
        found.append(
            f"Equal to an earlier row: {many(duplicates, 'row')}; split by a group to keep equal "
            "ones together."
        )
    for report in columns:
        word = WORDS.get(report.column.modality)
        if word and report.repeated and not report.column.left_out:
            found.append(f"Column {report.column.name!r} repeats {many(report.repeated, word)}.")
    if len(ledger):
        found.append(f"Not to be read: {many(len(ledger), 'cell')} or whole rows, listed below.")
    for target, classes in balance.items():
        found += _class_findings(target, classes)
    found += [
        f"Column {r.column.name!r} is left out: {r.column.left_out}."
        for r in columns
        if r.column.left_out and r.column.left_out not in ("target", "ignored")
    ]
    return found


def _unlike_pictures(schema: Schema, cells: Mapping[str, list[Any]]) -> list[str]:
    """Return which columns of masks have other sizes than the pictures in their rows."""
    looks = {
        kind: {c.name: cells[c.name] for c in schema.columns if c.modality is kind}
        for kind in (Modality.IMAGE, Modality.MASK)
    }
    found = []
    for name, masks in looks[Modality.MASK].items():
        sizes = [[one and (one.one, one.other) for one in own]
                 for own in (masks, *looks[Modality.IMAGE].values())]  # fmt: skip
        rows = [row for row, (mask, *pictures) in enumerate(zip(*sizes, strict=True))
                if mask and any(pictures) and mask not in pictures]  # fmt: skip
        if rows:
            first = ", ".join(map(str, rows[:5])) + (", …" if len(rows) > 5 else "")
            found.append(
                f"Masks in {name!r} have another size than their picture: {many(len(rows), 'row')} "
                f"({first})."
            )
    return found


def _class_findings(target: str, classes: Mapping[str, int]) -> list[str]:
    found = []
    rare = [label for label, count in classes.items() if count < RARE]
    if rare:
        few = "has" if len(rare) == 1 else "have"
        found.append(
            f"{len(rare)} of {len(classes)} classes of {target!r} {few} under {RARE} rows."
        )
    most, least = max(classes.values()), min(classes.values())
    if most >= 20 * least:
        found.append(
            f"Classes of {target!r} are unbalanced, {most} rows to {least}: look at "
            "balanced_accuracy or f1_macro too."
        )
    return found
