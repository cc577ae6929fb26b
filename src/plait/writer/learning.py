"""Learn to write a text column from the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from plait.chance import seeded
from plait.config import to_json
from plait.data.read import read
from plait.ensemble.config import FitConfig
from plait.fitting import without_nan
from plait.making.material import Material
from plait.making.reading import fitted, ready
from plait.making.run import begin, require_parts
from plait.making.training import Training
from plait.progress import Progress
from plait.subwords import Vocabulary
from plait.tasks.write import padded
from plait.train.record import Record, Track
from plait.writer.building import build, network_of
from plait.writer.judging import judged
from plait.writer.material import gather
from plait.writer.rewards import require_reward
from plait.writer.stages import Stages
from plait.writer.writer import Writer


def write(
    table: Any,
    target: str | Sequence[str],
    *,
    preset: str = "quick",
    modalities: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    split: str | None = None,
    config: FitConfig | None = None,
    journal: str | Path | None = None,
    track: Track | None = None,
    progress: Progress | None = None,
) -> Writer:
    """Learn to write a text column from the others.

    A tenth of the rows, 1,000 at most, is held out with all that have a picture, sound or video in
    common with them, and what is written of these is judged; the model then learns again from all
    rows. Rows with the same inputs are several references of one.

    Args:
        table: anything that `plait.read` takes.
        target: the column, or `column:text`; or a list of it and others that are learned beside
            it, from the same joint Features.
        preset: the encoders that none is named for.
        modalities: what columns hold, where detection should not decide.
        ignore: columns to leave out.
        split: as in `plait.fit`.
        config: all other settings.
        journal: folder in which what is under way is kept until the end; see `plait.fit`.
        track: is told of every epoch of every training.
        progress: where to show it; a terminal, by default.

    Returns:
        The model. `model.facts["judged"]` holds what held-out rows scored.

    Raises:
        ColumnError: for a column that is not there, or where not one target is a text.
        ConfigError: for a setting that is not allowed.
        ModelError: when the journal is of another run.
        TableError: when the table cannot be learned from.
    """
    table, progress = read(table), progress or Progress()
    config = ready(config or FitConfig(), preset)
    require_reward(config.write.reinforce.reward)
    material, parted = gather(table, target, modalities or {}, ignore, split, config, progress)
    require_parts(len(material.rows), parted)
    own = {"rows": len(material.rows), "apart": parted.kept}
    facts, kept = begin(table, material, config, split, own, journal, track)
    model = learn(material, parted.learning, config, kept.record(0, material.target), progress)
    found, trust = judged(model, material, parted.judged, progress)
    if not parted.kept and not config.write.as_is:
        model = learn(material, material.rows, config, kept.record(None, material.target), progress)
    kept.remove()
    facts["judged"] = without_nan(to_json(found))
    if trust is not None:
        facts["trust"] = to_json(trust)
    return replace(model, facts=model.facts | facts)


def learn(
    material: Material,
    rows: np.ndarray,
    config: FitConfig,
    record: Record,
    progress: Progress,
    only: Sequence[str] | None = None,
) -> Writer:
    """Return a model that learned from some rows, and of these from the named sources alone."""
    sources = tuple(s for s in material.sources if only is None or s.name in only)
    texts = [material.values[row] for row in rows]
    with seeded(config.seed):
        made = build(sources, config)
        model = made.language_model
        vocabulary = model.vocabulary if model else Vocabulary.learn(texts, config.write.vocabulary)
        tokens = vocabulary.encode(texts, config.write.longest)
        encoded = fitted(material, rows, made.frozen, made.trained, config.seed)
        widths = encoded.widths(made.trained)
        length = float(np.mean([len(own) for own in tokens]))
        network = network_of(widths, made, vocabulary, length, config, material.others)
        writer = Writer(
            material.schema, material.target, sources, made.frozen, network, config,
            {}, material.ledger, vocabulary, material.others,
        )  # fmt: skip
        target = _target(material, rows, tokens)
        training = Training(material, rows, encoded, target, config.seed, record, progress)
        stages = Stages(training, made)
        if not config.write.as_is:
            writer = stages.networks(stages.texts(writer))
        writer = stages.rewards(writer)
    writer.network.eval()
    return writer


def _target(material: Material, rows: np.ndarray, texts: Sequence[Sequence[int]]) -> torch.Tensor:
    """Return the (k t) tokens of texts, behind what is known of other targets."""
    tokens = padded(texts)
    if material.truth is None:
        return tokens
    known = torch.from_numpy(material.truth[rows])
    return torch.cat([known, tokens.to(known.dtype)], dim=1)
