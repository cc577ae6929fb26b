"""`align`: learn one space for groups of columns, from rows in which they belong together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from plait.cache import encode
from plait.catalog import FUSIONS
from plait.config import to_json
from plait.data.detect import detect
from plait.data.loader import Reader
from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.split import apart, make_split
from plait.data.table import Table
from plait.errors import ConfigError, TableError
from plait.evaluate.sides import Side
from plait.fitting import (
    TOKENS_KEPT,
    check_cells,
    fingerprint,
    overrides_of,
    preset_encoders,
    versions,
    without_nan,
)
from plait.grouping import Groups, components, content_keys, group_sources, numbered
from plait.joint import joint_of
from plait.model import prepare, prepare_networks
from plait.progress import Progress
from plait.space import AlignConfig, Space, built
from plait.space_sides import judge, pooled_sides_of, sides_of
from plait.space_training import Learned, Material, learn
from plait.types import Schema

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
        preset: the encoders that none is named for: `quick`, or `standard` for pretrained ones.
        modalities: what columns hold, where detection should not decide.
        split: as in `plait.fit`; by default random, common cells on one side.
        config: all other settings.
        progress: where to show it; a terminal, by default.

    Returns:
        The space. `space.facts["retrieval"]` holds what held-out rows scored; by late interaction
        where the loss is `filip`, and by pooled vectors, as an index searches, in `["pooled"]`.

    Raises:
        ColumnError: for a column that is not there, is not read, or is of two groups.
        ConfigError: for a setting that is not allowed.
        TableError: when no rows have two groups.
    """
    table, progress = read(table), progress or Progress()
    config = _ready(config or AlignConfig(), preset)
    schema, groups = _columns(table, (left, right, *others), key, modalities or {})
    ledger = Ledger()
    ledger.add_table(table)
    material, config = _material(Reader(table, ledger), groups, key, config, progress)
    keys = material.keys
    learning, held, kept = _split(table, split, material, config.seed)
    facts = {
        "rows": len(table),
        "judged": len(held),
        "apart": kept,
        "fingerprint": fingerprint(table),
        "skipped": dict(ledger.counts()),
        "versions": versions(),
    }

    def judged(learned: Learned, sides: Callable[..., list[Side]] = sides_of) -> list[Any]:
        rows = encode(learned.frozen, material.samples, held, material.raw)
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
    return Space(schema, groups, learned.frozen, learned.network, config, facts, ledger)


def _material(
    reader: Reader, groups: Groups, key: str | None, config: AlignConfig, progress: Progress
) -> tuple[Material, AlignConfig]:
    """Return the rows made ready, and the settings as they are for these groups."""
    sources = tuple(source for own in groups.values() for source in own)
    joint = joint_of(groups, built(groups, config)[0])
    if config.fusion != "concat" or config.task.loss == "filip" or config.task.hidden:
        joint = None
    if config.as_is and joint is None:
        raise ConfigError(
            "as_is takes the space that a joint model (CLIP, SigLIP, CLAP) has by itself: name one "
            "model for both groups, each a single column (--encoders image=NAME,text=NAME), with "
            "fusion 'concat', no hidden layer, and another loss than 'filip'."
        )
    if joint is not None:
        pretrained = replace(config.encoders.pretrained, width=0)
        config = replace(config, encoders=replace(config.encoders, pretrained=pretrained))
    frozen, trained = built(groups, config)
    made = frozen | trained
    samples = prepare(reader, sources, made, progress, config.max_bad_share)[0]
    check_cells(reader, sources, config.max_bad_share)
    raw = {name: samples[name] for name in trained}
    if config.encoders.finetune.way != "none":
        raw |= prepare_networks(reader, sources, frozen, samples, progress)
    keys = _keys(Reader(reader.table, Ledger()), groups, key)
    material = Material(groups, samples, raw, keys, components(keys), joint)
    _require_pairs(material)
    if joint is not None:
        width = next(len(s[0]) for s in samples[sources[0].name] if s is not None)
        config = replace(config, task=replace(config.task, width=width, noise=0.0))
    return material, config


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
    table: Table, groups: Sequence[str], key: str | None, modalities: Mapping[str, str]
) -> tuple[Schema, Groups]:
    """Return the schema of the columns that are read, and what is read of each group."""
    schema = detect(table, (), overrides_of(modalities))
    if key is not None:
        table.require(key)
    found = group_sources(schema, groups)
    named = {column.name for own in found.values() for s in own for column in s.columns}
    columns = tuple(
        column if column.name in named else replace(column, left_out="in no group")
        for column in schema.columns
    )
    return Schema(columns), found


def _keys(reader: Reader, groups: Groups, key: str | None) -> np.ndarray:
    """Return (n k): of each group's cells, and of the key's where there is one."""
    keys = content_keys(reader, groups)
    if key is None:
        return keys
    values = [None if value is None else repr(value) for value in reader.table.values(key)]
    return np.column_stack([keys, numbered(values)])


def _require_pairs(material: Material) -> None:
    cells = material.keys[:, : len(material.groups)]
    pairs = int(((~np.isnan(cells)).sum(axis=1) > 1).sum())
    if pairs < 4:
        raise TableError(
            f"{pairs} rows have two of the groups {list(material.groups)}; at least 4 are needed "
            "to learn from some and judge on others. `plait check` shows what is missing."
        )


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
