"""A model that writes: what was learned, the texts of new rows, save and load."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from plait.cache import Encoded
from plait.config import from_json, to_json
from plait.data.loader import Reader
from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.read_as import read_as
from plait.data.table import Table
from plait.decoding.beam import beams
from plait.decoding.config import DecodingConfig
from plait.decoding.one_by_one import as_they_end, stream
from plait.decoding.written import Written
from plait.encoders.pretrained.tuned import put_learned, tuned_of
from plait.errors import TableError
from plait.evaluate.written import Texts, WrittenEvaluation, evaluate_written, judge_others
from plait.folder import put_states, under
from plait.making.maker import Maker, Stored
from plait.making.material import keys_of, values_of
from plait.metrics.uncertainty import Interval
from plait.model import known_targets
from plait.progress import Progress
from plait.subwords import Vocabulary
from plait.tasks.target import Target
from plait.tasks.write import Write
from plait.tasks.write_beside import WriteBeside, writes
from plait.writer.building import build, network_of
from plait.writer.card import writer_card
from plait.writer.references import references_of
from plait.writer.trust import Trust

if TYPE_CHECKING:
    from plait.constraints import Constraint, Tokens


ROWS_A_BATCH = 256
"""Rows of which other targets are predicted at a time."""

PIECES = 4
"""Of a batch: as soon as so much of it has been written, further rows come in."""


@dataclass(frozen=True)
class Writer(Maker):
    """Writes a text column from the others.

    Attributes:
        vocabulary: the tokens that it writes in.
        others: targets beside the text, as one; None where there are none.
    """

    kind = "writer"

    vocabulary: Vocabulary
    others: Target | None = None

    @property
    def trust(self) -> Trust | None:
        """What confidence meant on held-out rows; None where these were not right or wrong."""
        return from_json(Trust, self.facts["trust"]) if self.facts.get("trust") else None

    @property
    def tokens(self) -> Tokens:
        """What constraints are made of: the tokens that it writes, as many as have a score."""
        from plait.constraints import Tokens

        decoder = self.task.decoder
        return Tokens.of(self.vocabulary.tokenizer, decoder.end, decoder.size)

    @property
    def task(self) -> Write:
        """What writes."""
        return writes(self.network.task)

    def predict(
        self,
        table: Any,
        progress: Progress | None = None,
        decoding: DecodingConfig | None = None,
        constraint: Constraint | None = None,
        candidates: int = 1,
        seed: int = 0,
    ) -> Texts:
        """Write a text for every row; cells and columns may be missing.

        Args:
            table: anything that `plait.read` takes.
            progress: where to show it.
            decoding: how; as the model was told when it learned, by default.
            constraint: on what may be written.
            candidates: texts of a row: the best beams, or so many that are drawn.
            seed: of what is drawn.

        Raises:
            TableError: when the table has none of the model's columns.
        """
        table, ledger = read_as(table, self.sources), Ledger()
        progress = progress or Progress()
        rows = self.encode(table, ledger, progress)
        texts = self.written(rows, progress, decoding, constraint, candidates, seed)
        absent = tuple(name for name in self.columns if name not in table)
        return replace(texts, skipped=ledger, absent=absent)

    def written(
        self,
        rows: Encoded,
        progress: Progress,
        decoding: DecodingConfig | None = None,
        constraint: Constraint | None = None,
        candidates: int = 1,
        seed: int = 0,
    ) -> Texts:
        """Return the texts of encoded rows; takes what `predict` takes."""
        with progress.stage(f"Writing {self.target}", len(rows)) as advance:
            made = self._write(rows, decoding, constraint, candidates, seed, advance)
        texts = tuple(
            tuple(dict.fromkeys(self.vocabulary.decode(text.tokens) for text in own))
            for own in made
        )
        sure = np.array([own[0].confidence if own else np.nan for own in made])
        return Texts(self.target, texts, sure, others=self._of_others(rows))

    def _of_others(self, rows: Encoded) -> dict[str, list[Any]]:
        """Return what is predicted of the targets beside the text."""
        if self.others is None:
            return {}
        scores = self.scores(rows)
        return {part.name: part.decode(scores[:, own]) for part, own in self.others.each}

    @torch.no_grad()
    def scores(self, rows: Encoded) -> np.ndarray:
        """Return (n c) scores of the targets beside the text, the prior where a row has nothing."""
        task, target = self.network.task, self.others
        assert target is not None
        assert isinstance(task, WriteBeside)
        found = np.full((len(rows), target.width), np.nan)
        for batch, features in self.batches(rows, ROWS_A_BATCH):
            found[batch] = task.others.predict(features).double().numpy()
        return target.fill(found)

    def evaluate(self, table: Any, progress: Progress | None = None) -> WrittenEvaluation:
        """Judge what is written of rows whose text is known; rows with the same inputs are one.

        Raises:
            ColumnError: when the table lacks the target column.
            TableError: when no row has a text and something to write from.
        """
        table, progress = read(table), progress or Progress()
        table.require(self.target)
        rows, known = known_targets(table, [self.schema[self.target]], Ledger())
        everything, table = len(table), table.take(rows)
        keys, groups = keys_of(Reader(table, Ledger()), self.sources)
        there = np.flatnonzero(~np.isnan(keys))
        if not len(there):
            raise TableError(f"No row has both a text in {self.target!r} and a cell to write from.")
        first, references = references_of(keys, there, known)
        table = table.take(first)
        encoded = self.encode(table, Ledger(), progress)
        texts = [text or "" for text in self.written(encoded, progress).values]
        result = evaluate_written(self.target, texts, references, groups[first], thorough=True)
        others = self._judged(table, encoded)
        return replace(result, left_out=everything - len(there), others=others)

    def _judged(self, table: Table, rows: Encoded) -> dict[str, Interval]:
        """Return the first metric of each target beside the text, for a table and its rows."""
        if self.others is None:
            return {}
        columns = [self.schema[part.name] for part, _ in self.others.each]
        values = values_of(Reader(table, Ledger()), columns)
        return judge_others(self.others, self.others.encode(values), self.scores(rows))

    def stream(
        self, table: Any, decoding: DecodingConfig | None = None, seed: int = 0
    ) -> Iterator[str]:
        """Yield what each token adds to the text of a table's first row, as it is written.

        Args:
            table: see `predict`.
            decoding: how; beams cannot be streamed, and are written greedily.
            seed: of what is drawn.
        """
        table = read(table).take(range(1))
        features = self.joined(self.encode(table, Ledger(), Progress(show=False)))
        config = decoding or self.config.write.decoding
        config = replace(config, way="greedy") if config.way == "beam" else config
        tokens: list[int] = []
        generator = torch.Generator().manual_seed(seed)
        for step in stream(self.task.decoder, [features], config, generator):
            tokens.append(int(step.tokens[0]))
            if tokens[-1] != self.task.decoder.end:
                yield self.vocabulary.pieces(tokens)[-1]

    def _write(
        self,
        rows: Encoded,
        decoding: DecodingConfig | None,
        constraint: Constraint | None,
        candidates: int,
        seed: int,
        advance: Any,
    ) -> list[list[Written]]:
        """Return the texts of every row, the best first; none where there is nothing to go by."""
        config = decoding or self.config.write.decoding
        made: list[list[Written]] = [[] for _ in range(len(rows))]
        there = np.flatnonzero(self.present(rows))
        advance(len(rows) - len(there))
        if config.way == "beam":
            for batch, features in self.batches(rows, config.batch_size):
                found = beams(self.task.decoder, features, config, constraint)
                for row, own in zip(batch, found, strict=True):
                    made[row] = own[:candidates]
                advance(len(batch))
            return made
        count = candidates if config.way == "sample" else 1
        generator = torch.Generator().manual_seed(seed)
        pieces = self.batches(rows, max(config.batch_size // (PIECES * count), 1))
        each = (part.take(torch.arange(len(part)).repeat_interleave(count)) for _, part in pieces)
        written = as_they_end(self.task.decoder, each, config, generator, constraint)
        for number, text in written:
            own = made[there[number // count]]
            own.append(text)
            if len(own) == count:
                own.sort(key=lambda text: -text.confidence)
                advance(1)
        return made

    def own(self) -> dict[str, Any]:
        """Return the vocabulary, unless it is a language model's, and the targets beside."""
        return {
            "vocabulary": "" if self.config.write.language_model else self.vocabulary.definition,
            "others": None if self.others is None else to_json(self.others),
        }

    def card(self) -> str:
        """Return the model card, in Markdown."""
        return writer_card(self)

    @staticmethod
    def load(folder: str | Path) -> Writer:
        """Read what `save` wrote.

        Raises:
            ModelError: when it is no model that writes, or damaged.
        """
        stored = Stored.read(folder, "writer")
        document, config = stored.document, stored.config
        made = build(stored.sources, config)
        put_states(made.frozen, stored.states)
        model = made.language_model
        vocabulary = model.vocabulary if model else Vocabulary(document["vocabulary"])
        made = replace(made, trained=made.trained | tuned_of(made.frozen, config.encoders.finetune))
        kept = document.get("others")
        others = None if kept is None else from_json(Target, kept)
        network = network_of(document["widths"], made, vocabulary, 1.0, config, others)
        put_learned(network, under(stored.states, "network/"))
        return Writer(
            stored.schema, document["target"], stored.sources, made.frozen, network.eval(), config,
            document["facts"], Ledger(), vocabulary, others,
        )  # fmt: skip
