"""The committed rows: a Lance dataset with versions, full text and filters, through LanceDB."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from plait.config import from_json, to_json
from plait.errors import ModelError, PlaitError, did_you_mean
from plait.search.facts import CHANGED, FORMAT, KEY, ROW, TEXT, VECTOR, Facts
from plait.search.filter import checked, refused
from plait.search.place import connect, exists, is_local, near, opened, told, watched

FOREVER = timedelta(days=36_500)

ROWS_A_BATCH = 8192

LOOKED_UP = 10_000
"""Rows from which on filters of numbers have an index: of 100,000 they take 3 ms in place of 25."""


STABLE = {"new_table_enable_stable_row_ids": "true"}

MISSING = "null"
"""A row without a vector is kept; LanceDB would refuse it, unless told so."""


@dataclass(frozen=True)
class Version:
    """A state of the index that can be gone back to."""

    number: int
    time: datetime
    rows: int


class Store:
    """A Lance dataset at a path or URI; every change is one commit, whole or not there at all.

    Args:
        uri: ending in .lance.
        table: LanceDB's, open.
    """

    def __init__(self, uri: str, table: Any) -> None:
        self.uri, self.table = uri, table

    @classmethod
    def create(
        cls, uri: str, schema: pa.Schema, facts: Facts, batches: Iterator[pa.RecordBatch]
    ) -> Store:
        """Write all batches as one commit; what is there becomes an older version.

        Raises:
            ModelError: when nothing can be written there.
        """
        schema = schema.with_metadata({KEY: json.dumps(to_json(facts)).encode()})
        database, name = connect(uri)
        failed: list[PlaitError] = []
        reader = pa.RecordBatchReader.from_batches(schema, watched(batches, failed))
        with told(uri, failed):
            table = database.create_table(
                name, reader, mode="overwrite", on_bad_vectors=MISSING, storage_options=STABLE
            )
        store = cls(uri, table)
        store.index_text()
        store.index_numbers()
        return store

    @classmethod
    def open(cls, uri: str) -> Store:
        """Open what `create` wrote.

        Raises:
            ModelError: when there is none, its writing was cut off, or a newer plait wrote it.
        """
        if is_local(uri) and Path(uri).exists() and not exists(uri):
            raise ModelError(
                f"{uri!r} holds no index; where `plait index` was cut off, run it again."
            )
        table = opened(uri)
        if table is None:
            hint = did_you_mean(uri.rpartition("/")[2], near(uri))
            raise ModelError(f"There is no index {uri!r}.{hint}")
        store = cls(uri, table)
        if KEY not in (store.table.schema.metadata or {}):
            raise ModelError(f"{uri!r} is a Lance dataset that `plait index` did not write.")
        found = json.loads(store.table.schema.metadata[KEY])["format"]
        if found > FORMAT:
            raise ModelError(f"{uri!r} has format {found}, this plait reads up to {FORMAT}.")
        return store

    @property
    def version(self) -> int:
        """The newest version, whoever wrote it."""
        return int(self.table.version)

    @property
    def facts(self) -> Facts:
        """What the newest version knows of itself."""
        return from_json(Facts, json.loads(self.table.schema.metadata[KEY]))

    @property
    def width(self) -> int:
        """Numbers in a vector."""
        return int(self.schema.field(VECTOR).type.list_size)

    @property
    def schema(self) -> pa.Schema:
        """Of the rows, with the columns that the index adds."""
        return self.table.schema

    def __len__(self) -> int:
        return int(self.table.count_rows())

    @property
    def missing(self) -> int:
        """Rows without a vector."""
        return int(self.table.count_rows(f"{VECTOR} IS NULL"))

    @property
    def apart(self) -> int:
        """Rows that some index does not hold yet; they are found by reading them all."""
        return max(
            (index.num_unindexed_rows or 0 for index in self.table.list_indices()), default=0
        )

    def index_text(self) -> bool:
        """Make the index of words where there are texts and none is there; return if it is now.

        Words are cut by ICU, which knows those of Chinese, Japanese and Thai too.
        """
        from lancedb.index import FTS

        if not self.facts.text:
            return False
        if not any(index.columns == [TEXT] for index in self.table.list_indices()):
            language = self.facts.language
            config = FTS(
                base_tokenizer="icu/split",
                language=language or "English",
                stem=language is not None,
                remove_stop_words=language is not None,
            )
            with told(self.uri):
                self.table.create_index(TEXT, config=config)
        return True

    def index_numbers(self) -> None:
        """Let filters on numbers and times be looked up, where rows are many enough to pay."""
        from lancedb.index import BTree

        if len(self) < LOOKED_UP:
            return
        for field in self.schema:
            number = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
            if number or pa.types.is_temporal(field.type):
                with told(self.uri):
                    self.table.create_index(field.name, config=BTree())

    def add(self, batches: Iterator[pa.RecordBatch]) -> None:
        """Commit rows, all of them at once; with a key, in the place of those with the same.

        Raises:
            ModelError: when another writer was faster, again and again.
        """
        failed: list[PlaitError] = []
        reader = pa.RecordBatchReader.from_batches(self.schema, watched(batches, failed))
        key = self.facts.key
        with told(self.uri, failed):
            if key is None:
                self.table.add(reader, on_bad_vectors=MISSING)
            else:
                merge = self.table.merge_insert(key).when_matched_update_all()
                merge.when_not_matched_insert_all().execute(reader, on_bad_vectors=MISSING)

    def remove(self, where: str) -> int:
        """Remove the rows that a filter names, as a version of its own; return how many.

        Raises:
            ColumnError: when it names a column that is not there.
            ConfigError: when it is no filter.
        """
        count = len(self.rows(where))
        with told(self.uri):
            if count:
                self.table.delete(checked(where))
        return count

    def compact(self, keep: timedelta | None = None) -> None:
        """Write small pieces together, and the words of new rows into the index of words.

        Args:
            keep: age up to which older versions can be gone back to; None keeps all.
        """
        with told(self.uri):
            self.table.optimize(cleanup_older_than=FOREVER if keep is None else keep)

    def history(self) -> list[Version]:
        """Return all versions that can be gone back to, the oldest first."""
        return [
            Version(one["version"], one["timestamp"], int(one["metadata"]["total_rows"]))
            for one in self.table.list_versions()
        ]

    def restore(self, version: int) -> None:
        """Make an older version the newest one; those between stay.

        Raises:
            ModelError: when it is not there.
        """
        numbers = [one.number for one in self.history()]
        if version not in numbers:
            raise ModelError(
                f"{self.uri!r} has no version {version}; there are {numbers[0]} to {numbers[-1]}, "
                "and the history shows them all."
            )
        with told(self.uri):
            self.table.restore(version)

    def rows(self, where: str) -> np.ndarray:
        """Return the numbers of the rows that a filter names.

        Raises:
            ColumnError: when it names a column that is not there.
            ConfigError: when it is no filter.
        """
        query = self.table.search().where(checked(where)).select([ROW])
        with self._filtering(where):
            return np.asarray(query.to_arrow()[ROW].to_numpy(), np.int64)

    def words(self, words: str, count: int, where: str | None) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of the rows that hold one of the words, and their BM25, falling.

        Raises:
            ColumnError: when the filter names a column that is not there.
            ConfigError: when it is no filter.
        """
        query = self.table.search(words, query_type="fts", fts_columns=TEXT)
        if where is not None:
            query = query.where(checked(where))
        with self._filtering(where or ""):
            found = query.limit(count).select([ROW, "_score"]).to_arrow()
        return found[ROW].to_numpy().astype(np.int64), found["_score"].to_numpy()

    def stamps(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of all rows that have a vector, and the versions they are of."""
        query = self.table.search().where(f"{VECTOR} IS NOT NULL").select([ROW, CHANGED])
        found = query.to_arrow()
        return found[ROW].to_numpy().astype(np.int64), found[CHANGED].to_numpy().astype(np.int64)

    def vectors(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield the rows that have a vector, in parts: numbers, versions, vectors (n d)."""
        query = self.table.search().where(f"{VECTOR} IS NOT NULL").select([ROW, CHANGED, VECTOR])
        for batch in query.to_batches(ROWS_A_BATCH):
            yield (
                batch[ROW].to_numpy().astype(np.int64),
                batch[CHANGED].to_numpy().astype(np.int64),
                _matrix(batch[VECTOR]),
            )

    def take(self, rows: np.ndarray, columns: Sequence[str]) -> pa.Table:
        """Return some columns of rows by their numbers, in that order; rows that are gone lack."""
        found = self.table.take_row_ids(rows.tolist()).select([*columns]).with_row_id().to_arrow()
        place = {row: position for position, row in enumerate(found[ROW].to_pylist())}
        order = [place[row] for row in rows.tolist() if row in place]
        return found.take(pa.array(order, pa.int64()))

    def vectors_of(self, rows: np.ndarray) -> np.ndarray:
        """Return the vectors (n d) of rows by their numbers; NaN for one that is gone or has none.

        Another process may remove a row between the finding and the reading of it.
        """
        found = self.take(rows, [VECTOR])
        there = found[VECTOR].combine_chunks()
        whole = there.is_valid().to_numpy(zero_copy_only=False)
        numbers = found[ROW].to_numpy().astype(np.int64)[whole]
        vectors = dict(zip(numbers.tolist(), _matrix(there.drop_null()), strict=True))
        none = np.full(self.width, np.nan, np.float32)
        return np.stack([vectors.get(row, none) for row in rows.tolist()] or [none])[: len(rows)]

    def require(self, row: int) -> np.ndarray:
        """Return the number of a row, (1).

        Raises:
            ModelError: when it is not in the index.
        """
        number = np.array([row], np.int64)
        if row < 0 or not self.take(number, [VECTOR]).num_rows:
            raise ModelError(f"Row {row} is not in the index {self.uri!r}.")
        return number

    @contextmanager
    def _filtering(self, where: str) -> Iterator[None]:
        try:
            yield
        except (ValueError, RuntimeError) as error:
            raise refused(where, error, list(self.facts.columns)) from error


def _matrix(vectors: pa.FixedSizeListArray) -> np.ndarray:
    flat = vectors.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, np.float32).reshape(len(vectors), vectors.type.list_size)
