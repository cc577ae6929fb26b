"""A model: predict, evaluate, explain, save and load. It only delegates."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.cache import Encoded, encode
from plait.data.loader import LazySamples, Reader, Source, decode
from plait.data.once import prepare_once
from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.read_as import read_as
from plait.data.referred import behind
from plait.data.rules import is_missing
from plait.data.table import Table
from plait.embedding import embed_rows
from plait.encoders.encoder import Encoder
from plait.encoders.pretrained.encoder import Pretrained
from plait.encoders.pretrained.tuned import FineTuned
from plait.ensemble.entrants import build_encoder
from plait.ensemble.tuned_expert import TunedExpert
from plait.errors import CellError, ConfigError, TableError, unknown
from plait.folder import read_folder, require_free, write_folder
from plait.layers import one_thread
from plait.parts import Parts
from plait.progress import Progress
from plait.store import default_store
from plait.tasks.target import Target
from plait.types import Column, Sample
from plait.writing import replacing_folder

if TYPE_CHECKING:
    from pathlib import Path

    from plait.evaluate.run import Evaluation


@dataclass(frozen=True)
class Prediction:
    """What a model says of the rows of a table.

    Attributes:
        target: what was predicted.
        scores: (n c) probabilities, or (n 1) numbers.
        skipped: cells that could not be read; they were taken as missing.
        explanations: what each source added, where it was asked for; of several targets each
            has its own, in `each`.
        absent: columns that the model reads and the table does not have, missing in every row.
        parts: of each target, where there are several.
    """

    target: Target
    scores: np.ndarray
    skipped: Ledger
    explanations: tuple[Explanation, ...] = ()
    absent: tuple[str, ...] = ()
    parts: tuple[Prediction, ...] = ()

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def values(self) -> list[Any]:
        """The predicted classes, tuples of labels, or numbers; of several targets a tuple a row."""
        return self.target.decode(self.scores)

    @property
    def each(self) -> dict[str, Prediction]:
        """The prediction of each target, by its name."""
        return {part.target.name: part for part in self.parts or (self,)}

    @property
    def confidence(self) -> np.ndarray | None:
        """(n) probability of the predicted class; None for labels and numbers."""
        return self.scores.max(axis=1) if self.target.kind == "classify" else None


@dataclass(frozen=True)
class Explanation:
    """What each source added to the score of one row's prediction.

    Attributes:
        value: the prediction.
        score: its probability, or the number itself.
        base: the score with nothing known.
        contributions: by source; together with `base` they add up to `score`.
    """

    value: Any
    score: float
    base: float
    contributions: Mapping[str, float]


class Model(Parts):
    """Encoders and experts that were fitted together."""

    def predict(
        self, table: Any, progress: Progress | None = None, explain: bool = False
    ) -> Prediction:
        """Predict the target of every row; cells and columns may be missing.

        Args:
            table: anything that `plait.read` takes.
            progress: where to show it.
            explain: say what each source added, too.

        Raises:
            ConfigError: when there are too many sources to tell apart.
            TableError: when the table has none of the model's columns.
        """
        table = read_as(table, self.sources)
        encoded, ledger = self.encode(table, progress or Progress())
        scores = self.scores(encoded)
        explained = self._explain(encoded, scores) if explain else [()] * len(self.target.each)
        absent = tuple(name for name in self.columns if name not in table)
        parts = tuple(
            Prediction(part, scores[:, own], ledger, reasons, absent)
            for (part, own), reasons in zip(self.target.each, explained, strict=True)
        )
        if not self.target.parts:
            return parts[0]
        return Prediction(self.target, scores, ledger, absent=absent, parts=parts)

    @one_thread()
    def encode(self, table: Table, progress: Progress) -> tuple[Encoded, Ledger]:
        """Read, prepare and encode every row of a table."""
        self.require_columns(table)
        ledger = Ledger()
        reader, tuned = Reader(table, ledger), self._tuned
        encoders = {
            source.name: build_encoder(source, self.config.encoders)
            for source in self.read
            if source.name in self.encoders or source.name not in tuned
        }
        # Fitted ones know which network they were fitted on, and refuse another.
        fitted = {n: e for n, e in self.encoders.items() if isinstance(e, Pretrained)}
        samples = prepare(reader, self.sources, encoders | fitted, progress)[0]
        raw = {name: samples[name] for name in self.raw if name not in tuned}
        prepares = {name: encoder.preprocess for name, encoder in tuned.items()}
        raw |= prepare_raw(reader, self.read, prepares, samples, progress)
        return encode(self.encoders, samples, np.arange(len(table)), raw), ledger

    @property
    def _tuned(self) -> dict[str, FineTuned]:
        """The encoders with pretrained networks that were trained on, by source."""
        networks = [e.network for e in self.experts.values() if isinstance(e, TunedExpert)]
        encoders = [pair for network in networks if network for pair in network.by_name.items()]
        return {name: e for name, e in encoders if isinstance(e, FineTuned)}

    @property
    def columns(self) -> list[str]:
        """The names of the table's columns that the model reads."""
        read = (column.stored for source in self.read for column in source.columns)
        return list(dict.fromkeys(read))

    def require_columns(self, table: Table) -> None:
        """Refuse a table that has none of the columns that are read.

        Raises:
            TableError: saying which these are, and which there are.
        """
        if not any(name in table for name in self.columns):
            raise TableError(
                f"The table has none of the columns that the model reads. It reads {self.columns}, "
                f"the table has {table.columns}."
            )

    @one_thread()
    def scores(self, rows: Encoded) -> np.ndarray:
        """Return (n c) scores of encoded rows, the prior where nothing is known."""
        predictions = [self.experts[member.name].predict(rows) for member in self.members]
        if self.combiner is None:
            return self.target.fill(predictions[0])
        return self.target.fill(self.combiner.combine(np.stack(predictions)))

    def evaluate(self, table: Any, progress: Progress | None = None) -> Evaluation:
        """Score the predictions of rows whose target is known, with 95 % intervals.

        Raises:
            ColumnError: when the table lacks a target column.
            TableError: when no row has a known target.
        """
        from plait.evaluate.run import evaluate

        table = read(table)
        columns = [self.schema[part.name] for part, _ in self.target.each]
        for column in columns:
            table.require(column.name)
        rows, values = known_targets(table, columns, Ledger())
        if not len(rows):
            raise TableError(f"No row has a value of target {self.target.name!r} that can be read.")
        scores = self.predict(table.take(rows), progress).scores
        result = evaluate(self.target, self.target.encode(values), scores)
        return replace(result, left_out=len(table) - len(rows))

    def explain(self, table: Any, target: str | None = None) -> tuple[Explanation, ...]:
        """Return what each source added to each row's prediction; see `predict`.

        Args:
            table: anything that `plait.read` takes.
            target: which of several.

        Raises:
            ConfigError: when the model has no such target, or several and none is named.
        """
        names = [part.name for part, _ in self.target.each]
        if target is None and len(names) > 1:
            raise ConfigError(f"The model has several targets; say which of {names} to explain.")
        if target is not None and target not in names:
            raise ConfigError(unknown("Target", target, names))
        found = self.predict(table, Progress(show=False), explain=True)
        return found.each[target or names[0]].explanations

    def _explain(self, encoded: Encoded, scores: np.ndarray) -> list[tuple[Explanation, ...]]:
        """Return exact Shapley values of the sources for each target, for scores that are known."""
        from plait.explain.modality import shapley

        everyone = frozenset(source.name for source in self.read)

        def predict(known: frozenset[str]) -> np.ndarray:
            return scores if known == everyone else self.scores(encoded.without(everyone - known))

        base, parts = shapley(sorted(everyone), predict)
        return [
            _explanations(
                part, scores[:, own], base[:, own], {n: p[:, own] for n, p in parts.items()}
            )
            for part, own in self.target.each
        ]

    def export(self, source: str, folder: str | Path) -> Path:
        """Write a network that was trained on as a folder of Hugging Face's; see `FineTuned`.

        Args:
            source: whose network it is.
            folder: where; it must not exist yet.

        Raises:
            ConfigError: when the network of this source was not trained on.
            ModelError: when something is there already, or nothing can be written.
        """
        tuned = self._tuned
        if source not in tuned:
            raise ConfigError(
                unknown("Fine-tuned source", source, tuned)
                if tuned
                else "The model has no network that was fine-tuned: none was asked for "
                "(preset='best'), or what came of it was not chosen."
            )
        place = require_free(folder, overwrite=False)
        with replacing_folder(place) as partial:
            tuned[source].export(partial)
        return place

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Write the model folder; see `plait.folder.write_folder`."""
        return write_folder(self, folder, overwrite)


def _explanations(
    target: Target, scores: np.ndarray, base: np.ndarray, parts: Mapping[str, np.ndarray]
) -> tuple[Explanation, ...]:
    """Return what each source added to the best class or label, or to the number."""
    column = scores.argmax(axis=1)
    return tuple(
        Explanation(
            value,
            float(scores[row, c]),
            float(base[row, c]),
            {name: float(part[row, c]) for name, part in parts.items()},
        )
        for row, (value, c) in enumerate(zip(target.decode(scores), column, strict=True))
    )


def load(folder: str | Path) -> Model:
    """Read a model folder; see `plait.folder.read_folder`."""
    return Model(**vars(read_folder(folder)))


def prepare(
    reader: Reader,
    sources: Sequence[Source],
    encoders: Mapping[str, Encoder],
    progress: Progress,
    limit: float | None = None,
) -> tuple[dict[str, Sequence[Sample | None]], dict[str, float]]:
    """Return the samples of every source, and the seconds that preparing them took.

    Args:
        reader: of the table.
        sources: to prepare.
        encoders: by source; sources without one are left out.
        progress: where to show it.
        limit: share of a column's cells that may be unreadable before the run stops; None never
            stops it.

    Raises:
        TableError: when more of a source that is read here cannot be, before the next is read.
    """
    samples: dict[str, Sequence[Sample | None]] = {}
    seconds = dict.fromkeys((source.name for source in sources), 0.0)
    for source in sources:
        if source.name in encoders:
            start = time.perf_counter()
            samples[source.name] = _prepared(reader, source, encoders[source.name], progress)
            seconds[source.name] = time.perf_counter() - start
            if limit is not None:
                reader.require_readable(source, limit)
    return samples, seconds


def _prepared(
    reader: Reader, source: Source, encoder: Encoder, progress: Progress
) -> Sequence[Sample | None]:
    """Return the samples of one source; cheap ones are prepared whenever they are asked for."""
    if not (encoder.costly or isinstance(encoder, Pretrained)):
        return LazySamples(reader, source, encoder.preprocess)
    joined = behind(reader, source)
    if joined is not None:
        once = _prepared(joined.reader, joined.source, encoder, progress)
        return joined.refer(once, reader.ledger)
    if not isinstance(encoder, Pretrained):
        with progress.stage(f"Reading {source.name}", len(reader.table)) as advance:
            return prepare_once(reader, source, encoder.preprocess, advance)
    with progress.stage(f"Encoding {source.name}", len(reader.table)) as advance:
        store = default_store() if encoder.config.cache else None
        found = embed_rows(reader, source, encoder, store, advance)
    if encoder.remark:
        progress.say(f"{source.name}: {encoder.remark}")
    return found


def prepare_raw(
    reader: Reader,
    sources: Sequence[Source],
    prepares: Mapping[str, Callable[[Any], Sample]],
    samples: Container[str],
    progress: Progress,
) -> dict[str, Sequence[Sample | None]]:
    """Return what pretrained networks that are trained on read, by source.

    Args:
        reader: of the table.
        sources: of the table.
        prepares: what prepares the values of a source; others are left out.
        samples: names of sources that were read before: what cannot be read is noted already.
        progress: where to show it.
    """
    raw: dict[str, Sequence[Sample | None]] = {}
    for source in sources:
        if source.name in prepares:
            own = Reader(reader.table, Ledger()) if source.name in samples else reader
            with progress.stage(f"Preparing {source.name}", len(reader.table)) as advance:
                raw[source.name] = prepare_once(own, source, prepares[source.name], advance)
    return raw


def prepare_networks(
    reader: Reader,
    sources: Sequence[Source],
    encoders: Mapping[str, Encoder],
    samples: Container[str],
    progress: Progress,
) -> dict[str, Sequence[Sample | None]]:
    """Return what the pretrained networks among encoders read themselves; see `prepare_raw`."""
    prepares = {n: e.backbone.prepare for n, e in encoders.items() if isinstance(e, Pretrained)}
    return prepare_raw(reader, sources, prepares, samples, progress)


def known_targets(
    table: Table,
    columns: Sequence[Column],
    ledger: Ledger,
    keep: Callable[[int, Any], Any] = lambda row, value: value,
) -> tuple[np.ndarray, list[Any]]:
    """Return the rows of which a target can be read, and its values; others go to the ledger.

    A value of several targets is a tuple, with None for those that are not known.

    Args:
        table: that is read.
        columns: the targets.
        ledger: of what cannot be read.
        keep: from a row and a value to what is kept of it; raises CellError where it is none.
    """
    rows, values = [], []
    for row in range(len(table)):
        cells: list[Any] = []
        for column in columns:
            value = table.cell(column.name, row)
            try:
                cells.append(keep(row, _read_target(value, column, table)))
            except CellError as error:
                cells.append(None)
                if len(columns) == 1 or not is_missing(value):
                    ledger.add(table.row_number(row), column.name, str(error))
        if any(cell is not None for cell in cells):
            rows.append(row)
            values.append(tuple(cells) if len(columns) > 1 else cells[0])
        elif len(columns) > 1:
            ledger.add(table.row_number(row), columns[0].name, "no target is known")
    return np.array(rows, dtype=np.int64), values


def _read_target(value: Any, column: Column, table: Table) -> Any:
    if is_missing(value):
        raise CellError("the target is missing")
    try:
        decoded = decode(value, column.modality, table)
    except CellError as error:
        raise CellError(f"the target cannot be read: {error}") from error
    if isinstance(decoded, str) and not decoded:
        raise CellError("the target is empty")
    return decoded
