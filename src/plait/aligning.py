"""`align`: learn one space for groups of columns, from rows in which they belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from plait.cache import Encoded, encode, fit_and_encode
from plait.catalog import BY_TOKENS, FUSIONS
from plait.config import to_json
from plait.data.detect import detect
from plait.data.loader import Reader
from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.split import apart, make_split
from plait.data.table import Table
from plait.encoders.encoder import Encoder
from plait.errors import ConfigError, TableError, unknown
from plait.fitting import (
    PRESETS,
    TOKENS_KEPT,
    check_cells,
    fingerprint,
    overrides_of,
    versions,
    without_nan,
)
from plait.grouping import Groups, components, content_keys, group_sources
from plait.layers import threads
from plait.model import prepare
from plait.network import Network
from plait.progress import Progress
from plait.space import AlignConfig, Space, built, judge, of_groups, towers_of
from plait.train.record import Record
from plait.types import Sample, Schema

HELD_OUT = 0.2
"""Share of the rows on which search is judged."""

LEAST_APART = 10
"""Components of rows with common cells, under which rows are held out one by one."""


@dataclass(frozen=True)
class Material:
    """Rows made ready for a space.

    Attributes:
        groups: what is read of each group.
        samples: of every source, of all n rows.
        keys: (n k) names of what rows are of; those of the groups' cells first.
        together: (n) numbers of rows that share a key.
    """

    groups: Groups
    samples: Mapping[str, Sequence[Sample | None]]
    keys: np.ndarray
    together: np.ndarray


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
        The space. `space.facts["retrieval"]` holds what held-out rows scored.

    Raises:
        ColumnError: for a column that is not there, is not read, or is of two groups.
        ConfigError: for a setting that is not allowed.
        TableError: when no rows have two groups.
    """
    table, progress = read(table), progress or Progress()
    config = _ready(config or AlignConfig(), preset)
    schema, groups = _columns(table, (left, right, *others), key, modalities or {})
    ledger = Ledger()
    ledger.add_rows(table.problems)
    reader = Reader(table, ledger)
    sources = tuple(source for own in groups.values() for source in own)
    frozen, trained = built(groups, config)
    samples = prepare(reader, sources, frozen | trained, progress)[0]
    check_cells(reader, sources, config.max_bad_share)
    keys = _keys(Reader(table, Ledger()), groups, key)
    material = Material(groups, samples, keys, components(keys))
    _require_pairs(material)
    learning, held, kept = _split(table, split, material, config.seed)
    facts = {
        "rows": len(table),
        "judged": len(held),
        "apart": kept,
        "fingerprint": fingerprint(table),
        "skipped": dict(ledger.counts()),
        "versions": versions(),
    }
    encoders, network = _learn(material, learning, config, progress)
    rows = encode(encoders, samples, held, {name: samples[name] for name in trained})
    found = judge(list(groups), of_groups(network, rows), keys[held, : len(groups)], config.seed)
    facts["retrieval"] = without_nan(to_json(list(found)))
    if not kept:
        encoders, network = _learn(material, np.arange(len(table)), config, progress)
    return Space(schema, groups, encoders, network, config, facts, ledger)


def _ready(config: AlignConfig, preset: str) -> AlignConfig:
    """Return the settings with the preset's encoders, and tokens where something attends to them.

    Raises:
        ConfigError: for a preset that does not exist, or that does not align.
    """
    if preset not in PRESETS:
        raise ConfigError(unknown("Preset", preset, PRESETS))
    encoders = config.encoders.or_else(PRESETS[preset])
    if preset == "best" or encoders.finetune.way != "none":
        raise ConfigError(
            "A space cannot train pretrained networks on yet; say preset='standard', which learns "
            "on them as they are."
        )
    tokens = config.task.loss == "filip" or FUSIONS[config.fusion].level in BY_TOKENS
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
    seen = {value: number for number, value in enumerate(dict.fromkeys(values))}
    own = [np.nan if value is None else float(seen[value]) for value in values]
    return np.column_stack([keys, own])


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
        made = make_split(table, way, 1, None, seed)
        if len(made.test):
            return np.setdiff1d(np.arange(len(table)), made.test), made.test, True
        return *made.folds[0], False
    order = np.random.default_rng(seed).permutation(len(table))
    groups = material.together
    enough = len(np.unique(groups)) >= LEAST_APART
    held = max(round(HELD_OUT * len(table)), 2)
    judged, learning = apart(order, groups if enough else None, [held])
    return np.sort(learning), np.sort(judged), False


def _learn(
    material: Material, rows: np.ndarray, config: AlignConfig, progress: Progress
) -> tuple[dict[str, Encoder], Network]:
    """Return encoders and towers that learned from some rows."""
    from plait.train.loop import train
    from plait.train.step import Lesson

    frozen, trained = built(material.groups, config)
    raw = {name: material.samples[name] for name in trained}
    settings = config.deep if trained else config.train
    nothing = np.zeros((len(rows), 1))
    # Maps of frozen Features are small products, in which threads wait for one another.
    with torch.random.fork_rng(devices=[]), threads(torch.get_num_threads() if trained else 1):
        torch.manual_seed(config.seed)
        encoded = fit_and_encode(frozen, material.samples, rows, nothing, config.seed, raw)
        for name, encoder in trained.items():
            encoder.fit(encoded.raw[name], nothing, config.seed)
        network = towers_of(material.groups, _widths(encoded, trained), trained, config)
        lesson = Lesson(
            encoded.inputs(network.fusion.widths, trained),
            torch.from_numpy(material.keys[rows]),
            torch.ones(len(rows)),
            material.together[rows],
        )
        with progress.stage(f"Aligning {len(rows):,} rows", settings.epochs) as advance:
            train(network, lesson, settings, config.seed, None, Record(None, lambda _: advance(1)))
    return frozen, network.eval()


def _widths(encoded: Encoded, trained: Mapping[str, Encoder]) -> dict[str, int]:
    frozen = {name: features.width for name, features in encoded.features.items()}
    return frozen | {name: encoder.width for name, encoder in trained.items()}
