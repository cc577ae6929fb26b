"""CSV, TSV and JSONL as streams of Arrow batches, with every CSV cell left as text."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeVar

import pyarrow as pa

from plait.data.encoding import find_encoding
from plait.data.table import check_names
from plait.errors import TableError

T = TypeVar("T")

ROWS_A_BATCH = 4096
LONGEST_CELL = 16 * 1024 * 1024
"""Characters that one CSV cell may have."""

MISSING_WORDS = frozenset({"", "na", "n/a", "nan", "null", "none", "#n/a", "<na>"})
"""Cells that are read as missing, in any case."""


def csv_batches(
    path: Path, encoding: str | None, problems: list[tuple[int, str]]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a CSV or TSV file, all columns as text.

    Args:
        path: the file; its separator is found from the first lines, or is a tab in `.tsv`.
        encoding: of the file; found out when None.
        problems: rows with more or fewer cells than columns are left out and added here.

    Raises:
        TableError: when the file is empty, is not text, or its names repeat.
    """
    csv.field_size_limit(LONGEST_CELL)
    with _open(path, encoding) as file:
        start = file.read(64 * 1024)
        file.seek(0)
        reader = csv.reader(file, delimiter=_separator(path, start), strict=False)
        names = [name.strip() for name in next(filter(None, reader), [])]
        if not names:
            raise TableError(f"{path.name!r} is empty; its first row must name the columns.")
        check_names(names)
        schema = pa.schema([(name, pa.large_string()) for name in names])
        yield pa.RecordBatch.from_pylist([], schema=schema)
        rows = _whole_rows(reader, len(names), problems)
        for block in _blocks(rows):
            columns = zip(*block, strict=True)
            yield pa.record_batch([pa.array(c, pa.large_string()) for c in columns], schema=schema)


def _whole_rows(
    reader: Iterator[list[str]], width: int, problems: list[tuple[int, str]]
) -> Iterator[list[str | None]]:
    number = 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problems.append((number, f"not a CSV row: {error}"))
            number += 1
            continue
        if not row:
            continue
        if len(row) != width:
            problems.append((number, f"has {len(row)} cells where the table has {width} columns"))
        else:
            yield [missing_as_none(cell) for cell in row]
        number += 1


def missing_as_none(cell: str) -> str | None:
    """Return the cell, or None when it is a word for a missing value."""
    return None if cell.strip().casefold() in MISSING_WORDS else cell


def json_batches(
    path: Path, encoding: str | None, problems: list[tuple[int, str]]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a JSONL file; a key that a row lacks is missing there.

    Args:
        path: a file of one JSON object a line.
        encoding: of the file; found out when None.
        problems: lines that are not JSON objects are left out and added here.

    Raises:
        TableError: when no line is an object.
    """
    # Twice over the file: what a column holds is known only at its end.
    kinds: dict[str, pa.DataType] = {}
    with _open(path, encoding) as file:
        for rows in _blocks(_objects(file, problems)):
            for name in {name: None for row in rows for name in row}:
                found = _kind([row.get(name) for row in rows])
                kinds[name] = _common(kinds.get(name, pa.null()), found)
    if not kinds:
        raise TableError(f"{path.name!r} has no line that is a JSON object.")
    with _open(path, encoding) as file:
        for rows in _blocks(_objects(file, [])):
            columns = [_array([row.get(name) for row in rows], kinds[name]) for name in kinds]
            yield pa.record_batch(columns, names=list(kinds))


def _blocks(rows: Iterator[T]) -> Iterator[list[T]]:
    while block := list(islice(rows, ROWS_A_BATCH)):
        yield block


MIXED = pa.large_string()
"""Values of mixed types are kept as text, and told apart again in `detect`."""


def _kind(values: list[Any]) -> pa.DataType:
    try:
        return pa.array(values).type
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return MIXED


def _common(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """Return the type that holds both: a wider number, a struct with both's fields, or text."""
    fields = [pa.schema([("", one)]), pa.schema([("", other)])]
    try:
        return pa.unify_schemas(fields, promote_options="permissive").field(0).type
    except pa.ArrowException:
        return MIXED


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    if kind == MIXED:
        values = [None if value is None else _as_text(value) for value in values]
    return pa.array(values, kind)


def _objects(file: IO[str], problems: list[tuple[int, str]]) -> Iterator[dict[str, Any]]:
    lines = (line for line in file if line.strip())
    for number, line in enumerate(lines):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            problems.append((number, f"not JSON: {error}"))
            continue
        if isinstance(row, dict):
            yield row
        else:
            problems.append((number, f"not a JSON object: {line.strip()[:40]}"))


def _as_text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()  # half a surrogate pair cannot be stored


def _open(path: Path, encoding: str | None) -> io.TextIOWrapper:
    encoding = encoding or find_encoding(path)
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise TableError(f"Encoding {encoding!r} is not known; say utf-8, for example.") from None
    name = "utf-8-sig" if name == "utf-8" else name  # passes over a mark, if there is one
    return path.open(encoding=name, errors="replace", newline="")


def _separator(path: Path, start: str) -> str:
    if path.suffix.lower() == ".tsv":
        return "\t"
    # The first of the marks that gives the most names; marks inside quotes give none.
    return max(",;\t", key=lambda mark: len(next(filter(None, _cells(start, mark)), [])))


def _cells(text: str, mark: str) -> Iterator[list[str]]:
    with suppress(csv.Error):
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=mark)
