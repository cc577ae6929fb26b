"""Read a table from a file, a folder, pandas, pyarrow or a dictionary."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from plait.data import (
    arrow_file,
    hugging_face,
    lance_file,
    remote,
    text_files,
    web_dataset,
)
from plait.data import folder as folders
from plait.data.media import modality_of_name
from plait.data.reference import join as joined
from plait.data.table import Table, check_names
from plait.errors import TableError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

IN_MEMORY = 256 * 1024 * 1024
"""Bytes of a file above which its columns are memory-mapped instead of held."""

LOOKED_AT = 1000
"""Cells of a column in which URLs and names of files are looked for."""

BATCH_BYTES = 64 * 1024 * 1024
"""Bytes of a Parquet file, uncompressed, that are read at a time."""


def read(
    source: Any,
    *,
    folder: str | Path | None = None,
    encoding: str | None = None,
    allow_outside: bool = False,
    allow_urls: bool = False,
    join: Mapping[str, Any] | None = None,
) -> Table:
    """Read a table.

    Args:
        source: a path to CSV, TSV, JSONL, Parquet, Arrow or Feather; WebDataset shards, `a.tar` or
            `a-{000..012}.tar`; a folder of files, or one that Hugging Face's `datasets` or Lance
            wrote; a table file in storage that fsspec knows, `s3://bucket/table.parquet`; a pandas
            DataFrame; a pyarrow Table; a Dataset of `datasets`; or a mapping of column name to
            values.
        folder: where relative paths in cells start; the file's own folder by default.
        encoding: of a text file; found out by default.
        allow_outside: let cells name files outside `folder`.
        allow_urls: fetch the files of cells that are URLs.
        join: tables that columns refer to, by column: `{"user": "users.csv"}`, whose column `age`
            is then `user.age`; or with its key, `{"user": ("users.csv", "id")}`, where that is
            neither called as the column is, nor the first. A reference that is not found is a row
            of missing cells, and is listed. Paths in a joined table start at its own folder.

    Returns:
        The table. Rows of a text file that do not fit its columns are left out and listed in
        `problems`.

    Raises:
        ColumnError: when a column of `join`, or its key, is not there.
        TableError: when there is nothing to read, it cannot be read, or keys of `join` repeat.
    """
    table = _read(source, folder, encoding, allow_outside, allow_urls)
    for column, given in (join or {}).items():
        other, key = given if isinstance(given, tuple) else (given, None)
        name = Path(other).name if isinstance(other, (str, Path)) else f"the table of {column!r}"
        opened = _read(other, None, None, allow_outside, allow_urls)
        table = joined(table, column, opened, key, name)
    return table


def _read(
    source: Any,
    folder: str | Path | None,
    encoding: str | None,
    allow_outside: bool,
    allow_urls: bool,
) -> Table:
    if isinstance(source, Table):
        return source
    if isinstance(source, str) and "://" in source and not Path(source).exists():
        table = _read_uri(source, encoding)
    elif isinstance(source, (str, Path)):
        table = _read_path(Path(source), folder, encoding, allow_outside)
    else:
        table = _read_object(source, folder, allow_outside)
    return _with_urls(table) if allow_urls else table


def _read_object(source: Any, folder: str | Path | None, allow_outside: bool) -> Table:
    home = Path(folder) if folder is not None else Path.cwd()
    if isinstance(source, pa.Table):
        return _of_arrow(source, home, allow_outside, "the table")
    if hugging_face.is_dataset(source):
        arrow = hugging_face.read_dataset(source)
        return _of_arrow(arrow, home, allow_outside, "the dataset")
    if isinstance(source, Mapping):
        return _not_empty(Table.of(_lists(source), home, allow_outside), "the mapping")
    if hasattr(source, "columns") and hasattr(source, "iloc"):
        return _of_pandas(source, home, allow_outside)
    raise TableError(
        f"Cannot read a table from {type(source).__name__}; give a path to CSV, TSV, JSONL or "
        "Parquet, a folder, a pandas DataFrame, a pyarrow Table, a Hugging Face Dataset, or a dict "
        "of columns."
    )


def _read_uri(uri: str, encoding: str | None) -> Table:
    """Return a table of storage; strings of columns that name files are fetched from there."""
    with tempfile.TemporaryDirectory(prefix="plait-") as folder:
        path, storage = remote.fetch_table(uri, Path(folder))
        table = _read_path(path, None, encoding, allow_outside=False)
        data = dict(table.data)
        for name in table.columns:
            cells = [table.cell(name, row) for row in range(min(len(table), LOOKED_AT))]
            if any(isinstance(cell, str) and modality_of_name(cell) for cell in cells):
                data[name] = remote.with_remote(table.values(name), remote.Shelf(storage))
        return replace(table, data=data)


def _with_urls(table: Table) -> Table:
    """Return the table with the columns of URLs made fetchable."""
    data, shelf = dict(table.data), remote.Shelf(remote.Web())
    for name in table.columns:
        cells = [table.cell(name, row) for row in range(min(len(table), LOOKED_AT))]
        if any(remote.is_url(cell) for cell in cells):
            stored = table.data[name]
            whole = stored.to_pylist() if isinstance(stored, pa.ChunkedArray) else stored
            data[name] = remote.with_remote(whole, shelf)
    return replace(table, data=data)


def _read_path(
    path: Path, folder: str | Path | None, encoding: str | None, allow_outside: bool
) -> Table:
    home = Path(folder) if folder is not None else path.parent
    if path.suffix.lower() == ".tar":
        data = web_dataset.read_shards(web_dataset.shards_of(path))
        return _not_empty(Table.of(data, home, allow_outside), repr(path.name))
    if not path.exists():
        near = sorted(p.name for p in path.parent.glob("*")) if path.parent.is_dir() else []
        raise TableError(
            f"There is no file or folder {str(path)!r}.{did_you_mean(path.name, near)}"
        )
    if path.is_dir():
        return _read_folder(path, home, allow_outside)
    suffix = path.suffix.lower()
    problems: list[tuple[int, str]] = []
    if suffix in {".csv", ".tsv", ".txt"}:
        batches = text_files.csv_batches(path, encoding, problems)
    elif suffix in {".jsonl", ".ndjson"}:
        batches = text_files.json_batches(path, encoding, problems)
    elif suffix in {".parquet", ".pq"}:
        batches = _parquet_batches(path)
    elif suffix in {".arrow", ".feather", ".ipc"}:
        return _of_arrow(arrow_file.read_arrow(path), home, allow_outside, repr(path.name))
    else:
        raise TableError(
            f"Cannot read {path.name!r}: plait reads .csv, .tsv, .jsonl, .parquet, .arrow, "
            ".feather, .tar and folders. Save a sheet or a database table as one of them."
        )
    arrow = _gather(batches, mapped=path.stat().st_size > IN_MEMORY)
    return _of_arrow(arrow, home, allow_outside, repr(path.name), tuple(problems))


def _read_folder(path: Path, home: Path, allow_outside: bool) -> Table:
    if path.suffix == ".lance" or (path / "_versions").is_dir():
        return _not_empty(Table.of(lance_file.read_lance(path), home, allow_outside), str(path))
    if any((path / mark).is_file() for mark in (hugging_face.SAVED, hugging_face.SAVED_SPLITS)):
        return _of_arrow(hugging_face.read_saved(path), path, allow_outside, str(path))
    return _not_empty(folders.read_folder(path, allow_outside), str(path))


def _parquet_batches(path: Path) -> Iterator[pa.RecordBatch]:
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=BATCH_BYTES // 64) as file:
            facts = file.metadata
            size = sum(facts.row_group(i).total_byte_size for i in range(facts.num_row_groups))
            rows = BATCH_BYTES // (size // max(facts.num_rows, 1) + 1)
            yield pa.RecordBatch.from_pylist([], schema=file.schema_arrow)
            yield from file.iter_batches(batch_size=min(max(rows, 1), 4096))
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"{path.name!r} cannot be read as Parquet: {error}") from error


def _gather(batches: Iterator[pa.RecordBatch], mapped: bool) -> pa.Table:
    """Return one Arrow table of the batches; through a memory-mapped file when they are many."""
    if not mapped:
        return pa.Table.from_batches(list(batches))
    first = next(batches)
    with tempfile.NamedTemporaryFile(prefix="plait-", suffix=".arrow") as file:
        with pa.ipc.new_stream(file.name, first.schema) as writer:
            writer.write_batch(first)
            for batch in batches:
                writer.write_batch(batch)
        # The map keeps the pages alive after the name is gone, so nothing is left behind.
        return pa.ipc.open_stream(pa.memory_map(file.name)).read_all()


def _of_arrow(
    arrow: pa.Table,
    folder: Path,
    allow_outside: bool,
    what: str,
    problems: tuple[tuple[int, str], ...] = (),
) -> Table:
    check_names(arrow.column_names)
    data = {name: arrow.column(name) for name in arrow.column_names}
    left_out = tuple(number for number, _ in problems)
    return _not_empty(Table.of(data, folder, allow_outside, problems, left_out), what)


def _of_pandas(frame: pd.DataFrame, folder: Path, allow_outside: bool) -> Table:
    import pandas as pd

    names = [str(name) for name in frame.columns]
    check_names(names)
    data: dict[str, Any] = {}
    for position, name in enumerate(names):
        series = frame.iloc[:, position]
        if series.dtype != object:
            with suppress(pa.ArrowException, TypeError):  # periods, intervals, mixed categories
                stored = pa.Array.from_pandas(series)
                chunked = isinstance(stored, pa.ChunkedArray)
                data[name] = stored if chunked else pa.chunked_array([stored])
                continue
        data[name] = [
            None if pd.api.types.is_scalar(value) and pd.isna(value) else value for value in series
        ]
    return _not_empty(Table.of(data, folder, allow_outside), "the DataFrame")


def _lists(source: Mapping[str, Any]) -> dict[str, Any]:
    check_names([str(name) for name in source])
    return {str(name): _values(str(name), values) for name, values in source.items()}


def _values(name: str, values: Any) -> pa.ChunkedArray | list[Any]:
    if isinstance(values, pa.ChunkedArray):
        return values
    if isinstance(values, pa.Array):
        return pa.chunked_array([values])
    if isinstance(values, (str, bytes, Mapping)) or not hasattr(values, "__iter__"):
        raise TableError(
            f"Column {name!r} must be a list of values, found {type(values).__name__}."
        )
    return list(values)


def _not_empty(table: Table, what: str) -> Table:
    if not table.columns:
        raise TableError(f"There are no columns in {what}.")
    if not len(table):
        bad = table.problems
        left = f" {len(bad)} were left out; row {bad[0][0]} {bad[0][1]}." if bad else ""
        raise TableError(f"There are no rows in {what}; it has the columns {table.columns}.{left}")
    return table
