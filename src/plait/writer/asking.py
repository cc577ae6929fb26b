"""A question to a model that writes: one row, its answer, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.data.loader import Reader, media_source
from plait.data.quality import Ledger
from plait.data.table import Table
from plait.decoding.config import DecodingConfig
from plait.errors import ConfigError, TableError
from plait.explain.regions import Moments, Regions, moments_of, regions_of
from plait.explain.written import of_words, rests_on
from plait.progress import Progress
from plait.writer.writer import Writer

if TYPE_CHECKING:
    from plait.constraints import Constraint

QUIET = Progress(show=False)


@dataclass(frozen=True)
class Answer:
    """What a model answers.

    Attributes:
        text: the answer; None when it cannot tell.
        candidates: all that it considered, the most probable first.
        confidence: geometric mean of the probabilities of the first's tokens.
        probability: share of held-out rows of such a confidence that were right; None where it was
            not judged by right and wrong.
        threshold: the confidence that was asked for; 0 without one.
    """

    text: str | None
    candidates: tuple[str, ...]
    confidence: float
    probability: float | None
    threshold: float


def ask(
    writer: Writer,
    values: Mapping[str, Any],
    *,
    decoding: DecodingConfig | None = None,
    constraint: Constraint | None = None,
    candidates: int = 1,
    error_rate: float | None = None,
    seed: int = 0,
) -> Answer:
    """Return what a model writes of one row.

    Args:
        writer: the model.
        values: by column; columns may be missing.
        decoding: how; as the model was told when it learned, by default.
        constraint: on what may be written.
        candidates: texts: the best beams, or so many that are drawn.
        error_rate: share of wrong answers that is accepted; where the model is less sure than
            that, it cannot tell.
        seed: of what is drawn.

    Raises:
        ConfigError: when the model was not judged by right and wrong, or the rate cannot be kept.
        TableError: when there is nothing that can be read.
    """
    trust = writer.trust
    if error_rate is not None and trust is None:
        raise ConfigError(
            "This model was judged by likeness (CIDEr), not by right and wrong, so no error rate "
            "of it is known; ask without one."
        )
    threshold = trust.threshold(error_rate) if trust and error_rate is not None else 0.0
    table = table_of(values)
    found = writer.predict(table, QUIET, decoding, constraint, candidates, seed)
    (texts,), (confidence,) = found.candidates, found.confidence
    if not texts:
        why = "; ".join(found.skipped.entries.values())
        raise TableError(f"There is nothing to be read{': ' + why if why else ''}.")
    sure = None if trust is None else float(trust.probability(np.array([confidence]))[0])
    text = texts[0] if confidence >= threshold else None
    return Answer(text, texts, float(confidence), sure, threshold)


def explain(
    writer: Writer, values: Mapping[str, Any], text: str, column: str | None = None
) -> Regions | Moments:
    """Return where in a picture, or when in a sound or a video, lies what each word rests on.

    Args:
        writer: the model.
        values: by column.
        text: that it wrote, or another.
        column: of pictures, sounds or videos; by default the only one there is.

    Raises:
        ConfigError: when there is no such column, or its encoder keeps no parts.
        TableError: when its value cannot be read.
    """
    source = media_source(writer.sources, column, _unclear)
    table, ledger = table_of(values), Ledger()
    rows = writer.encode(table, ledger, QUIET)
    inputs = rows.inputs(writer.network.fusion.widths, writer.network.by_name)
    if not bool(inputs[source.name].present[0]):
        why = "; ".join(ledger.entries.values())
        raise TableError(f"There is nothing to be read for column {source.name!r}: {why}")
    (tokens,) = writer.vocabulary.encode([text], writer.config.write.longest)
    tokens = tokens[:-1] if tokens[-1] == writer.vocabulary.end else tokens
    relevance, seen = rests_on(writer.network, inputs, source.name, tokens)
    words, owed = of_words(relevance, text, writer.vocabulary.pieces(tokens))
    there = seen.mask[0].numpy()
    where = seen.place if source.kind == "image" else seen.time
    if where is None:
        raise ConfigError(
            f"The encoder of {source.name!r} keeps no parts of what it reads, so there is nothing "
            "to point at; use a trained encoder (--encoders trained) or a pretrained one."
        )
    owed, where = owed[:, there], where[0].numpy()[there]
    if source.kind == "image":
        picture = Reader(table, Ledger()).value(source, 0)[0]
        return regions_of(text, words, owed, where, picture)
    return moments_of(text, words, owed, where, 0.5)


def _unclear(media: list[str]) -> str:
    return (
        f"The model reads {media or 'no column'} of pictures, sounds or videos; say which is meant "
        "(column=...)."
    )


def table_of(values: Mapping[str, Any]) -> Table:
    """Return a table of one row; files may lie anywhere, as the user named them."""
    cells = {name: [str(v) if isinstance(v, Path) else v] for name, v in values.items()}
    return Table.of(cells, allow_outside=True)
