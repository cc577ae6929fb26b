"""`recommend`: learn from choices what users would choose next, and judge it by time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from plait.chance import seeded
from plait.config import to_json
from plait.data.interactions import Interactions, Positive, read_interactions
from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.table import Table
from plait.encoders.encoder import Encoder
from plait.errors import ConfigError, TableError, unknown
from plait.evaluate.recommend import Moments, Scores, cut_by_time, judge
from plait.fitting import PRESETS, fingerprint, overrides_of, versions, without_nan
from plait.layers import threads
from plait.network import Network
from plait.progress import Progress
from plait.recommendation.baselines import by_neighbours, item_neighbours, popularity
from plait.recommendation.config import RecommendConfig
from plait.recommendation.recommender import Recommender
from plait.recommendation.sides import (
    Side,
    encode_side,
    network_of,
    require_joined,
    rows_of,
    side_of,
    tower_of,
)
from plait.train.record import Record
from plait.types import Features

LEAST = 20
"""Choices, under which there is nothing to learn from and to judge on."""

NAME = "two-tower"


@dataclass(frozen=True)
class Material:
    """Choices made ready for a recommender.

    Attributes:
        interactions: all of them.
        sides: `user` and `item`.
        tables: of both; None where there is none.
        ledger: is told what cannot be read.
    """

    interactions: Interactions
    sides: Mapping[str, Side]
    tables: Mapping[str, Table | None]
    ledger: Ledger


def recommend(
    table: Any,
    user: str,
    item: str,
    time: str,
    *,
    positive: str | None = None,
    join: Mapping[str, Any] | None = None,
    preset: str = "quick",
    modalities: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    config: RecommendConfig | None = None,
    progress: Progress | None = None,
) -> Recommender:
    """Learn from what users chose what they would choose next.

    A user is what is known of him and what he chose before, an item is what it holds; both become
    vectors, near one another where the user would choose the item. The latest choices are held
    out, and recommendations at each of these moments are judged beside what is popular and the
    neighbours of what was chosen before; then all choices are learned from.

    Args:
        table: of interactions, a row each; anything that `plait.read` takes.
        user: column of who; a reference to a table of users, or keys alone.
        item: column of what, likewise.
        time: column of when: numbers or dates.
        positive: which rows are choices, `"rating >= 4"`; by default all.
        join: tables that columns refer to, as in `plait.read`.
        preset: the encoders that none is named for: `quick`, or `standard` for pretrained ones.
        modalities: what joined columns hold, where detection should not decide.
        ignore: joined columns to leave out.
        config: all other settings.
        progress: where to show it.

    Returns:
        The recommender. `facts["board"]` holds what it scored on held-out choices.

    Raises:
        ColumnError: for a column that is not there, or that is not read.
        ConfigError: for a setting that is not allowed.
        TableError: when there are too few choices.
    """
    table, progress = read(table, join=join), progress or Progress()
    config = ready(config or RecommendConfig(), preset)
    chosen = None if positive is None else Positive.parse(positive)
    material = material_of(table, (user, item, time), chosen, modalities or {}, ignore)
    interactions = material.interactions
    cut = _cut(interactions, config)
    learned = interactions.take(interactions.time < cut)
    first = learn(material, learned, config, progress)
    board = judge({NAME: first.scores}, baselines_of(learned, config), interactions, learned, cut,
                  config.seed)  # fmt: skip
    facts = {
        "rows": dict(interactions.facts),
        "positive": positive,
        "board": without_nan(to_json(board)),
        "fingerprint": fingerprint(table),
        "skipped": dict(material.ledger.counts()),
        "versions": versions(),
    }
    return replace(learn(material, interactions, config, progress), facts=facts)


def baselines_of(learned: Interactions, config: RecommendConfig) -> dict[str, Scores]:
    """Return what is popular, and the neighbours of what was chosen before."""
    popular = popularity(learned)
    near = item_neighbours(learned, config.neighbours)

    def of_neighbours(moments: Moments) -> np.ndarray:
        return by_neighbours(near, popular, moments.before)

    return {
        "popularity": lambda moments: np.tile(popular, (len(moments), 1)),
        "item-kNN": of_neighbours,
    }


def learn(
    material: Material, learned: Interactions, config: RecommendConfig, progress: Progress
) -> Recommender:
    """Return a recommender that knows of no other choices than those given."""
    from plait.train.loop import train
    from plait.train.step import Lesson

    encoders, features = _encoded(material, learned, config, progress)
    share = torch.from_numpy(np.bincount(learned.item, minlength=len(learned.items)) / len(learned))
    histories = learned.histories(learned.user, learned.time, config.longest)
    target = torch.from_numpy(np.stack([learned.user, learned.item], axis=1))
    with seeded(config.seed), threads(1):
        network = _built(features, share, config)
        users = torch.from_numpy(learned.user)
        asks = {name: part.take(users) for name, part in features["user"].items()}
        rows = rows_of(network, asks, histories, learned.item.tolist())
        lesson = Lesson(rows, target, torch.ones(len(learned)), learned.user)
        with progress.stage(f"Learning {len(learned):,} choices", config.train.epochs) as advance:
            record = Record(None, lambda _: advance(1))
            train(network, lesson, config.train, config.seed, None, record)
        tower_of(network).keep()
    return Recommender(
        material.sides["user"], material.sides["item"], encoders, features["user"], network.eval(),
        learned, config, ledger=material.ledger,
    )  # fmt: skip


def _encoded(
    material: Material, learned: Interactions, config: RecommendConfig, progress: Progress
) -> tuple[dict[str, dict[str, Encoder]], dict[str, dict[str, Features]]]:
    """Return encoders fitted on what was chosen, and Features of all users and all items."""
    encoders, features = {}, {}
    for side, numbers in (("user", learned.user), ("item", learned.item)):
        own = encoders[side] = material.sides[side].built(config.encoders)
        features[side] = encode_side(
            material.sides[side], material.tables[side], own, np.unique(numbers), config,
            material.ledger, progress,
        )  # fmt: skip
    return encoders, features


def _built(
    features: Mapping[str, Mapping[str, Features]], share: torch.Tensor, config: RecommendConfig
) -> Network:
    widths = {side: {name: part.width for name, part in own.items()}
              for side, own in features.items()}  # fmt: skip
    network = network_of(widths["user"], widths["item"], share, config)
    tower_of(network).content = features["item"]
    return network


def ready(config: RecommendConfig, preset: str) -> RecommendConfig:
    """Return the settings with the preset's encoders.

    Raises:
        ConfigError: for a preset that does not exist, or that does not recommend.
    """
    if preset not in PRESETS:
        raise ConfigError(unknown("Preset", preset, PRESETS))
    if preset == "best" or config.encoders.finetune.way != "none":
        raise ConfigError(
            "A recommender cannot train pretrained networks on; say preset='standard', which "
            "learns on them as they are."
        )
    return replace(config, encoders=config.encoders.or_else(PRESETS[preset]))


def material_of(
    table: Table,
    columns: tuple[str, str, str],
    positive: Positive | None,
    modalities: Mapping[str, str],
    ignore: Sequence[str],
) -> Material:
    """Return choices, and what is read of their users and items."""
    user, item, time = columns
    ledger = Ledger()
    ledger.add_table(table)
    said = overrides_of(modalities)
    interactions = read_interactions(table, user, item, time, positive, ledger)
    require_joined(table, (user, item), said, ignore)
    found = {"user": side_of(table, user, said, ignore), "item": side_of(table, item, said, ignore)}
    sides = {name: side for name, (side, _) in found.items()}
    return Material(interactions, sides, {name: own for name, (_, own) in found.items()}, ledger)


def _cut(interactions: Interactions, config: RecommendConfig) -> float:
    """Return the time from which on choices are held out.

    Raises:
        TableError: when there are too few choices, or all are of one time.
    """
    if len(interactions) < LEAST:
        raise TableError(
            f"Found {len(interactions)} choices; at least {LEAST} are needed to learn from the "
            "earlier and judge on the later."
        )
    cut = cut_by_time(interactions, config.held_out)
    if cut <= interactions.time[0]:
        raise TableError(
            "The choices cannot be cut by time: the first and the latest that would be learned "
            f"from are both of time {cut:g}. Name another column of time, or a smaller 'held_out'."
        )
    return cut
