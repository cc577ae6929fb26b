"""How a space reads the rows of a table, and the vectors that it gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from plait.cache import Encoded, encode
from plait.data.histories import with_histories
from plait.data.loader import Reader, Source
from plait.data.quality import Ledger
from plait.data.read import read
from plait.data.reference import joined_name, key_of, referred
from plait.data.table import Table
from plait.encoders.pretrained.tuned import FineTuned
from plait.ensemble.entrants import build_encoder
from plait.errors import TableError
from plait.evaluate.sides import Side
from plait.layers import one_thread
from plait.model import prepare, prepare_raw
from plait.progress import Progress
from plait.spaces.histories import KIND, ByNumber, history_samples, reader_of
from plait.spaces.parts import SpaceParts
from plait.spaces.sides import of_groups, sides_of
from plait.types import Features, Modality, Sample


class SpaceReader(SpaceParts):
    """Reads rows, whole or in part, and gives vectors and tokens to their groups of columns."""

    def vectors(
        self,
        table: Any,
        group: str,
        progress: Progress | None = None,
        ledger: Ledger | None = None,
    ) -> np.ndarray:
        """Return (n d) float32 vectors of length 1 of a group; rows of NaN where it is missing.

        Args:
            table: anything that `plait.read` takes, with at least one of the group's columns; those
                of a joined table may have their own names, without that of the reference.
            group: by its name: its columns, with commas between them.
            progress: where to show it.
            ledger: where cells that cannot be read are noted.

        Raises:
            ConfigError: for a group that the space does not have.
            TableError: when the table has none of its columns.
        """
        rows = self._rows(table, group, progress, Ledger() if ledger is None else ledger)
        return of_groups(self.network, rows)[:, list(self.groups).index(group)]

    @torch.no_grad()
    def tokens(self, table: Any, group: str) -> Features:
        """Return the tokens of a group's rows in the space: all of them where the loss is FILIP.

        Args:
            table: see `vectors`.
            group: by its name.

        Raises:
            ConfigError: for a group that the space does not have.
            TableError: when the table has none of its columns.
        """
        rows, network = self._rows(table, group, None, Ledger()), self.network.eval()
        joined = network.fusion(network.encode(rows.inputs(network.fusion.widths, network.by_name)))
        own = joined.source == list(self.groups).index(group)
        return replace(joined, mask=joined.mask & own)

    def _rows(self, table: Any, group: str, progress: Progress | None, ledger: Ledger) -> Encoded:
        """Return the encoded rows of a table that has one of the group's columns."""
        own, table = self.require(group), self._ready(read(table), group, ledger)
        columns = [column.stored for source in own for column in source.columns]
        if not any(name in table for name in columns):
            raise TableError(
                f"The table has none of the columns of {group!r}. The space reads {columns}, the "
                f"table has {table.columns}."
            )
        return self.encode(table, own, ledger, progress or Progress())

    def groups_of(self, table: Table) -> list[str]:
        """Return the groups of which a table has a column, or the makings of a history."""
        found = []
        for group, own in self.groups.items():
            ready = self._ready(table, group, Ledger())
            if any(column.stored in ready for source in own for column in source.columns):
                found.append(group)
        return found

    def _ready(self, table: Table, group: str, ledger: Ledger) -> Table:
        """Return a table as a group reads it: with histories, and the names that joins give.

        A table that was joined when the space was learned may come by itself: its `age` is then
        read as `user.age`.
        """
        stored = {c.stored for source in self.groups[group] for c in source.columns}
        if stored & self.items.keys():
            table = self.with_histories(table, ledger)
        for column in self.schema.columns:
            start = joined_name(column.name, "")
            joined = sorted(name for name in stored if name.startswith(start))
            if column.modality is Modality.REFERENCE and not any(n in table for n in joined):
                for name in joined:
                    if (bare := name.removeprefix(start)) in table:
                        table = table.renamed(bare, name)
        return table

    def side(self, table: Any, group: str, progress: Progress | None, ledger: Ledger) -> Side:
        """Return what is compared of a group's rows."""
        rows = self._rows(table, group, progress, ledger)
        return sides_of(self.network, rows)[list(self.groups).index(group)]

    @one_thread()
    def encode(
        self, table: Table, sources: Sequence[Source], ledger: Ledger, progress: Progress
    ) -> Encoded:
        """Return the encoded rows, with all other sources missing."""
        trained, reader = self.network.by_name, Reader(table, ledger)
        prepares = {n: e.preprocess for n, e in trained.items() if isinstance(e, FineTuned)}
        frozen = {n: e for n, e in self.encoders.items() if n not in prepares}
        made = {s.name: build_encoder(s, self.config.encoders) for s in sources
                if s.name in trained and s.name not in prepares and s.kind != KIND}  # fmt: skip
        made |= {s.name: frozen[s.name] for s in sources if s.name in frozen}
        samples = prepare(reader, sources, made, progress)[0]
        samples |= prepare_raw(reader, sources, prepares, (), progress)
        samples |= {s.name: self._history(reader, s) for s in sources if s.kind == KIND}
        nothing = [None] * len(table)
        whole = {source.name: samples.get(source.name, nothing) for source in self.sources}
        raw = {name: whole[name] for name in trained}
        return encode(frozen, whole, np.arange(len(table)), raw)

    def with_histories(self, table: Table, ledger: Ledger | None = None) -> Table:
        """Return the table with the histories that can be made of its rows.

        For who takes some rows of it later, which would not know of the others.
        """
        columns = [items.column for items in self.items.values()]
        ledger = Ledger() if ledger is None else ledger
        return with_histories(table, columns, self.config.history.longest, ledger)

    def _history(self, reader: Reader, source: Source) -> Sequence[Sample | None]:
        """Return the vectors of the items in the history of each row.

        Those that the space does not know are read where the table refers to them.
        """
        items, table = self.items[source.name], reader.table
        if items.column.items in table.references:
            named = {key for row in range(len(table)) for key in reader.value(source, row) or ()}
            named -= set(items.keys)
            whole = referred(table, items.column.items)
            keys = [key_of(value) for value in whole.values(items.column.items)]
            rows = [row for row, key in enumerate(keys) if key in named]
            if rows:
                group, quiet = reader_of(items.column, self.groups), Progress(show=False)
                vectors = self.vectors(whole.take(rows), group, quiet, reader.ledger)
                items = items.with_more([keys[row] or "" for row in rows], vectors)
        numbers = history_samples(reader, source, items.keys, self.config.history.longest)
        return ByNumber(numbers, items.vectors)
