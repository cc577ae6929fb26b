"""`align`: learn one space for groups of columns, from rows in which they belong together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from plait.catalog import FUSIONS
from plait.config import to_json
from plait.data.detect import detect
from plait.data.histories import HistoryColumn, with_histories
from plait.data.loader import Reader
from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.split import apart, make_split
from plait.data.table import Table
from plait.errors import ColumnError
from plait.evaluate.sides import Side
from plait.fitting import (
    TOKENS_KEPT,
    fingerprint,
    overrides_of,
    preset_encoders,
    versions,
    without_nan,
)
from plait.grouping import Groups, group_sources
from plait.progress import Progress
from plait.spaces.config import AlignConfig
from plait.spaces.material import Material, material_of
from plait.spaces.sides import judge, pooled_sides_of, sides_of
from plait.spaces.space import Space
from plait.spaces.training import Learned, held_out, learn
from plait.types import Column, Modality, Schema

HELD_OUT = 0.2
"""Share of the rows on which search is judged."""

LEAST_APART = 10
"""Components of rows with common cells, under which rows are held out one by one."""


def align(
    table: Any,
    left: str,
    right: str,
    *,
    others: Sequence[str] = (),
    key: str | None = None,
    histories: Sequence[str] = (),
    preset: str = "quick",
    modalities: Mapping[str, str] | None = None,
    split: str | None = None,
    config: AlignConfig | None = None,
    progress: Progress | None = None,
) -> Space:
    """Learn a space in which groups of columns lie near one another where they belong together.

    One fifth of the rows is held out, with all that have a cell in common with them, and search is
    judged on it; the space is then learned again from all rows.

    Args:
        table: anything that `plait.read` takes. A row may lack any of its columns.
        left: a column, or several with commas between them, which are fused.
        right: what it is matched with.
        others: further groups; all pairs that a row has are learned from.
        key: column of what a row is of: rows with the same value are never told apart. Rows that
            have a cell in common, as five captions of one photo do, need none.
        histories: columns of what came before, `history=film of user by timestamp`: what a row's
            user had strictly before its time, by the rows of the table; or `history=film`, which
            holds keys, the newest last. Their items are read by the tower of the group of columns
            of `film`, which must refer to a table.
        preset: the encoders that none is named for: `quick`, or `standard` for pretrained ones.
        modalities: what columns hold, where detection should not decide.
        split: as in `plait.fit`; by default random, common cells on one side, or by the time that
            a history is made by.
        config: all other settings.
        progress: where to show it; a terminal, by default.

    Returns:
        The space. `space.facts["retrieval"]` holds what held-out rows scored; by late interaction
        where the loss is `filip`, and by pooled vectors, as an index searches, in `["pooled"]`.

    Raises:
        ColumnError: for a column that is not there, is not read, or is of two groups; for a
            history without a tower that reads its items.
        ConfigError: for a setting that is not allowed.
        TableError: when no rows have two groups.
    """
    table, progress = read(table), progress or Progress()
    config = _ready(config or AlignConfig(), preset)
    columns, ledger = [HistoryColumn.parse(words) for words in histories], Ledger()
    ledger.add_table(table)
    mark = fingerprint(table)
    for column in columns:
        column.require(table)
    table = with_histories(table, columns, config.history.longest, ledger)
    schema, groups = _columns(table, (left, right, *others), key, modalities or {}, columns)
    material, config = material_of(
        Reader(table, ledger), groups, columns, key, config, progress
    )  # fmt: skip
    keys = material.keys
    learning, held, kept = _split(table, split or _by_time(columns), material, config.seed)
    facts = {
        "rows": len(table),
        "judged": len(held),
        "apart": kept,
        "fingerprint": mark,
        "skipped": dict(ledger.counts()),
        "versions": versions(),
    }

    def judged(learned: Learned, sides: Callable[..., list[Side]] = sides_of) -> list[Any]:
        rows = held_out(material, learned, held)
        found = judge(
            list(groups), sides(learned.network, rows), keys[held, : len(groups)], config.seed
        )
        return list(without_nan(to_json(list(found))))

    learned = learn(material, learning, config, progress)
    facts["retrieval"] = judged(learned)
    if config.task.loss == "filip":
        facts["pooled"] = judged(learned, pooled_sides_of)
    if material.joint is not None and not config.as_is:
        facts["before"] = judged(learn(material, learning, replace(config, as_is=True), progress))
    if learned.kept:
        facts["kept"] = learned.kept
    if learned.start is not None:
        facts["start"] = without_nan(to_json(learned.start))
    if not kept and not config.as_is:
        learned = learn(material, np.arange(len(table)), config, progress)
    return Space(
        schema, groups, learned.frozen, learned.network, config, facts, ledger, learned.items
    )  # fmt: skip


def _ready(config: AlignConfig, preset: str) -> AlignConfig:
    """Return the settings with the preset's encoders, and tokens where something attends to them.

    Raises:
        ConfigError: for a preset that does not exist, or that does not align.
    """
    encoders = preset_encoders(config.encoders, preset)
    tokens = config.task.loss == "filip" or FUSIONS[config.fusion].by_tokens
    if tokens and not encoders.pretrained.tokens:
        encoders = replace(encoders, pretrained=replace(encoders.pretrained, tokens=TOKENS_KEPT))
    return replace(config, encoders=encoders)


def _columns(
    table: Table,
    groups: Sequence[str],
    key: str | None,
    modalities: Mapping[str, str],
    histories: Sequence[HistoryColumn],
) -> tuple[Schema, Groups]:
    """Return the schema of the columns that are read, and what is read of each group."""
    names = {column.name for column in histories}
    schema = detect(table, (), overrides_of(modalities), sorted(names))
    for column in histories:
        made = f"{column.items} of {column.who} by {column.when}"
        evidence = made if column.made_of else f"keys of {column.items}"
        schema = schema.with_column(Column(column.name, Modality.HISTORY, 1.0, evidence))
    if key is not None:
        table.require(key)
    found = group_sources(schema, groups)
    _require_grouped(names, found)
    named = {column.name for own in found.values() for s in own for column in s.columns}
    columns = tuple(
        column if column.name in named else replace(column, left_out="in no group")
        for column in schema.columns
    )
    return Schema(columns), found


def _require_grouped(histories: set[str], groups: Groups) -> None:
    read = {source.name for own in groups.values() for source in own}
    for name in sorted(histories - read):
        raise ColumnError(
            f"History {name!r} is in no group of columns ({', '.join(map(repr, groups))}); name it "
            f"in one, as in left='user,{name}' (--left user,{name})."
        )


def _by_time(histories: Sequence[HistoryColumn]) -> str | None:
    """Return the split by the time that a history is made by, if one is."""
    return next((f"time:{column.when}" for column in histories if column.when is not None), None)


def _split(
    table: Table, way: str | None, material: Material, seed: int
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return the rows to learn from, those to judge on, and whether these are kept apart."""
    if way is not None:
        return make_split(table, way, 1, None, seed).once
    order = np.random.default_rng(seed).permutation(len(table))
    groups = material.together
    enough = len(np.unique(groups)) >= LEAST_APART
    held = max(round(HELD_OUT * len(table)), 2)
    judged, learning = apart(order, groups if enough else None, [held])
    return np.sort(learning), np.sort(judged), False
