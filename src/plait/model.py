"""A model: predict, evaluate, explain, save and load. It only delegates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.cache import Encoded, encode
from plait.data.loader import LazySamples, Reader, Source, decode, spool
from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.rules import is_missing
from plait.data.table import Table
from plait.encoders.encoder import Encoder
from plait.ensemble.entrants import build_encoder
from plait.errors import CellError, TableError
from plait.folder import read_folder, write_folder
from plait.layers import one_thread
from plait.parts import Parts
from plait.progress import Progress
from plait.tasks.target import Target
from plait.types import Modality, Sample

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
        explanations: what each source added, where it was asked for.
        absent: columns that the model reads and the table does not have, missing in every row.
    """

    target: Target
    scores: np.ndarray
    skipped: Ledger
    explanations: tuple[Explanation, ...] = ()
    absent: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def values(self) -> list[Any]:
        """The predicted classes, tuples of labels, or numbers."""
        return self.target.decode(self.scores)

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
        table = read(table)
        encoded, ledger = self.encode(table, progress or Progress())
        scores = self.scores(encoded)
        explanations = self._explain(encoded, scores) if explain else ()
        absent = tuple(name for name in self.columns if name not in table)
        return Prediction(self.target, scores, ledger, explanations, absent)

    @one_thread()
    def encode(self, table: Table, progress: Progress) -> tuple[Encoded, Ledger]:
        """Read, prepare and encode every row of a table."""
        self._require_columns(table)
        ledger = Ledger()
        encoders = {s.name: build_encoder(s, self.config.encoders) for s in self.read}
        samples = prepare(Reader(table, ledger), self.sources, encoders, progress)[0]
        return encode(self.encoders, samples, np.arange(len(table)), self.raw), ledger

    @property
    def columns(self) -> list[str]:
        """The names of the columns that the model reads."""
        return [column.name for source in self.read for column in source.columns]

    def _require_columns(self, table: Table) -> None:
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
            ColumnError: when the table has no target column.
            TableError: when no row has a known target.
        """
        from plait.evaluate.run import evaluate

        table = read(table)
        rows, values = known_targets(table, self.target.name, self.modality, Ledger())
        if not len(rows):
            raise TableError(f"No row has a value of target {self.target.name!r} that can be read.")
        scores = self.predict(table.take(rows), progress).scores
        result = evaluate(self.target, self.target.encode(values), scores)
        return replace(result, left_out=len(table) - len(rows))

    @property
    def modality(self) -> Modality:
        """The modality of the target."""
        return self.schema[self.target.name].modality

    def explain(self, table: Any) -> tuple[Explanation, ...]:
        """Return what each source added to each row's prediction; see `predict`."""
        return self.predict(table, Progress(show=False), explain=True).explanations

    def _explain(self, encoded: Encoded, scores: np.ndarray) -> tuple[Explanation, ...]:
        """Return exact Shapley values of the sources, for scores that are known already."""
        from plait.explain.modality import shapley

        everyone = frozenset(source.name for source in self.read)

        def predict(known: frozenset[str]) -> np.ndarray:
            return scores if known == everyone else self.scores(encoded.without(everyone - known))

        base, parts = shapley(sorted(everyone), predict)
        column = scores.argmax(axis=1) if self.target.kind != "regress" else [0] * len(scores)
        return tuple(
            Explanation(
                value,
                float(scores[row, c]),
                float(base[row, c]),
                {name: float(part[row, c]) for name, part in parts.items()},
            )
            for row, (value, c) in enumerate(zip(self.target.decode(scores), column, strict=True))
        )

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Write the model folder; see `plait.folder.write_folder`."""
        return write_folder(self, folder, overwrite)


def load(folder: str | Path) -> Model:
    """Read a model folder; see `plait.folder.read_folder`."""
    return Model(**vars(read_folder(folder)))


def prepare(
    reader: Reader,
    sources: Sequence[Source],
    encoders: Mapping[str, Encoder],
    progress: Progress,
) -> tuple[dict[str, Sequence[Sample | None]], dict[str, float]]:
    """Return the samples of every source, and the seconds that preparing them took."""
    import time

    samples: dict[str, Sequence[Sample | None]] = {}
    seconds = dict.fromkeys((source.name for source in sources), 0.0)
    for source in sources:
        if source.name not in encoders:
            continue
        encoder = encoders[source.name]
        if not encoder.costly:
            samples[source.name] = LazySamples(reader, source, encoder.preprocess)
            continue
        start = time.perf_counter()
        with progress.stage(f"Reading {source.name}", len(reader.table)) as advance:
            samples[source.name] = spool(reader, source, encoder.preprocess, advance)
        seconds[source.name] = time.perf_counter() - start
    return samples, seconds


def known_targets(
    table: Table, name: str, modality: Modality, ledger: Ledger
) -> tuple[np.ndarray, list[Any]]:
    """Return the rows whose target can be read, and its values; others go to the ledger."""
    rows, values = [], []
    for row, value in enumerate(table.values(name)):
        number = table.row_number(row)
        if is_missing(value):
            ledger.add(number, name, "the target is missing")
            continue
        try:
            decoded = decode(value, modality, table)
        except CellError as error:
            ledger.add(number, name, f"the target cannot be read: {error}")
            continue
        if decoded == "":
            ledger.add(number, name, "the target is empty")
            continue
        rows.append(row)
        values.append(decoded)
    return np.array(rows, dtype=np.int64), values
